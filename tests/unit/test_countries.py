"""The countries of the content: the United Nations' names, organisations' own, and what is wrong with a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from functions.inquiries.content.repository import listed_groups
from shared import languages
from shared.formats import countries
from shared.formats.countries import BadCountries

SIX = ("ar", "en", "es", "fr", "ru", "zh")


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("KP", "Democratic People's Republic of Korea"),
        ("PS", "State of Palestine"),
        ("TR", "Türkiye"),
        ("IR", "Iran (Islamic Republic of)"),
        ("VA", "Holy See"),
        ("GB", "United Kingdom of Great Britain and Northern Ireland"),
        ("AX", "Åland Islands"),
    ],
)
def test_countries_are_called_as_the_united_nations_do(code: str, name: str) -> None:
    assert languages.country_name(code, "en") == name
    assert languages.countries("en")[code] == name


def test_every_country_has_a_name_of_its_own_in_each_official_language() -> None:
    entries = countries.content().countries
    assert all(set(entry.name) == set(SIX) for entry in entries)
    for language in SIX:
        assert len({entry.name[language] for entry in entries}) == len(entries), language


def test_where_nobody_lives_is_in_no_form_but_keeps_its_name() -> None:
    assert "AQ" not in languages.countries("en")
    assert languages.country_name("AQ", "en") == "Antarctica"
    assert "AQ" in countries.codes()


def test_an_organisation_names_in_its_own_way_and_adds_its_members() -> None:
    wto, joint, who = (languages.countries("en", each) for each in (["wto"], ["who", "wto"], ["who"]))
    assert (wto["HK"], joint["HK"]) == ("Hong Kong, China", "China, Hong Kong Special Administrative Region")
    assert wto["EU"] == joint["EU"] == "European Union"
    assert wto["TW"] == joint["TW"] == "Chinese Taipei"
    assert not {"EU", "TW"} & set(who)
    assert languages.country_name("HK", "en", ["wto"]) == "Hong Kong, China"
    assert languages.country_name("TW", "en") == "Chinese Taipei"  # who is stored is named, whoever reads
    assert languages.name("zh-Hant-TW", "en") == "Traditional Chinese (Chinese Taipei)"


def test_names_stand_in_the_order_of_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "available", lambda: ("en", *SIX))
    languages._country_names.cache_clear()
    order = {language: list(languages.countries(language, ["wto"])) for language in SIX}
    languages._country_names.cache_clear()
    assert order["en"].index("AX") < order["en"].index("AL")
    assert order["en"][-1] == "ZW"
    assert order["fr"].index("EG") < order["fr"].index("SV") < order["fr"].index("ET")  # Égypte, El Salvador, Éthiopie
    assert order["ru"].index("IT") < order["ru"].index("YE") < order["ru"].index("CV")  # Италия, Йемен, Кабо-Верде
    assert order["zh"][0] == "AL"
    assert set(order["zh"]) == set(order["en"])
    assert order["ar"].index("ET") < order["ar"].index("JO") < order["ar"].index("BH")


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("ke", "KE"),
        (" Kenya ", "KE"),
        ("COTE D’IVOIRE", "CI"),
        ("Ivory Coast", "CI"),
        ("Iran", "IR"),
        ("السنغال", "SN"),
        ("瑞士", "CH"),
        ("UK", "GB"),
        ("Hong Kong, China", "HK"),
        ("European Union", "EU"),
        ("Saint-Martin", "Saint-Martin"),  # of two
        ("Utopia", "Utopia"),
        ("", ""),
        ("—", "—"),
    ],
)
def test_a_country_is_found_by_any_name_of_it(typed: str, code: str) -> None:
    assert countries.code_of(typed) == code


def test_every_name_that_a_form_offers_is_found_again() -> None:
    for language in languages.available():
        for organisations in ([], ["wto"]):
            for code, name in languages.countries(language, organisations).items():
                assert countries.code_of(name) == code, name


def test_routing_reads_its_groups_from_the_countries() -> None:
    sizes = {id: len(group.countries) for id, group in listed_groups().items()}
    assert sizes["wto-members"] == 166
    assert sizes["least-developed"] == 44
    assert {"EU", "TW", "HK"} <= set(listed_groups()["wto-members"].countries)


ONE = '[[groups]]\nid = "g"\nname = { en = "G" }\nsource = "s"\nas_of = 2024-01-01\n[[countries]]\ncode = "CH"\n'


@pytest.mark.parametrize(
    ("added", "told"),
    [
        ('[[countries]]\ncode = "CH"\n', "CH: stands there twice"),
        ('name = { fr = "Suisse" }\n', "CH: the English name is missing"),
        ('groups = ["nato"]\n', "CH: there is no group 'nato'"),
        ('nmae = "x"\n', "countries.0.nmae"),
        ('[order]\nen = ["XX"]\n', "order.en: there is no country XX"),
        ("[[", "Invalid"),
    ],
)
def test_a_fault_of_the_file_is_told_with_its_place(tmp_path: Path, added: str, told: str) -> None:
    path = tmp_path / "countries.toml"
    path.write_text(ONE + added, "utf-8")
    with pytest.raises(BadCountries, match=re.escape(told)):
        countries.read(path)


def test_a_territory_without_a_name_is_called_as_in_cldr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "countries.toml"
    path.write_text('groups = []\n[[countries]]\ncode = "XK"\n', "utf-8")
    monkeypatch.setattr(countries, "content", lambda: countries.read(path))
    languages._country_names.cache_clear()
    languages._called.cache_clear()
    assert dict(languages.countries("en")) == {"XK": "Kosovo"}
    languages._country_names.cache_clear()
    languages._called.cache_clear()

"""Languages, countries, days and zones as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from infra import catalogues
from shared import languages

WEBINAR = datetime(2025, 7, 3, 11, 0, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    catalogues.compile_all()


def test_a_catalogue_is_all_that_a_language_needs() -> None:
    assert languages.available()[0] == "en"
    assert {path.parents[1].name for path in catalogues.paths()} == set(languages.available()) - {"en"}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("ar", "ar"), ("ar-EG", "ar"), ("AR_eg", "ar"), ("arn", "en"), ("tlh", "en"), (None, "en"), ("", "en")],
)
def test_the_nearest_language_is_found(wanted: str | None, found: str) -> None:
    assert languages.best(wanted) == found


def test_arabic_is_written_from_right_to_left() -> None:
    assert (languages.direction("ar"), languages.direction("en")) == ("rtl", "ltr")


def test_languages_are_named_in_themselves_or_for_a_reader() -> None:
    assert languages.name("ar") == "العربية"
    assert languages.name("fr") == "Français"
    assert languages.name("fr", "en") == "French"


@pytest.mark.parametrize(
    ("tag", "shown"),
    [
        ("ay", "Aymara"),
        ("en-GB", "British English"),
        ("zh-Hans-CN", "Simplified Chinese (China)"),
        ("zh-cmn-Hans-CN", "Chinese (Simplified, China)"),
        ("de-1996", "German"),
        ("xx", "xx"),
        ("zz-ZZ", "zz-ZZ"),
        ("x-klingon", "x-klingon"),
        ("i-default", "i-default"),
        ("qaa-Qaaa-QM-x-southern", "qaa-Qaaa-QM-x-southern"),
    ],
)
def test_every_tag_has_a_name_or_stands_for_itself(tag: str, shown: str) -> None:
    assert languages.name(tag, "en") == shown


def test_a_tag_without_a_name_does_not_turn_the_arabic_text_around_it() -> None:
    assert languages.name("ay", "ar") == "الأيمارا"
    assert languages.name("zz-ZZ", "ar") == "\u2066zz-ZZ\u2069"


@pytest.mark.parametrize("tag", ["ay", "xx", "zz-ZZ", "x-klingon", "i-default", "AR_eg", "../..", "", "root", "\x00"])
def test_nothing_shown_fails_on_a_language(tag: str) -> None:
    assert languages.best(tag) in languages.available()
    assert languages.direction(tag) in ("rtl", "ltr")
    assert languages.translations(tag).gettext("Organisation")
    assert languages.day(WEBINAR, "Europe/Zurich", tag)
    assert languages.days(WEBINAR.date(), WEBINAR.date().replace(day=4), tag)
    assert languages.zone_city("Europe/Zurich", tag)
    assert languages.countries(tag)["CH"]
    assert languages.name(tag) == languages.name(tag)
    assert languages.text({"en": "Forum"}, tag) == "Forum"


def test_strangers_do_not_fill_the_memory_with_languages() -> None:
    for number in range(3000):
        languages.name(f"xx-x-{number}")
        languages.translations(f"xx-x-{number}")
        languages.countries(f"xx-x-{number}")
        languages.day(WEBINAR, "UTC", f"xx-x-{number}")
    held = [value.cache_info() for value in vars(languages).values() if hasattr(value, "cache_info")]
    assert all(info.currsize <= 1000 for info in held)


def test_direction_follows_the_script() -> None:
    found = {tag: languages.direction(tag) for tag in ("he", "ur-PK", "az-Arab", "az-Latn", "ckb", "x-rtl")}
    assert found == {"he": "rtl", "ur-PK": "rtl", "az-Arab": "rtl", "az-Latn": "ltr", "ckb": "rtl", "x-rtl": "ltr"}


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "بقي مقعد واحد"),
        (2, "بقي مقعدان"),
        (3, "بقيت 3 مقاعد"),
        (10, "بقيت 10 مقاعد"),
        (11, "بقي 11 مقعدًا"),
        (99, "بقي 99 مقعدًا"),
        (100, "بقي 100 مقعد"),
        (103, "بقيت 103 مقاعد"),
    ],
)
def test_arabic_counts_seats_in_its_six_forms(count: int, words: str) -> None:
    catalogue = languages.translations("ar")
    assert catalogue.ngettext("%(count)s seat left", "%(count)s seats left", count) % {"count": count} == words


@pytest.mark.parametrize(("minutes", "words"), [(1, "دقيقة واحدة"), (2, "دقيقتين"), (5, "5 دقائق"), (60, "60 دقيقة")])
def test_arabic_counts_minutes_in_its_forms(minutes: int, words: str) -> None:
    text = "To keep machines out, we take only so many from one place. Please try again in {minutes} minute"
    said = languages.translations("ar").ngettext(f"{text}.", f"{text}s.", minutes).format(minutes=minutes)
    assert said.endswith(f" {words}.")


def test_an_instant_is_told_in_the_zone_of_the_event() -> None:
    assert languages.day(WEBINAR, "Europe/Zurich", "en") == "Thursday, 3 July 2025"
    assert languages.day(WEBINAR, "Pacific/Auckland", "en") == "Thursday, 3 July 2025"
    assert "يوليو" in languages.day(WEBINAR, "Europe/Zurich", "ar")


def test_every_country_has_a_name_in_the_order_of_the_reader() -> None:
    for language in languages.available():
        names = languages.countries(language)
        assert len(names) == 241
        assert all(name != code for code, name in names.items()), language
    english = list(languages.countries("en").values())
    assert english.index("Åland Islands") < english.index("Albania")
    assert languages.country_name("JO", "ar") == "الأردن"


def test_what_a_text_lacks_in_a_language_is_in_english() -> None:
    assert languages.text({"en": "Forum", "ar": "منتدى"}, "ar") == "منتدى"
    assert languages.text({"en": "Forum"}, "ar") == "Forum"
    assert languages.text({"en": "Forum", "ar": "منتدى"}, "ar-EG") == "منتدى"
    assert languages.text({"en": "Forum", "pt-BR": "Fórum"}, "pt") == "Forum"
    assert languages.text({}, "ar") == ""


@pytest.mark.parametrize("tag", ["ar-EG", "AR-EG", "ar-Arab-EG"])
def test_a_text_and_a_catalogue_are_found_for_a_language_of_one_country(tag: str) -> None:
    assert languages.text({"en": "Forum", "ar": "منتدى"}, tag) == "منتدى"
    assert languages.translations(tag).gettext("Reference") == languages.translations("ar").gettext("Reference")


@pytest.mark.parametrize(
    ("size", "english", "arabic"),
    [(1, "0.1 kB", "0.1 كيلوبايت"), (12_345, "12.3 kB", "12.3 كيلوبايت"), (10_485_760, "10.5 MB", "10.5 م.ب")],
)
def test_sizes_of_files_are_told_in_the_readers_language(size: int, english: str, arabic: str) -> None:
    assert (languages.file_size(size, "en"), languages.file_size(size, "ar")) == (english, arabic)

"""One mailbox, however its address is written."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.formats.addresses import ascii_address, folded_address, mentions
from shared.settings import BadSettings, from_environment

SPELLINGS = [
    "ann@münchen.example",
    "Ann@MÜNCHEN.Example",
    "ann@mu\u0308nchen.example",
    "ann@xn--mnchen-3ya.example",
    "ANN@XN--MNCHEN-3YA.EXAMPLE",
    " ann@münchen。example ",
]


@pytest.mark.parametrize("address", SPELLINGS)
def test_all_spellings_of_an_address_are_one(address: str) -> None:
    assert folded_address(address) == "ann@xn--mnchen-3ya.example"


def test_the_domain_is_written_by_idna_2008_and_the_local_part_stays() -> None:
    assert ascii_address("Ann@faß.example") == "Ann@xn--fa-hia.example"  # IDNA 2003 would say fass.example
    assert ascii_address("Jörg@EXAMPLE.org") == "Jörg@example.org"


@pytest.mark.parametrize("address", ["ann@☃.example", "ann@\u200fx.example", "ann@" + "ü" * 64 + ".example"])
def test_what_is_no_domain_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"Codepoint|long"):
        ascii_address(address)


@given(st.text())
@example("ann@\ud800.example")
@example("ann@" + "ü" * 10_000)
@example("ann@xn--zz.example")
def test_folding_fails_for_no_text_and_is_stable(text: str) -> None:
    assert folded_address(folded_address(text)) == folded_address(text)


@pytest.mark.parametrize("sought", SPELLINGS)
@pytest.mark.parametrize("text", ["<Ann@München.example>", "to ann@xn--mnchen-3ya.example.", "=ann@MÜNCHEN.EXAMPLE"])
def test_a_mention_is_found_in_either_alphabet(sought: str, text: str) -> None:
    assert mentions(sought).search(text)


@pytest.mark.parametrize("text", ["mary.ann@example.org", "ann@example.org.example", "ann@example.orgs", "ann@x.org"])
def test_another_address_is_no_mention(text: str) -> None:
    assert not mentions("ann@example.org").search(text)


def test_settings_hold_our_own_addresses_in_ascii() -> None:
    settings = from_environment({"ONESTOP_MAIL_FROM": "Büro <office@München.example>", "ONESTOP_SECRET_KEYS": "k"})
    assert settings.mail_from == "Büro <office@xn--mnchen-3ya.example>"
    assert settings.inbound_domain == "xn--mnchen-3ya.example"
    assert not settings.smtputf8


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ONESTOP_MAIL_FROM", "office"),
        ("ONESTOP_MAIL_FROM", "Büro <office@☃.example>"),
        ("ONESTOP_MAIL_FROM", "büro@example.org"),
        ("ONESTOP_REPLY_DOMAIN", "☃.example"),
        ("ONESTOP_SMTPUTF8", "yes"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name):
        from_environment({"ONESTOP_SECRET_KEYS": "k", name: value})

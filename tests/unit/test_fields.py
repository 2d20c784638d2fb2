"""What the types of fields admit, what they refuse, and in which form a value is kept."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared import fields
from shared.fields import language_tag


def taken(kind: Any, value: Any, **context: Any) -> Any:
    return TypeAdapter(kind).validate_python(value, context=context or None)


def refusal(kind: Any, value: Any, **context: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        taken(kind, value, **context)
    return str(caught.value.errors()[0]["msg"])


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("en", "en"),
        ("AY", "ay"),
        ("zz-zz", "zz-ZZ"),
        ("en_gb", "en-GB"),
        ("ZH-hans-cn", "zh-Hans-CN"),
        ("es-419", "es-419"),
        ("sl-ROZAJ-biske-1994", "sl-rozaj-biske-1994"),
        ("de-1996", "de-1996"),
        ("zh-cmn-hans-cn", "zh-cmn-Hans-CN"),
        ("en-ca-X-ca", "en-CA-x-ca"),
        ("az-latn-x-latn", "az-Latn-x-latn"),
        ("ar-eg-u-nu-latn", "ar-EG-u-nu-latn"),
        ("X-Klingon", "x-klingon"),
        ("I-DEFAULT", "i-default"),
        ("sgn-be-fr", "sgn-BE-FR"),
        ("en-GB-OED", "en-GB-oed"),
        ("abcdefgh", "abcdefgh"),
    ],
)
def test_a_well_formed_language_tag_is_kept_in_its_canonical_case(typed: str, kept: str) -> None:
    assert language_tag(typed) == kept


@pytest.mark.parametrize(
    "typed",
    ["", "e", "a-bc-defg-hijklmnop", "en-", "-en",
     "en--GB", "en-GB-GB", "en-u", "x", "i-nothing", "en-a", "١٢", "en-ÄÖ",
     "a" * 9, "en-x-" + "-".join("abcdefgh" for _ in range(9)), "en\x00", "<script>", "../../etc/passwd"],
)  # fmt: skip
def test_what_is_no_language_tag_is_refused(typed: str) -> None:
    assert "BCP 47" in refusal(fields.Language, typed)


CONTROLS = [chr(code) for code in (0, 1, 8, 0x0B, 0x0C, 0x1F, 0x7F, 0x85, 0x9F, 0xFDD0, 0xFFFE, 0xFFFF, 0x10FFFF)]


@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
@pytest.mark.parametrize("kind", [fields.Line, fields.OptionalLine, fields.Prose, fields.Localised])
def test_control_characters_and_noncharacters_do_not_enter(kind: Any, control: str) -> None:
    assert "invisible control character" in refusal(kind, f"before{control}after")


@pytest.mark.parametrize("kind", [fields.Line, fields.OptionalLine, fields.Prose, fields.Localised])
def test_lone_surrogates_do_not_enter(kind: Any) -> None:
    refusal(kind, "half \ud83d of a letter")


def test_a_line_is_one_and_prose_keeps_its_own() -> None:
    assert "one line" in refusal(fields.Line, "first\nsecond")
    assert "one line" in refusal(fields.Line, "first\u2028second")
    assert taken(fields.Line, "  from a\tsheet ") == "from a sheet"
    assert taken(fields.Prose, "a\r\nb\rc\u2029\td\n") == "a\nb\nc\n\td"


def test_a_line_break_counts_as_one_character_as_in_the_browser() -> None:
    longest = "a\r\n" * (fields.MAX_PROSE // 2 - 1) + "ab"
    assert len(taken(fields.Prose, longest)) == fields.MAX_PROSE
    refusal(fields.Prose, longest + "c")


def test_names_lose_what_would_turn_their_neighbours_and_keep_what_their_script_needs() -> None:
    assert taken(fields.Line, "Eve \u202egnp.exe\u2066") == "Eve gnp.exe"
    joined = "می\u200cخواهم 👩\u200d🔬 אב\u200f"
    assert taken(fields.Line, joined) == joined


@pytest.mark.parametrize("blank", ["", " ", "\u200b", "\u00a0\u2060", "\u202e", "\ufeff"])
def test_what_nobody_sees_is_no_entry(blank: str) -> None:
    for kind in (fields.Line, fields.Prose):
        refusal(kind, blank)


def test_an_address_beyond_ascii_is_taken_where_our_mail_can_reach_it() -> None:
    assert taken(fields.Email, " Ann@MÜNCHEN.example.org ", smtputf8=False) == "Ann@münchen.example.org"
    assert taken(fields.Email, "jürgen@example.org", smtputf8=True) == "jürgen@example.org"
    assert taken(fields.Email, "jürgen@example.org") == "jürgen@example.org"  # read again from the store
    assert "cannot write to this address" in refusal(fields.Email, "jürgen@example.org", smtputf8=False)


def test_texts_by_language_are_there_in_english() -> None:
    assert taken(fields.Localised, "Forum") == {"en": "Forum"}
    assert taken(fields.Localised, {"EN": "Forum", "ar_eg": "منتدى"}) == {"en": "Forum", "ar-EG": "منتدى"}
    assert "English text is missing" in refusal(fields.Localised, {"ar": "منتدى"})
    assert taken(fields.OptionalLocalised, {}) == {}


@pytest.mark.parametrize(
    "bad", ["javascript:alert(1)", "ftp://x.example", "https://", "https://a b", 'https://a"b', "x"]
)
def test_a_web_address_is_one(bad: str) -> None:
    assert "https://example.org/page" in refusal(fields.WebAddress, bad)
    assert taken(fields.WebAddress, " https://example.org/é?a=1&b=2#c ") == "https://example.org/é?a=1&b=2#c"


@pytest.mark.parametrize("year", ["0001", "1969", "2200", "9999"])
def test_a_moment_is_one_that_every_zone_can_show(year: str) -> None:
    assert "between 1970 and 2199" in refusal(fields.Moment, f"{year}-06-01T00:00:00Z")

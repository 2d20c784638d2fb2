"""What is not looked at closely because it is plainly in order would pass the close look."""

from __future__ import annotations

import json
import re

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from shared import fields, ports
from shared.web.http import json_bodies

LOCAL_PARTS = st.text("abzAZ09_+-.!#'ü\n\"@ ", max_size=70)
DOMAINS = st.one_of(
    st.just("who.int"), st.text("abzAZ09-.ü[]<>@\n ", max_size=40), st.sampled_from(["münchen.example", "A.org"])
)


@given(LOCAL_PARTS, DOMAINS)
def test_an_address_is_what_the_library_makes_of_it(local_part: str, domain: str) -> None:
    address = f"{local_part}@{domain}"
    try:
        expected = validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError:
        expected = None
    if len(address) > 254:
        return  # refused before
    try:
        assert fields._normal_address(address) == expected
    except EmailNotValidError:
        assert expected is None


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text("a5eé\ud800\udc00", max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text("ad\ud800"), inner, max_size=3)),
)


@given(VALUES, st.integers(0, 40), st.booleans())
def test_json_that_is_acquitted_by_its_text_holds_nothing_bad(value: object, depth: int, escaped: bool) -> None:
    for _ in range(depth):
        value = [value]
    text = json.dumps(value, ensure_ascii=escaped).encode(errors="surrogatepass")
    try:
        read = json_bodies.loads(text)
    except json_bodies.BadJson:
        return
    json_bodies._check(read, ())


def test_a_text_without_the_shortcut_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what the property would miss if nothing were suspect."""
    monkeypatch.setattr(json_bodies, "_SUSPECT", re.compile(rb"(?!)"))
    for text in (b'"\\ud800"', b"1e999", b"9223372036854775808"):
        with pytest.raises(json_bodies.BadJson):
            json_bodies._check(json_bodies.loads(text), ())


@given(st.text(st.sampled_from("aZ0-:_/.\0\ud800ü"), max_size=8))
def test_ids_are_judged_alike_however_plain(id: str) -> None:
    plain = ports.storable(id)
    pattern, ports._PLAIN_ID = ports._PLAIN_ID, re.compile(r"(?!)")
    try:
        assert ports.storable(id) == plain
    finally:
        ports._PLAIN_ID = pattern

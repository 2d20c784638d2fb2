"""JSON from strangers: bounded, and nothing in it that could not be stored (RFC 8259; I-JSON, RFC 7493).

Python's own reader takes more than JSON has (NaN, Infinity), halves of characters, and any depth and number of values
until the process gives up.
"""

from __future__ import annotations

import json
import re
from typing import Any

from shared.fields import UNPRINTABLE
from shared.text import N_

MAX_VALUES = 100_000  # in one text; each costs some 100 bytes of memory once it is read
MAX_NESTED = 32  # lists and objects within each other
MAX_NUMBER = 2**63  # what every engine stores of a whole number
_SUSPECT = re.compile(rb"\\u[dD]|[0-9]{18}|[0-9][eE]")  # half a character perhaps, or a number that is too large


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_read = json.JSONDecoder(parse_constant=_no_constant).decode


class BadJson(ValueError):
    """Not a text that we read. ``message`` is for gettext; ``field`` is the faulty value's place (``answers.diet``),
    empty for the whole."""

    def __init__(self, message: str, *place: str) -> None:
        self.message, self.field = message, ".".join(place)
        super().__init__(f"{self.field}: {message}" if place else message)


def loads(text: bytes) -> Any:
    """The value in ``text`` (UTF-8). Raises ``BadJson``."""
    if text.count(b",") + text.count(b"[") + text.count(b"{") > MAX_VALUES:
        raise BadJson(N_("There are too many values in it."))
    try:
        value = _read(text.decode("utf-8-sig"))
    except (ValueError, RecursionError):  # a number of 5,000 digits is a ValueError
        raise BadJson(N_("This is not valid JSON.")) from None
    if _SUSPECT.search(text) or text.count(b"[") + text.count(b"{") > MAX_NESTED:  # the text acquits most at once
        _check(value, ())
    return value


def _check(value: Any, place: tuple[str, ...]) -> None:
    if len(place) > MAX_NESTED:
        raise BadJson(N_("Lists and objects are nested too deeply in it."), place[0])
    if isinstance(value, str):
        _check_text(value, place)
    elif isinstance(value, dict):
        for name, one in value.items():
            _check_text(name, place)
            _check(one, (*place, name))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            _check(one, (*place, str(number)))
    elif isinstance(value, int | float) and not -MAX_NUMBER <= value < MAX_NUMBER:  # 1e999 is infinite
        raise BadJson(N_("This number is too large."), *place)


def _check_text(text: str, place: tuple[str, ...]) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # a lone surrogate, half of a character
            raise BadJson(UNPRINTABLE, *place) from None

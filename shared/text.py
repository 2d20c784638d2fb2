"""Text of strangers, made fit for headers, lists and file names."""

from __future__ import annotations

import re
import unicodedata

_BIDI_CONTROLS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def one_line(text: str) -> str:
    """Text as a header can hold it: no line breaks, no control characters, nothing that reverses its neighbours."""
    return unbroken(_BIDI_CONTROLS.sub("", text))


def unbroken(text: str) -> str:
    """The same for a line that we made: the marks by which we isolate one of its parts stay."""
    if text.isprintable():  # which none of these is
        return " ".join(text.split())
    return " ".join(
        "".join(" " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter for letter in text).split()
    )


def N_(text: str) -> str:  # noqa: N802 - gettext's own name
    """Mark a text for the catalogues; it is translated where it is shown."""
    return text

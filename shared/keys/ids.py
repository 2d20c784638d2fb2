"""Identifiers: random, so that none can be guessed and no two writers meet on neighbouring keys."""

from __future__ import annotations

import hashlib
import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRTUVWXY"  # without the lookalikes 0 O, 1 I L, S, Z


def new_reference() -> str:
    """A reference for people, to be read out on the telephone: ``K7QM-3XHD`` (29^8, about 5e11)."""
    number, letters = secrets.randbelow(len(ALPHABET) ** 8), ""
    for _ in range(8):
        number, place = divmod(number, len(ALPHABET))
        letters += ALPHABET[place]
    return f"{letters[:4]}-{letters[4:]}"


def normal_reference(text: str) -> str:
    """A reference as somebody typed it, in its stored form."""
    letters = "".join(text.upper().split()).replace("-", "")
    return f"{letters[:4]}-{letters[4:]}"


def key_of(*parts: str) -> str:
    """A document id that stands for ``parts`` and tells nothing of them."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]

"""Pages of a list. Where the next one begins stands in its address: ``?after=2027-03-02T08:00:00.000000Z~forum``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from shared.ports import Cursor, storable
from shared.text import N_

Row = TypeVar("Row")
PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z~[a-z0-9-]+$"
"""Of a mark in a list of events."""


def cursor(text: str) -> Cursor | None:
    """What ``mark`` wrote; None for anything else."""
    value, _, id = text.partition("~")
    return (value, id) if value and storable(id) else None


def checked(text: str) -> str:
    """A mark for a program, which would go round in circles with a wrong one. Raises ``ValueError``."""
    if not re.fullmatch(PATTERN, text):
        raise ValueError(N_("Take this from the address that `next` gives."))
    return text


def mark(cursor: Cursor | None) -> str:
    """Empty where there is no next page."""
    return "~".join(cursor) if cursor else ""


def number(text: str) -> int:
    """Of a page, from 1; the first for anything else. For lists that are at hand."""
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 6 and int(text) else 1


def part(rows: Sequence[Row], page: int, size: int) -> Sequence[Row]:
    """The rows of one page; ``page`` counts from 1."""
    return rows[(page - 1) * size : page * size]

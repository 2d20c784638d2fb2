"""Pages of a list. Where the next one begins stands in its address: ``?after=2027-03-02T08:00:00.000000Z~forum``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from shared.ports import Cursor, storable

Row = TypeVar("Row")


def cursor(text: str) -> Cursor | None:
    """What ``mark`` wrote; None for anything else."""
    value, _, id = text.partition("~")
    return (value, id) if value and storable(id) else None


def mark(cursor: Cursor | None) -> str:
    """Empty where there is no next page."""
    return "~".join(cursor) if cursor else ""


def number(text: str) -> int:
    """Of a page, from 1; the first for anything else. For lists that are at hand."""
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 6 and int(text) else 1


def part(rows: Sequence[Row], page: int, size: int) -> Sequence[Row]:
    """The rows of one page; ``page`` counts from 1."""
    return rows[(page - 1) * size : page * size]

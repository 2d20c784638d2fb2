"""Pseudo-translation: what comes through gettext has no Latin letter any more, so each that is left is a leak.

Names, references, addresses and what people typed stay Latin: they are taken away before one looks.
"""

from __future__ import annotations

import csv
import gettext
import io
import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from functions.notification.mails import render
from infra.untranslated import SHOWN_ATTRIBUTES
from shared import languages
from shared.web import templating

CONTENT = Path(__file__).parents[2] / "shared" / "content"
_KEPT = re.compile(r"%\(\w+\)[sd]|%%|\{\w*\}|<[^>]*>|&#?\w+;")  # of a translation: values, markup
_LATIN = re.compile(r"[A-Za-z]")
_WORD = re.compile(r"[A-Za-z]{2,}")
_DATA = re.compile(
    r"\b[0-9a-f]{12}\b|https?://\S+|\S+@\S+|\b[0-9A-Z]{4}-[0-9A-Z]{4}\b|[\w/]+/[\w./-]+|\bonestop\b|\bUTC\b|&\w+;"
    r"|\w[\w-]*\.(?:txt|pdf|toml|json|csv)\b|\.(?:png|docx|xlsx|pptx|jpg|txt|pdf)\b"
)


class _Pseudo(gettext.NullTranslations):
    """Letters of the Latin alphabet become Georgian ones; what is filled in later is left as it is."""

    def __init__(self, real: gettext.NullTranslations) -> None:
        super().__init__()
        self._real = real

    def gettext(self, message: str) -> str:
        return veiled(self._real.gettext(message))

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return veiled(self._real.ngettext(msgid1, msgid2, n))

    def pgettext(self, context: str, message: str) -> str:
        return veiled(self._real.pgettext(context, message))


def veiled(text: str) -> str:
    kept, parts = _KEPT.findall(text), _KEPT.split(text)
    parts = [_LATIN.sub(lambda letter: chr(0x10D0 + ord(letter[0].lower()) - ord("a")), part) for part in parts]
    return "".join(part + value for part, value in zip(parts, [*kept, ""], strict=True))


@contextmanager
def pseudo() -> Iterator[None]:
    """In force for all catalogues, as long as it lasts."""
    real, made = languages._catalogue, dict[str, gettext.NullTranslations]()

    def catalogue(language: str) -> gettext.NullTranslations:
        return made.setdefault(language, _Pseudo(real(language)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(languages, "_catalogue", catalogue)
        _forget()
        try:
            yield
        finally:
            _forget()


def _forget() -> None:
    templating.environment.cache_clear()
    render._environment.cache_clear()


class Latin:
    """Finds what is left in the letters of the Latin alphabet.

    Args:
        typed: what people typed, and codes that stand for themselves.
    """

    def __init__(self, typed: Iterable[str] = ()) -> None:
        self._typed = list(typed)

    @cached_property
    def _known(self) -> re.Pattern[str]:
        staff = tomllib.loads((CONTENT / "staff.toml").read_text("utf-8"))["staff"]
        self._typed += [one["email"].partition("@")[0] for one in staff]
        texts = {text for path in CONTENT.glob("*.toml") for text in strings(tomllib.loads(path.read_text("utf-8")))}
        lines = {" ".join(line.split()) for text in [*texts, *self._typed] for line in text.split("\n")}
        known = "|".join(re.escape(line) for line in sorted(lines, key=len, reverse=True) if len(line) > 1)
        return re.compile(rf"(?<![A-Za-z0-9])(?:{known})(?![A-Za-z0-9])")

    def left(self, text: str) -> str:
        """The text without what is known, where there is more; else empty."""
        rest = " ".join(text.split())
        for pattern in (_DATA, self._known, _DATA):
            rest = pattern.sub(" ", rest)
        return rest.strip() if _WORD.search(rest) else ""

    def in_page(self, html: str) -> list[str]:
        reader = _Shown()
        reader.feed(html)
        reader.close()
        return [left for text in reader.texts if (left := self.left(text))]

    def in_answer(self, content_type: str, body: bytes) -> list[str]:
        """What is left in an answer that people read: a page, a problem, a list."""
        if content_type.startswith("text/html"):
            return self.in_page(body.decode())
        if content_type.startswith("application/problem+json"):
            problem: dict[str, Any] = json.loads(body)
            texts = [problem["title"], problem.get("detail", ""), *_details(problem)]
        elif content_type.startswith("text/csv"):
            texts = [cell for row in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")) for cell in row]
        elif "spreadsheetml" in content_type:
            sheet = load_workbook(io.BytesIO(body)).active
            assert sheet is not None
            texts = [str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value]
        else:
            texts = []
        return [left for text in texts if (left := self.left(text))]


def _details(problem: dict[str, Any]) -> Iterator[str]:
    """Of the faulty fields; what is wrong with a file begins with its name, which may be anything."""
    return (error["detail"] for error in problem.get("errors", []) if error.get("field") != "attachments")


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


class _Shown(HTMLParser):
    """Texts and attributes that people read or hear; not what stands in the fields of a form, nor code."""

    INLINE = frozenset({"a", "abbr", "b", "bdi", "code", "em", "i", "small", "span", "strong", "time"})

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = [""]
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("textarea", "script", "style", "pre", "code"):
            self._hidden += 1
        if tag not in self.INLINE:
            self.texts.append("")
        is_button = tag == "input" and dict(attrs).get("type") in ("submit", "button")
        shown = [
            v for k, v in attrs if k in SHOWN_ATTRIBUTES or k.startswith("data-label") or (is_button and k == "value")
        ]
        self.texts[-1:-1] = [text for text in shown if text]

    def handle_endtag(self, tag: str) -> None:
        if tag in ("textarea", "script", "style", "pre", "code"):
            self._hidden -= 1
        if tag not in self.INLINE:
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts[-1] += data

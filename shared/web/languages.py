"""Languages: gettext catalogues in ``shared/locale/{language}/LC_MESSAGES/onestop.po``.

A new language is such a file and nothing else: it appears in every menu, form and mail once compiled
(``make`` does that). English is the language of the sources and has no file.
"""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from unicodedata import combining, normalize
from zoneinfo import ZoneInfo

LOCALE = Path(__file__).parents[1] / "locale"
SOURCE = "en"


@cache
def available() -> tuple[str, ...]:
    """Language tags (BCP 47), the source language first."""
    others = {path.parents[1].name for path in LOCALE.glob("*/LC_MESSAGES/onestop.[pm]o")}  # a zip has no sources
    return (SOURCE, *sorted(others))


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The catalogue nearest to the tag; what it lacks, and unknown languages, are in English."""
    return gettext.translation("onestop", LOCALE, [best(language)], fallback=True)


def best(wanted: str | None) -> str:
    """The available language nearest to the tag ``wanted``: ``ar`` for ``ar-EG``."""
    tag = (wanted or "").lower().replace("_", "-")
    return next((code for code in available() if tag == code or tag.startswith(f"{code}-")), SOURCE)


def direction(language: str) -> str:
    """``rtl`` or ``ltr``."""
    return "rtl" if language.split("-")[0] in ("ar", "fa", "he", "ur") else "ltr"


def isolated(text: str, language: str) -> str:
    """Digits, zone names and references keep their order inside right-to-left text (Unicode UAX #9, LRI and PDI)."""
    return f"\u2066{text}\u2069" if direction(language) == "rtl" else text


@cache
def name(language: str, reader: str | None = None) -> str:
    """A language's name in the language ``reader``; without one, in itself: ``العربية``."""
    from babel import Locale

    reader = reader or language
    return str(Locale.parse(language, sep="-").get_display_name(_locale(reader)) or language).capitalize()


def text(texts: Mapping[str, str], language: str) -> str:
    """A text of the content in ``language``, else in the wider one (``ar`` for ``ar-EG``), else in English."""
    tag = language
    while tag:
        if found := texts.get(tag) or texts.get(tag.lower()):
            return found
        tag = tag.rpartition("-")[0]  # RFC 4647, section 3.4
    return texts.get(SOURCE) or next(iter(texts.values()), "")


def day(instant: datetime, timezone: str, language: str) -> str:
    """``Thursday, 3 July 2025`` in the given IANA zone."""
    from babel.dates import format_date

    return format_date(instant.astimezone(_zone(timezone)), "full", locale=_locale(language))


def days(first: date, last: date | None, language: str) -> str:
    """A day or several: ``2–4 March 2027``."""
    from babel.dates import format_date, format_interval

    if last is None or last == first:
        return format_date(first, "long", locale=_locale(language))
    return str(format_interval(first, last, "yMMMMd", locale=_locale(language)))


def clock_time(instant: datetime, timezone: str, language: str) -> str:
    """``13:00`` in the given zone."""
    from babel.dates import format_time

    return format_time(instant.astimezone(_zone(timezone)), "HH:mm", locale=_locale(language))


def stamp(instant: datetime, timezone: str) -> str:
    """``2025-07-03 13:00``, the same in every language: for lists."""
    return instant.astimezone(_zone(timezone)).strftime("%Y-%m-%d %H:%M")


def offset(instant: datetime, timezone: str) -> str:
    """``UTC+02:00`` at that instant."""
    text = instant.astimezone(_zone(timezone)).strftime("%z")
    return f"UTC{text[:3]}:{text[3:]}"


def zone_city(timezone: str, language: str) -> str:
    """The city that an IANA zone is named after: ``Zürich``."""
    from babel.dates import get_timezone_location

    return str(get_timezone_location(timezone, locale=_locale(language), return_city=True))


def country_name(code: str, language: str) -> str:
    """An ISO 3166-1 alpha-2 country in the reader's language."""
    return countries(language).get(code, code)


@cache
def countries(language: str) -> dict[str, str]:
    """Names by ISO 3166-1 alpha-2 code, in the alphabetical order of the language's names."""
    from babel import Locale

    from shared.contracts.countries import ALPHA_2

    def place(pair: tuple[str, str]) -> str:  # Åland stands beside Albania, أ beside ا
        return "".join(letter for letter in normalize("NFKD", pair[1]) if not combining(letter)).casefold()

    names = Locale.parse(language, sep="-").territories
    return dict(sorted(((code, names.get(code, code)) for code in ALPHA_2), key=place))


def _locale(language: str) -> str:
    """Babel's locale. English dates are written as most of the world does: ``Thursday, 3 July 2025``."""
    return "en_GB" if language == "en" else language.replace("-", "_")


@cache
def _zone(timezone: str) -> ZoneInfo:
    return ZoneInfo(timezone)

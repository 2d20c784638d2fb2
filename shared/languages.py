"""Languages: gettext catalogues in ``shared/locale/{language}/LC_MESSAGES/onestop.po``.

A new language is such a file and nothing else: it appears in every menu, form and mail once compiled
(``make`` does that). English is the language of the sources and has no file.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import combining, normalize
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from babel import Locale

from shared.ports import MAX_COUNTED

LOCALE = Path(__file__).with_name("locale")
SOURCE = "en"


@cache
def available() -> tuple[str, ...]:
    """Language tags (BCP 47), the source language first."""
    others = {path.parents[1].name for path in LOCALE.glob("*/LC_MESSAGES/onestop.[pm]o")}  # a zip has no sources
    return (SOURCE, *sorted(others))


def translations(language: str) -> gettext.NullTranslations:
    """The catalogue nearest to ``language``; what it lacks is in English."""
    return _catalogue(best(language))


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("onestop", LOCALE, [language], fallback=True)


@lru_cache(1000)
def best(wanted: str | None) -> str:
    """The available language nearest to the tag ``wanted``: ``ar`` for ``ar-EG``."""
    return _lookup(wanted or "", available()) or SOURCE


def _lookup(wanted: str, offered: Iterable[str]) -> str | None:
    """RFC 4647, section 3.4: the longest of ``offered`` that ``wanted`` begins with, subtag by subtag."""
    tag = f"{wanted.lower().replace('_', '-')}-"
    fitting = [one for one in offered if tag.startswith(f"{one.lower()}-")]
    return max(fitting, key=len, default=None)


@lru_cache(100)
def direction(language: str) -> str:
    """``rtl`` or ``ltr``."""
    return _locale(language).text_direction


def isolated(text: str, language: str) -> str:
    """Digits, zone names and references keep their order inside right-to-left text (Unicode UAX #9, LRI and PDI)."""
    return f"\u2066{text}\u2069" if direction(language) == "rtl" else text


@lru_cache(1000)
def name(language: str, reader: str | None = None) -> str:
    """A language's name in the language ``reader``; without one, in itself: ``العربية``.

    A tag that has no name stands for itself, isolated where the reader writes from right to left.
    """
    parts = language.split("-")
    names = _locale(best(reader) if reader else language)
    called = _name(names, parts) or _name(_locale(SOURCE), parts)
    if called:
        return called[0].upper() + called[1:]
    return isolated(language, reader) if reader else language


def _name(reader: Locale, parts: Sequence[str]) -> str | None:
    """Of the tag of these subtags: the longest that has a name, then script and region in brackets."""
    for length in range(len(parts), 0, -1):
        if known := reader.languages.get("_".join(parts[:length])):
            scripts = [reader.scripts[part] for part in parts[length:] if part in reader.scripts]
            regions = [_region(part, reader) for part in parts[length:] if part in reader.territories]
            within = ", ".join([*scripts[:1], *regions[:1]])
            return f"{known} ({within})" if within else str(known)
    return None


def _region(part: str, reader: Locale) -> str:
    """A country by the name that our lists have, a part of the world by CLDR's."""
    called = country_name(part, str(reader.language))
    return called if called != part else str(reader.territories[part])


def text(texts: Mapping[str, str], language: str) -> str:
    """A text of the content in ``language``, or the nearest to it that there is, else in English."""
    return texts.get(chosen(texts, language), "")


def chosen(texts: Mapping[str, str], language: str) -> str:
    """The language (BCP 47) of the one that ``text`` gives; English where there is none."""
    if texts.get(language):
        return language
    nearest = _lookup(language, texts) or SOURCE
    return nearest if texts.get(nearest) else SOURCE if texts.get(SOURCE) else next(iter(texts), SOURCE)


def several(names: Sequence[str], language: str) -> str:
    """Names one after the other: ``WHO, WIPO and WTO``."""
    from babel.lists import format_list

    return str(format_list(names, locale=_locale(best(language))))


def day(instant: datetime, timezone: str, language: str) -> str:
    """``Thursday, 3 July 2025`` in the given IANA zone."""
    from babel.dates import format_date

    return format_date(instant.astimezone(ZoneInfo(timezone)), "full", locale=_locale(best(language)))


def near_day(instant: datetime, timezone: str, language: str, named: bool) -> str:
    """``Thursday`` where it is near enough to be ``named``, else ``3 July 2025``; in the given IANA zone."""
    from babel.dates import format_date

    pattern = "EEEE" if named else "long"
    return format_date(instant.astimezone(ZoneInfo(timezone)), pattern, locale=_locale(best(language)))


def in_time(left: timedelta, language: str) -> str:
    """``in 3 hours``; of less than a minute, ``in 1 minute``."""
    from babel.dates import format_timedelta

    return format_timedelta(left, "minute", add_direction=True, locale=_locale(best(language)))


def duration(length: timedelta, language: str) -> str:
    """``3 hours``; of less than a minute, ``1 minute``."""
    from babel.dates import format_timedelta

    return format_timedelta(length, "minute", locale=_locale(best(language)))


def short_day(day: date, language: str) -> str:
    """``23 Nov``."""
    from babel.dates import format_skeleton

    return format_skeleton("MMMd", day, locale=_locale(best(language)))


def days(first: date, last: date | None, language: str) -> str:
    """A day or several: ``2–4 March 2027``."""
    from babel.dates import format_date, format_interval

    if last is None or last == first:
        return format_date(first, "long", locale=_locale(best(language)))
    return str(format_interval(first, last, "yMMMMd", locale=_locale(best(language))))


def month(first: date, language: str, form: str = "yMMMM") -> str:
    """``March 2027``; ``form`` is a skeleton of CLDR, ``MMM`` for the short name alone."""
    from babel.dates import format_skeleton

    return str(format_skeleton(form, first, locale=_locale(best(language))))


def zone_city(timezone: str, language: str) -> str:
    """The city that an IANA zone is named after: ``Zürich``."""
    from babel.dates import get_timezone_location

    return str(get_timezone_location(timezone, locale=_locale(best(language)), return_city=True))


def number(value: int, language: str) -> str:
    """``12,345``."""
    from babel.numbers import format_decimal

    return format_decimal(value, locale=_locale(best(language)))


def counted(count: int, language: str) -> str:
    """``987``; at ``MAX_COUNTED``, where counting ends, ``1,000+``."""
    told = number(count, language)
    return isolated(f"{told}+", language) if count >= MAX_COUNTED else told


def file_size(size: int, language: str) -> str:
    """Of so many bytes, in multiples of 1000: ``3.4 MB``, and ``0.1 kB`` for the smallest."""
    from babel.units import format_unit

    unit, one = ("digital-megabyte", 1e6) if size >= 1e6 else ("digital-kilobyte", 1e3)
    return format_unit(max(size / one, 0.1), unit, "short", "#,##0.#", locale=_locale(best(language)))


def country_name(code: str, language: str, organisations: Sequence[str] = ()) -> str:
    """A country (``shared.formats.countries``) in the reader's language, as the first of ``organisations`` calls it."""
    return _country_names(best(language), tuple(organisations)).get(code) or _called(code, best(language))


def countries(language: str, organisations: Sequence[str] = ()) -> Mapping[str, str]:
    """What a form offers that these organisations answer for, the first of them naming: names by code, in the order of
    the language."""
    return _country_names(best(language), tuple(organisations))


@lru_cache(100)
def _country_names(language: str, organisations: tuple[str, ...]) -> Mapping[str, str]:
    from shared.formats.countries import content

    entries = content().entries(organisations)
    names = {code: _called(code, language, organisations) for code in entries}
    order = {code: place for place, code in enumerate(content().order.get(language, ()))}
    return dict(sorted(names.items(), key=lambda pair: (order.get(pair[0], len(order)), _letters(pair[1]))))


@lru_cache(1000)
def _called(code: str, language: str, organisations: tuple[str, ...] = ()) -> str:
    from shared.formats.countries import content

    entry = content().entry(code, organisations)
    if entry and entry.name:
        return text(entry.name, language)
    return str(_locale(language).territories.get(code, code)) if entry else code


def _letters(name: str) -> str:
    """For sorting: Åland stands beside Albania, أ beside ا; й is a letter of its own, after и."""
    plain = normalize("NFKD", name.casefold().replace("й", "и\uffff"))
    return "".join(letter for letter in plain if not combining(letter))


@lru_cache(1000)
def _locale(language: str) -> Locale:
    """Babel's locale nearest to the tag; English where there is none. English dates are written as most of the world
    does: ``Thursday, 3 July 2025``."""
    from babel import Locale, UnknownLocaleError

    parts = language.split("-")
    for length in range(len(parts) if language != SOURCE else 0, 0, -1):
        with suppress(UnknownLocaleError, ValueError):
            return Locale.parse("_".join(parts[:length]))
    return Locale("en", "GB")

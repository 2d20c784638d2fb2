"""The countries of ``shared/content/countries.toml``: what they are called, which groups they belong to, and what
organisations call in their own way or add. Read once, when a process first needs it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated
from unicodedata import combining, normalize

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from shared.text import N_

FILE = Path(__file__).parents[1] / "content" / "countries.toml"
UNKNOWN = N_("Choose a country from the list (in the API: two letters, ISO 3166-1 alpha-2).")
_Code = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
_Names = dict[str, Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]]
_BRACKETS = re.compile(r"\s*[(（].*[)）]")


class BadCountries(Exception):
    """The file cannot be taken; the text names the place and the mend."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Group(_Strict):
    """A list of countries with its source and the day it was taken; its members say that they belong to it."""

    id: str
    name: _Names
    source: str
    as_of: date


class Country(_Strict):
    """One entry. ``name`` is by language (BCP 47); empty: what CLDR calls it. ``also`` is found, and never shown."""

    code: _Code
    name: _Names = {}
    also: list[str] = []
    groups: list[str] = []
    offered: bool = True


class OwnName(Country):
    """What one organisation calls a country, or an entry that it adds."""

    organisation: str


class Countries(_Strict):
    """The whole file."""

    groups: list[Group]
    countries: list[Country] = Field(min_length=1)
    own: list[OwnName] = []
    order: dict[str, list[str]] = {}  # codes by language, where the letters of the names do not tell it

    def entries(self, organisations: Sequence[str] = ()) -> dict[str, Country]:
        """By code, what a form offers: the countries, and what the ``organisations`` add; the first one's names."""
        offered = {country.code: country for country in self.countries if country.offered}
        for place, organisation in enumerate(organisations):
            for own in self.own:
                if own.organisation == organisation and (place == 0 or own.code not in offered):
                    offered[own.code] = own
        return offered

    def entry(self, code: str, organisations: Sequence[str] = ()) -> Country | None:
        """The entry as these organisations name it, else as any does."""
        offered = self.entries(organisations).get(code)
        return offered or next((one for one in (*self.countries, *self.own) if one.code == code), None)


@cache
def content() -> Countries:
    """Raises ``BadCountries``."""
    return read(FILE)


def read(path: Path) -> Countries:
    """Raises ``BadCountries``."""
    try:
        found = Countries.model_validate(tomllib.loads(path.read_text("utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadCountries(f"{path}: {where}: {first['msg']} (found: {first['input']!r})") from None
    except (OSError, ValueError) as error:
        raise BadCountries(f"{path}: {error}") from None
    if fault := next(_faults(found), ""):
        raise BadCountries(f"{path}: {fault}")
    return found


def _faults(found: Countries) -> Iterator[str]:
    groups = {group.id for group in found.groups}
    seen: set[str] = set()
    for entry in (*found.countries, *found.own):
        place = f"{entry.organisation}/{entry.code}" if isinstance(entry, OwnName) else entry.code
        if place in seen:
            yield f"{place}: stands there twice; keep one"
        seen.add(place)
        if entry.name and "en" not in entry.name:
            yield f'{place}: the English name is missing: add en = "..."'
        for group in set(entry.groups) - groups:
            yield f"{place}: there is no group {group!r}; correct it or add a [[groups]] table"
    codes = {entry.code for entry in (*found.countries, *found.own)}
    for language, order in found.order.items():
        for code in sorted(set(order) - codes):
            yield f"order.{language}: there is no country {code}; remove it or add it"


@cache
def codes() -> frozenset[str]:
    """Those of all countries, and of what any organisation adds."""
    return frozenset(entry.code for entry in (*content().countries, *content().own))


@cache
def members() -> Mapping[str, tuple[str, ...]]:
    """The codes of each group, by its id."""
    found: dict[str, set[str]] = {group.id: set() for group in content().groups}
    for entry in (*content().countries, *content().own):
        for group in entry.groups:
            found[group].add(entry.code)
    return {id: tuple(sorted(codes)) for id, codes in found.items()}


def code_of(text: str) -> str:
    """The code of the country that somebody named: by its code, by any of its names in any language, whatever case and
    accents. What names none, or several, is given back."""
    text = text.strip()
    if text.upper() in codes():
        return text.upper()
    return _by_name().get(folded(text)) or text


@cache
def _by_name() -> dict[str, str]:
    """Of a name that several have, none has it."""
    found: dict[str, set[str]] = {}
    for entry in (*content().countries, *content().own):
        for name in (*entry.name.values(), *entry.also):
            for spelling in (name, _BRACKETS.sub("", name)):
                found.setdefault(folded(spelling), set()).add(entry.code)
    return {name: min(codes) for name, codes in found.items() if name and len(codes) == 1}


def folded(text: str) -> str:
    """Letters alone: without case, accents, blanks and signs."""
    plain = normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if letter.isalnum() and not combining(letter))

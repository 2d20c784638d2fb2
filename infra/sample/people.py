"""Invented people, each at most once."""

from __future__ import annotations

import itertools
import random
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Person:
    """``country`` is ISO 3166-1 alpha-2, ``kind`` a type of requester."""

    given_name: str
    family_name: str
    email: str
    country: str
    language: str
    organisation: str
    kind: str


def people(random: random.Random) -> Iterator[Person]:
    """All of them, in an order that ``random`` chooses."""
    countries = tomllib.loads(Path(__file__).with_name("people.toml").read_text("utf-8"))["countries"]
    everybody = [person for country in countries for person in _of(country)]
    random.shuffle(everybody)
    return iter(everybody)


def _of(country: dict[str, Any]) -> Iterator[Person]:
    for at, (given, family) in enumerate(itertools.product(country["given"], country["family"])):
        organisation, kind = country["works_at"][at % len(country["works_at"])]
        name = country["latin"][at % 4] + f".{at // 4 + 1}" if "latin" in country else f"{given}.{family}"
        email = f"{_ascii(name)}@{kind.replace('_', '-')}.{country['code'].lower()}.example"
        yield Person(given, family, email, country["code"], country["language"], organisation, kind)


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.lower().replace("đ", "dj")).encode("ascii", "ignore").decode()
    return plain.replace(" ", "-")

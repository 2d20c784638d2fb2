"""Mail domains that people mistype: what an address was probably meant to be."""

from __future__ import annotations

from functools import lru_cache

PROVIDERS = [
    "126.com",
    "163.com",
    "aol.com",
    "free.fr",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.es",
    "hotmail.fr",
    "hotmail.it",
    "icloud.com",
    "laposte.net",
    "libero.it",
    "live.com",
    "live.fr",
    "mac.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "naver.com",
    "orange.fr",
    "outlook.com",
    "outlook.fr",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "rediffmail.com",
    "sina.com",
    "web.de",
    "yahoo.ca",
    "yahoo.co.in",
    "yahoo.co.uk",
    "yahoo.com",
    "yahoo.com.br",
    "yahoo.es",
    "yahoo.fr",
    "yahoo.in",
    "yandex.ru",
    "ymail.com",
    "zoho.com",
]
INSTITUTIONS = [
    "fao.org",
    "iaea.org",
    "ilo.org",
    "imf.org",
    "itu.int",
    "un.org",
    "unctad.org",
    "undp.org",
    "unesco.org",
    "unicef.org",
    "who.int",
    "wipo.int",
    "worldbank.org",
    "wto.org",
]
KNOWN = frozenset([*PROVIDERS, *INSTITUTIONS])
ENDINGS = {
    "con": "com",
    "cmo": "com",
    "ocm": "com",
    "comm": "com",
    "vom": "com",
    "ogr": "org",
    "rog": "org",
    "orgg": "org",
    "nte": "net",
    "ner": "net",
    "itn": "int",
    "goc": "gov",
    "edy": "edu",
}
"""Endings that no domain has, each with what it is a slip of."""
SHORT = 7  # letters; of domains up to this length so many are one letter away that only those with it are asked about


def meant(address: str) -> str:
    """The address that was probably meant; empty where nothing speaks against the one that is written."""
    local, at, domain = address.strip().rpartition("@")
    found = _domain_meant(domain.lower()) if at and local else ""
    return f"{local}@{found}" if found else ""


@lru_cache(500)
def _domain_meant(domain: str) -> str:
    if domain in KNOWN or len(domain) > 40:
        return ""
    stem, _, ending = domain.rpartition(".")
    mended = f"{stem}.{ENDINGS[ending]}" if stem and ending in ENDINGS else domain
    if mended in KNOWN:
        return mended
    near = [one for one in sorted(KNOWN) if len(one) > SHORT and distance(mended, one) == 1]
    near = near or [one for one in PROVIDERS if len(one) > SHORT + 2 and distance(mended, one) == 2]
    if near:
        return min(near, key=lambda one: (one not in PROVIDERS, one[:1] != mended[:1], one))
    return mended if mended != domain else ""


def distance(one: str, other: str) -> int:
    """Letters put in, left out, changed or swapped with their neighbour (optimal string alignment)."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, beside in enumerate(other, 1):
            cost = min(last[column] + 1, line[column - 1] + 1, last[column - 1] + (letter != beside))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == beside:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        before, last = last, line
    return last[-1]

"""Words to search by. A document lists its words, and a query looks for one in the list: no search engine needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from functions.inquiries.models import Inquiry
from functions.inquiries.routing import plain_words

MOST = 60  # terms of one inquiry: what its index costs on every write
SHORTEST, LONGEST = 2, 20  # letters of a term


def terms_of(reference: str, inquiry: Inquiry, message: str) -> list[str]:
    """Beginnings of the words of names, then whole words of subject and message, until there are ``MOST``."""
    who = inquiry.requester
    names = plain_words(f"{who.name} {who.organisation}")
    whole = [*plain_words(f"{reference} {who.email} {inquiry.subject}"), *plain_words(message)]
    terms: dict[str, None] = {}
    for term in (*_once(plain_words(f"{reference} {inquiry.subject}")), *_beginnings(names), *_once(whole)):
        terms.setdefault(term)
        if len(terms) == MOST:
            break
    return list(terms)


def search_terms(text: str) -> list[str]:
    """What to look for, the longest (rarest) first; all of them must be found."""
    return sorted(set(_once(plain_words(text))), key=lambda term: (-len(term), term))


def _once(words: Iterable[str]) -> Iterator[str]:
    yield from (word[:LONGEST] for word in words if len(word) >= SHORTEST)


def _beginnings(words: Iterable[str]) -> Iterator[str]:
    for word in _once(words):
        yield word
        yield from (word[:length] for length in range(3, min(len(word), 8)))

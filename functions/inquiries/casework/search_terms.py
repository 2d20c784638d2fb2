"""Words to search by. A document lists its terms, and a query looks for one in the list: no search engine needed.

What was routed before the terms were made this way is listed afresh by ``python -m functions.inquiries.reindex``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from functions.inquiries.casework.models import Inquiry
from shared.formats.words import in_pairs, pairs, plain_words, terms

MAX_TERMS = 120  # of one inquiry: what its index costs on every write
MAX_WORDS = 60  # of them words and beginnings; pairs of letters say less each, so there may be more
SHORTEST, LONGEST = 2, 20  # letters of a term


def terms_of(reference: str, inquiry: Inquiry, message: str) -> list[str]:
    """Terms of the subject, beginnings of the names' words, then terms of the rest until there are enough."""
    who = inquiry.requester
    found: dict[str, None] = {}
    words = 0
    for term in chain(
        _once(f"{reference} {inquiry.subject}"),
        _beginnings(f"{who.name} {who.organisation}"),
        _family_first(who.family_name, who.given_name),
        _once(f"{who.email} {message}"),
    ):
        is_word = not in_pairs(term)
        if term in found or (is_word and words == MAX_WORDS):
            continue
        found[term] = None
        words += is_word
        if len(found) == MAX_TERMS:
            break
    return list(found)


def search_terms(text: str) -> list[str]:
    """What to look for, the longest (rarest) first; all of them must be found."""
    return sorted(set(_once(text)), key=lambda term: (-len(term), term))


def _once(text: str) -> Iterator[str]:
    return _fitting(terms(text))


def _fitting(words: Iterable[str]) -> Iterator[str]:
    yield from (word[:LONGEST] for word in words if len(word) >= SHORTEST or in_pairs(word))


def _beginnings(names: str) -> Iterator[str]:
    for word in plain_words(names):
        if in_pairs(word):
            yield from (word[0], *pairs(word))
            continue
        for fitting in _fitting([word]):
            yield fitting
            yield from (fitting[:length] for length in range(3, min(len(fitting), 8)))


def _family_first(family: str, given: str) -> Iterator[str]:
    """As names are written and searched for where no blank parts them: ``王小明``."""
    whole = plain_words(family + given)
    if len(whole) == 1 and in_pairs(whole[0]):
        yield from pairs(whole[0])

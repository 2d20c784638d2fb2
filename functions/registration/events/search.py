"""By what events are found. A document lists its terms, and a query looks for one of them: no search engine needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import chain

from functions.registration.events.models import EventDefinition
from shared.formats.words import in_pairs, terms

MAX_TERMS = 500  # of one event: what its index costs on every write
MAX_WORDS = 8  # that a search looks for; more say no more
SHORTEST, LONGEST = 2, 20  # letters of a word
BEGINNING = 3  # letters by which the words of a title are found before they are typed to their end
MAX_MONTHS = 24  # by which one event is found


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for; empty is anything.

    Args:
        month: ``2027-03``, in the event's zone.
        language: a tag (BCP 47), in which one can take part.
    """

    text: str = ""
    month: str = ""
    organisation: str = ""
    language: str = ""
    mode: str = ""

    @cached_property
    def terms(self) -> list[str]:
        """All of them must be found; the rarest first."""
        words = sorted(dict.fromkeys(_words(self.text)), key=len, reverse=True)[:MAX_WORDS]
        return [f"word:{word}" for word in words] + [
            f"{name}:{value}"
            for name in ("month", "organisation", "language", "mode")
            if (value := getattr(self, name))
        ]


ANY = Wanted()


def terms_of(event: EventDefinition) -> list[str]:
    """Terms of what can be chosen from lists, of the title, then of what else its page says, until there are enough."""
    first, last = event.dates
    chosen = [
        f"mode:{event.mode}",
        *(f"organisation:{id}" for id in event.organisations),
        *(f"language:{language}" for language in event.languages),
        *(f"month:{month}" for month in _months(first, last)),
    ]
    titles = _texts([event.title, event.series or {}])
    others = _texts([event.summary, event.location, event.description, event.audience, *event.objectives])
    told = _texts(text for session in event.sessions for text in (session.title, session.summary))
    speakers = (speaker.name for session in event.sessions for speaker in session.speakers)
    words = chain(_beginnings(titles), _words(event.organiser), *map(_words, chain(others, speakers, told)))
    found = dict.fromkeys(chain(chosen, (f"word:{word}" for word in words)))
    return list(found)[:MAX_TERMS]


def _texts(localised: Iterable[dict[str, str]]) -> Iterator[str]:
    return (text for texts in localised for text in texts.values())


def _words(text: str) -> Iterator[str]:
    return (term[:LONGEST] for term in terms(text) if len(term) >= SHORTEST or in_pairs(term))


def _beginnings(texts: Iterable[str]) -> Iterator[str]:
    for word in chain.from_iterable(map(_words, texts)):
        yield word
        if not in_pairs(word):
            yield from (word[:length] for length in range(BEGINNING, len(word)))


def _months(first: date, last: date) -> list[str]:
    begins, ends = first.year * 12 + first.month - 1, last.year * 12 + last.month - 1
    return [f"{month // 12}-{month % 12 + 1:02}" for month in range(begins, min(ends + 1, begins + MAX_MONTHS))]

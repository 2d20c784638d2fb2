"""The events as the store has them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from functools import partial

from functions.registration.errors import EventNotFound, SeriesNotFound
from functions.registration.events import search
from functions.registration.events.models import EventDefinition, Kept
from functions.registration.events.search import ANY, Wanted
from functions.registration.events.series import Series
from shared.ports import Cursor, Data, Document, Store, Where, every, from_utc_text, utc_text

EVENTS, SERIES = "events", "series"
SHOWN: Where = ("listed", "==", True)
MAX_READ = 200  # documents that one page of a search reads
FRESH = 2.0  # seconds for which a process believes what it read
INSTANTS = ("starts_at", "ends_at", "registration_opens_at", "registration_closes_at")


class Catalogue:
    """Reads event definitions, each at most once in two seconds for a process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, tuple[float, EventDefinition]] = {}

    def get(self, id: str) -> EventDefinition:
        """Raises ``EventNotFound``."""
        read_at, event = self._known.get(id, (float("-inf"), None))
        if event is None or time.monotonic() - read_at > FRESH:
            event = definition(self.read(id))
            self._known[id] = (time.monotonic(), event)
        return event

    def read(self, id: str) -> Document:
        """The event as it is now. Raises ``EventNotFound``."""
        document = self._store.get(EVENTS, id)
        if document is None:
            raise EventNotFound(id)
        return document

    def upcoming(self, now: datetime) -> Iterator[EventDefinition]:
        """All that have not begun, listed or not, the next first."""
        later: Where = ("starts_at", ">", utc_text(now))
        return map(definition, every(self._store, EVENTS, later, order="starts_at"))

    def get_for(self, organisation: str, id: str) -> EventDefinition:
        """An event of this organisation. Raises ``EventNotFound`` where it has none of this id, whoever else has."""
        event = self.get(id)
        if organisation not in event.organisations:
            raise EventNotFound(id)
        return event

    def of(self, organisation: str, after: Cursor | None, limit: int, latest: bool = True) -> list[EventDefinition]:
        """Events of an organisation, listed or not, the ``latest`` or the earliest first.

        ``after``: start and id of the last one seen.
        """
        where: Where = ("organisations", "contains", organisation)
        found = self._store.query(EVENTS, where, order="starts_at", descending=latest, after=after, limit=limit)
        return [definition(document) for document in found]

    def listed(self, after: Cursor | None, limit: int) -> list[EventDefinition]:
        """One page of the events that are shown to the public, the earliest first; the cursor is start and id."""
        found = self._store.query(EVENTS, SHOWN, order="starts_at", after=after, limit=limit)
        return [definition(document) for document in found]

    def coming(self, now: datetime, after: Cursor | None, limit: int) -> list[EventDefinition]:
        """One page of those shown to the public that are not over, by their end; the cursor is end and id."""
        return self.search(now, ANY, False, after, limit)[0]

    def over(self, now: datetime, after: Cursor | None, limit: int) -> list[EventDefinition]:
        """One page of those shown to the public that are over, the latest first; the cursor is end and id."""
        return self.search(now, ANY, True, after, limit)[0]

    def search(
        self, now: datetime, wanted: Wanted, over: bool, after: Cursor | None, limit: int
    ) -> tuple[list[EventDefinition], Cursor | None]:
        """As ``coming``, or where ``over`` is true as ``over``, of those that have what is wanted; and the cursor of
        the next page, None where there is none.

        The index knows one term at a time, so the others are looked for in what it finds: of ``MAX_READ`` at most, and
        where the page is not full by then, the next one goes on from there.
        """
        lead, others = wanted.terms[:1], set(wanted.terms[1:])
        range: Where = ("ends_at", "<=" if over else ">", utc_text(now))
        where: list[Where] = [SHOWN, *(("terms", "contains", term) for term in lead), range]
        size = MAX_READ if others else limit + 1
        read = self._store.query(EVENTS, *where, order="ends_at", descending=over, after=after, limit=size)
        fitting = [document for document in read if others <= set(document.data.get("terms", ()))]
        last = fitting[limit - 1] if len(fitting) > limit else read[-1] if len(read) == size else None
        return list(map(definition, fitting[:limit])), last.cursor("ends_at") if last else None

    def editions(self, series: str, now: datetime, limit: int) -> tuple[list[EventDefinition], list[EventDefinition]]:
        """Those of a series that are shown to the public: the next by their end, and the past, the latest first."""
        mine: Where = ("edition_of", "==", series)
        read = partial(self._store.query, EVENTS, SHOWN, mine, order="ends_at", limit=limit)
        coming, over = read(("ends_at", ">", utc_text(now))), read(("ends_at", "<=", utc_text(now)), descending=True)
        return list(map(definition, coming)), list(map(definition, over))

    def series(self, id: str) -> Series:
        """Raises ``SeriesNotFound``."""
        if document := self._store.get(SERIES, id):
            return Series.model_validate(document.data)
        raise SeriesNotFound(id)

    def series_of(self, event: EventDefinition) -> Series | None:
        """None where it belongs to none, or to one that is not here."""
        document = self._store.get(SERIES, event.edition_of) if event.edition_of else None
        return Series.model_validate(document.data) if document else None


def stored(event: EventDefinition) -> Data:
    """The document of an event: its definition, instants as ``utc_text``, and the terms by which it is found."""
    data = event.model_dump(mode="json", exclude_none=True) | {"terms": search.terms_of(event)}
    for name in INSTANTS:
        if name in data:
            data[name] = utc_text(getattr(event, name))
    if event.kept == Kept():
        del data["kept"]
    return data


def definition(document: Document) -> EventDefinition:
    """The event of a document, its instants in UTC."""
    data = {name: value for name, value in document.data.items() if name != "terms"}
    for name in INSTANTS:
        if name in data:
            data[name] = from_utc_text(data[name])
    return EventDefinition.model_validate(data)

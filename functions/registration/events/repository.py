"""The events as the store has them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

from functions.registration.errors import EventNotFound
from functions.registration.events.models import EventDefinition, Kept
from shared.ports import Cursor, Data, Document, Store, Where, every, from_utc_text, utc_text

EVENTS = "events"
SHOWN: Where = ("listed", "==", True)
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

    def of(self, organisation: str, after: Cursor | None, limit: int) -> list[EventDefinition]:
        """Events of an organisation, listed or not, the latest first. ``after``: start and id of the last one seen."""
        where: Where = ("organisations", "contains", organisation)
        found = self._store.query(EVENTS, where, order="starts_at", descending=True, after=after, limit=limit)
        return [definition(document) for document in found]

    def listed(self, after: Cursor | None, limit: int) -> list[EventDefinition]:
        """One page of the events that are shown to the public, the earliest first; the cursor is start and id."""
        found = self._store.query(EVENTS, SHOWN, order="starts_at", after=after, limit=limit)
        return [definition(document) for document in found]

    def coming(self, now: datetime, after: Cursor | None, limit: int) -> list[EventDefinition]:
        """One page of those shown to the public that are not over, by their end; the cursor is end and id."""
        later: Where = ("ends_at", ">", utc_text(now))
        found = self._store.query(EVENTS, SHOWN, later, order="ends_at", after=after, limit=limit)
        return [definition(document) for document in found]

    def over(self, now: datetime, after: Cursor | None, limit: int) -> list[EventDefinition]:
        """One page of those shown to the public that are over, the latest first; the cursor is end and id."""
        earlier: Where = ("ends_at", "<=", utc_text(now))
        found = self._store.query(EVENTS, SHOWN, earlier, order="ends_at", descending=True, after=after, limit=limit)
        return [definition(document) for document in found]


def stored(event: EventDefinition) -> Data:
    """The document of an event: its definition, instants as ``utc_text``."""
    data = event.model_dump(mode="json", exclude_none=True)
    for name in INSTANTS:
        if name in data:
            data[name] = utc_text(getattr(event, name))
    if event.kept == Kept():
        del data["kept"]
    return data


def definition(document: Document) -> EventDefinition:
    """The event of a document, its instants in UTC."""
    data = dict(document.data)
    for name in INSTANTS:
        if name in data:
            data[name] = from_utc_text(data[name])
    return EventDefinition.model_validate(data)

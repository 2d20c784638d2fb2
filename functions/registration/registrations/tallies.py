"""How many registrations of an event are in each state and how many seats are free in each pool, exact and at the same
cost however many there are.

Whoever changes a registration's state, takes a seat or frees one writes a change into the same commit: a new document,
so that nobody waits for anybody. The clock adds the changes to the event's tally and removes them, in one commit, so
that each counts once. What is told is the tally and the changes that are still to be added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress

from functions.registration.registrations.documents import REGISTRATIONS
from functions.registration.registrations.seats import POOLS, SEATS
from functions.registration.registrations.tally_changes import CHANGES
from shared.contracts.registration import State
from shared.ports import (
    Conflict,
    Create,
    Data,
    Delete,
    Document,
    Replace,
    Store,
    Unavailable,
    Where,
    decide,
    every,
    having,
    within,
)

TALLIES = "event_tallies"  # {"counts": {"confirmed": 17, "forum:*": 3, ...}} by event
PAGE = 400  # changes of one commit
WAITING = 100  # changes that a page adds up; those of a rush beyond count with the next minute
STATES: tuple[State, ...] = ("confirmed", "waitlisted", "unverified", "cancelled", "expired")


class Tallies:
    """One tally for each event; what is told is the tally and the changes still to be added."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, events: Sequence[str]) -> dict[str, Counter[str]]:
        """By event: registrations by state, and free seats by pool."""
        while True:
            known = self._known(events)
            for missing in set(events) - known.keys():
                with suppress(Unavailable):
                    self.build(missing)
            changes = self._store.query(CHANGES, *_of(events), limit=WAITING)
            again = self._known(events)
            if {one.version for one in known.values()} == {one.version for one in again.values()}:
                break
        return {
            id: _sum(known[id], (c for c in changes if c.data["event"] == id)) if id in known else self.counted(id)
            for id in events
        }

    def fold(self) -> None:
        """Add the changes to the tallies."""
        while page := self._store.query(CHANGES, limit=PAGE):
            for event in sorted({document.data["event"] for document in page}):
                decide(lambda event=event: self._fold(event))  # type: ignore[misc]
            if len(page) < PAGE:
                return

    def fold_event(self, event: str) -> None:
        """The same of one event, where many seats came or went at once."""
        while decide(lambda: self._fold(event)) == PAGE:
            pass

    def _fold(self, event: str) -> int:
        """Returns how many changes it added."""
        tally = self._store.get(TALLIES, event)
        changes = self._store.query(CHANGES, *_of([event]), limit=PAGE)
        if tally is None:
            self.build(event)
            return PAGE
        if changes:
            gone = [Delete(CHANGES, document.id, document.version) for document in changes]
            self._store.commit([Replace(TALLIES, event, _stored(_sum(tally, changes)), tally.version), *gone])
        return len(changes)

    def build(self, event: str) -> None:
        """Count all registrations and free seats of the event anew (``make tallies REBUILD=1``).

        Raises ``Unavailable`` where they change all the time.
        """
        decide(lambda: self._build(event))

    def _build(self, event: str) -> None:
        tally, before = self._store.get(TALLIES, event), self._changes(event)
        counted = self.counted(event)
        if [d.id for d in before] != [d.id for d in self._changes(event)]:
            raise Conflict(event)
        counted.subtract(_moved(before))
        data = _stored(counted)
        self._store.commit([Replace(TALLIES, event, data, tally.version) if tally else Create(TALLIES, event, data)])

    def counted(self, event: str) -> Counter[str]:
        """What the tally should be, from the registrations and the seats."""
        where: list[Where] = [("event", "==", event), having("created_at")]
        found = Counter[str]()
        for state in STATES:
            found[state] = self._store.count(REGISTRATIONS, *where, ("state", "==", state))
        for pool in every(self._store, POOLS, ("event", "==", event)):
            found[pool.id] = self._store.count(SEATS, *within(pool.id))
        return found

    def _known(self, events: Sequence[str]) -> dict[str, Document]:
        return {document.id: document for document in self._store.get_many(TALLIES, events)}

    def _changes(self, event: str) -> list[Document]:
        return list(every(self._store, CHANGES, *_of([event])))


def _of(events: Sequence[str]) -> list[Where]:
    """The changes of one event by their ids, as of tickets; those of several are found among all."""
    return within(events[0]) if len(events) == 1 else []


def _moved(changes: Iterable[Document]) -> Counter[str]:
    moved = Counter[str]()
    for document in changes:
        moved.update(document.data["moves"])
    return moved


def _sum(tally: Document, changes: Iterable[Document]) -> Counter[str]:
    found = Counter[str](tally.data["counts"])
    found.update(_moved(changes))
    return found


def _stored(counts: Counter[str]) -> Data:
    return {"counts": {name: count for name, count in counts.items() if count}}

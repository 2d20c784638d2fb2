"""How many registrations of an event are in each state, exact and at the same cost however many there are.

Whoever changes a registration's state writes a change into the same commit: a new document, so that nobody waits for
anybody. The clock adds the changes to the event's tally and removes them, in one commit, so that each counts once.
What is told is the tally and the changes that are still to be added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress

from functions.registration.registrations.documents import CHANGES, REGISTRATIONS
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
)

TALLIES = "tallies"  # {"confirmed": 17, ...} by event
PAGE = 400  # changes of one commit
WAITING = 150  # changes that a page adds up; those of a rush beyond count with the next minute
STATES: tuple[State, ...] = ("confirmed", "waitlisted", "unverified", "cancelled", "expired")
NOTHING: Data = dict.fromkeys(STATES, 0)  # the tally of an event that is new


class Tallies:
    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, events: Sequence[str]) -> dict[str, dict[str, int]]:
        """By event and state."""
        while True:
            known = self._known(events)
            for missing in set(events) - known.keys():
                with suppress(Unavailable):
                    self.build(missing)
            changes = self._store.query(CHANGES, *_within(events), limit=WAITING)
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

    def _fold(self, event: str) -> None:
        tally = self._store.get(TALLIES, event)
        changes = self._store.query(CHANGES, *_within([event]), limit=PAGE)
        if tally is None:
            self.build(event)
        elif changes:
            gone = [Delete(CHANGES, document.id, document.version) for document in changes]
            self._store.commit([Replace(TALLIES, event, _sum(tally, changes), tally.version), *gone])

    def build(self, event: str) -> None:
        """Count all registrations of the event anew (``make tallies REBUILD=1``).

        Raises ``Unavailable`` where they change all the time.
        """
        decide(lambda: self._build(event))

    def _build(self, event: str) -> None:
        tally, before = self._store.get(TALLIES, event), self._changes(event)
        counted = self.counted(event)
        if [d.id for d in before] != [d.id for d in self._changes(event)]:
            raise Conflict(event)
        data: Data = {state: counted[state] - _moved(before)[state] for state in STATES}
        self._store.commit([Replace(TALLIES, event, data, tally.version) if tally else Create(TALLIES, event, data)])

    def counted(self, event: str) -> dict[str, int]:
        """What the tally should be, from the registrations."""
        where: list[Where] = [("event", "==", event), having("created_at")]
        return {state: self._store.count(REGISTRATIONS, *where, ("state", "==", state)) for state in STATES}

    def _known(self, events: Sequence[str]) -> dict[str, Document]:
        return {document.id: document for document in self._store.get_many(TALLIES, events)}

    def _changes(self, event: str) -> list[Document]:
        return list(every(self._store, CHANGES, *_within([event])))


def _within(events: Sequence[str]) -> list[Where]:
    """The changes of one event by their ids, as of tickets; those of several are found among all."""
    return [("id", ">", f"{events[0]}:"), ("id", "<", f"{events[0]};")] if len(events) == 1 else []


def _moved(changes: Iterable[Document]) -> Counter[str | None]:
    moved: Counter[str | None] = Counter()
    for document in changes:
        moved[document.data["entered"]] += 1  # None counts, too, and nobody asks for it
        moved[document.data["left"]] -= 1
    return moved


def _sum(tally: Document, changes: Iterable[Document]) -> dict[str, int]:
    moved = _moved(changes)
    return {state: tally.data.get(state, 0) + moved[state] for state in STATES}

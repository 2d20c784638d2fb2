"""Guards of the product that can be taken away, each by its name: the negative control of the simulation."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from functions.inquiries.casework import route_inquiry, week_changes
from functions.notification.deliveries import service as notification
from functions.registration.events.models import EventDefinition
from functions.registration.registrations import register, seats, tallies, timekeeping
from functions.registration.registrations.documents import REGISTRATIONS, in_line, registration_of
from functions.registration.registrations.models import Registration
from functions.registration.registrations.tallies import TALLIES, Tallies
from functions.registration.registrations.tally_changes import CHANGES
from shared import outbox
from shared.contracts.bus_events import OUTBOX, message
from shared.idempotency import IDEMPOTENCY
from shared.intake import PROCESSED
from shared.ports import Create, Delete, Document, Replace, Write
from tests.simulation.world import Spoil


@dataclass
class Spoilt:
    """The store with one guard less."""

    real: Any
    bus: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class WithoutOutbox(Spoilt):
    """Events are published after the commit, and stand nowhere meanwhile."""

    def commit(self, writes: Sequence[Write]) -> None:
        rows = [write for write in writes if isinstance(write, Create) and write.collection == OUTBOX]
        self.real.commit([write for write in writes if write.collection != OUTBOX])
        self.bus.publish([message(row.id, row.data) for row in rows])


class WithoutClaim(Spoilt):
    def get(self, collection: str, id: str) -> Document | None:
        return None if collection == PROCESSED else self.real.get(collection, id)

    def commit(self, writes: Sequence[Write]) -> None:
        self.real.commit([write for write in writes if write.collection != PROCESSED])


class WithoutIdempotency(Spoilt):
    def get(self, collection: str, id: str) -> Document | None:
        return None if collection == IDEMPOTENCY else self.real.get(collection, id)

    def commit(self, writes: Sequence[Write]) -> None:
        self.real.commit([write for write in writes if write.collection != IDEMPOTENCY])


class WithoutSeatPrecondition(Spoilt):
    def commit(self, writes: Sequence[Write]) -> None:
        self.real.commit([_open(write, seats.SEATS) for write in writes])


class WithoutGate(Spoilt):
    """Gates move, whoever has moved them meanwhile."""

    def commit(self, writes: Sequence[Write]) -> None:
        self.real.commit([_open(write, seats.GATES) for write in writes])


class WithoutCheckpoint(Spoilt):
    """Where the reminders are is noted first, and then they are announced."""

    def commit(self, writes: Sequence[Write]) -> None:
        first = [write for write in writes if write.collection == timekeeping.REMINDERS]
        if first:
            self.real.commit(first)
        if rest := [write for write in writes if write.collection != timekeeping.REMINDERS]:
            self.real.commit(rest)


class WithoutCaseVersion(Spoilt):
    """An inquiry is written whoever has changed it since it was read."""

    def commit(self, writes: Sequence[Write]) -> None:
        self.real.commit([_open(_open(write, "inquiries"), "assignments") for write in writes])


def _open(write: Write, collection: str) -> Write:
    if write.collection != collection:
        return write
    return Replace(write.collection, write.id, write.data, None) if isinstance(write, Create) else _unversioned(write)


def _unversioned(write: Replace | Delete) -> Write:
    return replace(write, version=None)


def _unleased(deliveries: notification.Deliveries, queued: Any) -> Any:
    """A delivery that its sender has, and that is due for everybody all the same."""
    return {**queued, "attempts": queued["attempts"] + 1}


def _another_message_id(render: Callable[..., Any]) -> Callable[..., Any]:
    count = 0

    def rendered(mail: Any, id: str, *rest: Any) -> Any:
        nonlocal count
        count += 1
        return render(replace(mail, message_id=None), f"{id} {count}", *rest)

    return rendered


def _folded_again(tally: Tallies, event: str) -> int:
    """Whoever folds does, though somebody else may have folded the same changes."""
    known, changes = tally._store.get(TALLIES, event), tally._changes(event)
    if known is None:
        tally.build(event)
    elif changes:
        summed = Replace(TALLIES, event, tallies._stored(tallies._sum(known, changes)), None)
        tally._store.commit([summed, *(Delete(CHANGES, change.id, None) for change in changes)])
    return 0


def _last_in_line(keeper: timekeeping.Timekeeper, event: EventDefinition) -> list[Registration]:
    heads: list[Document] = []
    for line in event.lines:
        where = in_line(event.id, line)
        heads += keeper._store.query(REGISTRATIONS, *where, order="waitlisted_at", descending=True, limit=1)
    return [registration_of(document) for document in heads]


def _open_to_all(facts_of: Callable[..., Any]) -> Callable[..., Any]:
    return lambda inquiry, text: facts_of(inquiry.model_copy(update={"share_with": "all"}), text)


def _present_categories(event: EventDefinition) -> list[str]:
    return [category.id for category in event.categories]


def _other_addresses(person_id: Callable[[str, str], str]) -> Callable[[str, str], str]:
    count = itertools.count()
    return lambda event, address: person_id(event, f"{next(count)} {address}")


STORES: dict[str, type[Spoilt]] = {
    "outbox": WithoutOutbox,
    "claim": WithoutClaim,
    "idempotency": WithoutIdempotency,
    "seat-precondition": WithoutSeatPrecondition,
    "gate": WithoutGate,
    "checkpoint": WithoutCheckpoint,
    "case-version": WithoutCaseVersion,
}
PATCHES: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "lease": (notification.Deliveries, "_lease", lambda real: _unleased),
    "stable-message-id": (notification, "render", _another_message_id),
    "confinement": (route_inquiry, "facts_of", _open_to_all),
    "withdraw": (seats, "withdraw", lambda real: lambda store, returned: False),
    "tally-seats": (seats, "freed", lambda real: lambda writes: Counter()),
    "tally-weeks": (week_changes, "changes", lambda real: lambda *parts: []),
    "tally-version": (Tallies, "_fold", lambda real: _folded_again),
    "line-order": (timekeeping.Timekeeper, "_first_in_line", lambda real: _last_in_line),
    "former-categories": (EventDefinition, "lines", lambda real: property(_present_categories)),
    "latest-form": (register, "_is_latest", lambda real: lambda registration, asked_at: True),
    "address-claim": (register, "person_id", _other_addresses),
    "sweep": (outbox, "relay", lambda real: lambda store, bus, source, now: 0),
}
NAMES = sorted([*STORES, *PATCHES])


@contextmanager
def without(name: str) -> Iterator[Spoil]:
    """The product without the guard of this name; empty: as it is."""
    if name in STORES:
        yield STORES[name]
    elif name:
        where, attribute, fault = PATCHES[name]
        with patch.object(where, attribute, fault(getattr(where, attribute))):
            yield _as_it_is
    else:
        yield _as_it_is


def _as_it_is(store: Any, bus: Any) -> Any:
    return store

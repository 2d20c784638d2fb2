"""Registrations as documents, and the writes that change or end one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from functions.registration.registrations import holds, seats, states
from functions.registration.registrations.models import Registration
from functions.registration.registrations.tally_changes import change
from shared.contracts.bus_events import Payload, outbox_row
from shared.contracts.registration import SeatsReleased, State
from shared.formats.addresses import folded_address
from shared.keys.ids import key_of
from shared.ports import Create, Data, Delete, Document, Replace, Where, Write

SOURCE = "registration"
REGISTRATIONS = "registrations"
PERSONS = "persons"


def person_id(event: str, address: str) -> str:
    """What claims one registration for each address, however spelt, at an event."""
    return key_of(event, folded_address(address))


def registration_of(document: Document) -> Registration:
    """A stored registration, with the version that ``changing`` needs."""
    return Registration(**document.data, version=document.version)


def stored(registration: Registration) -> Data:
    """The document of a registration, without what is None."""
    return registration.model_dump(exclude_none=True)


def tallied(event: str, left: State | None, entered: State | None, claims: Iterable[Write] = ()) -> Create:
    """Goes into the commit that brings a registration from one state to another: from None when it is new, to None
    when it is erased. ``claims`` are its writes that take seats."""
    moves = seats.freed(claims)
    if entered:
        moves[entered] += 1
    if left:
        moves[left] -= 1
    return change(event, moves)


def changing(registration: Registration) -> Replace:
    """The write that keeps ``registration`` as it is now, where nobody changed it since it was read."""
    assert registration.version
    return Replace(REGISTRATIONS, registration.reference, stored(registration), registration.version)


def ending(
    registration: Registration,
    state: Literal["cancelled", "expired"],
    notice: Payload | None,
    now: datetime,
) -> list[Write]:
    """Writes that end a registration: its seats come back and its address may register again.

    Args:
        notice: what its owner is told; None where there is nothing to tell.
    """
    writes: list[Write] = [
        Delete(PERSONS, person_id(registration.event, registration.email), None),
        *([outbox_row(SOURCE, notice, now)] if notice else []),
        *returning(registration, now),
        tallied(registration.event, registration.state, state),
    ]
    states.end(registration, state, now)
    return [changing(registration), *writes]


def returning(registration: Registration, now: datetime) -> list[Write]:
    """Writes that give back the seat that ``registration`` has, if any, and what counted it as kept."""
    pools, registration.pools = registration.pools, []
    told = [outbox_row(SOURCE, SeatsReleased(event=registration.event), now)] if pools else []
    return [*holds.drop(registration), *seats.give_back(registration.event, pools), *told]


def in_line(event: str, category: str) -> list[Where]:
    """The conditions of a category's waitlist."""
    return [("event", "==", event), ("state", "==", "waitlisted"), ("category", "==", category)]

"""A registration's seat, or its place in the waitlist."""

from __future__ import annotations

from datetime import datetime

from functions.registration.errors import Full
from functions.registration.events.models import EventDefinition
from functions.registration.events.repository import Catalogue, definition
from functions.registration.registrations import holds, seats, states
from functions.registration.registrations.models import Registration
from shared.ports import MAX_COUNTED, Store, Write


class Placing:
    """Finds what a registration gets; whoever calls commits the writes."""

    def __init__(self, store: Store, events: Catalogue, free: seats.Seats) -> None:
        self._store = store
        self._events = events
        self._seats = free

    def keep(self, event: EventDefinition, registration: Registration, now: datetime, origin: str) -> list[Write]:
        """Keep a seat for an unverified ``registration``, where there is one and its network and the pools may still
        have some kept; otherwise it stays without until it is verified. Raises ``Full``."""
        pools, sizes = event.pools(event.category_of(registration.category)), event.capacities()
        if not pools:
            return []
        ids = holds.find(self._store, event, pools, origin)
        if ids is None:
            if not event.waitlist and any(self._seats.left(pool) == 0 for pool in pools):
                raise Full(event.id)
            return []
        free = min(self._seats.left(pool) / min(sizes[pool], 2 * MAX_COUNTED) if sizes[pool] else 0 for pool in pools)
        claims = self.place(event, registration, now)
        if not registration.pools:
            return claims
        return [*claims, *holds.keep(registration, ids, holds.until(event, registration, free, now))]

    def place(self, event: EventDefinition, registration: Registration, now: datetime) -> list[Write]:
        """Claim a seat for ``registration``; where there is none, put it into the waitlist (unless it is unverified:
        then it stays without a seat until it is verified). Changes ``registration`` accordingly. Raises ``Full``."""
        claims = self._claims(event, registration, certain=False)
        if claims is not None or (registration.state == "unverified" and event.waitlist):
            return self._seated(registration, claims or [], now)
        gate = seats.gate_reading(self._store, event.id)
        event = definition(self._events.read(event.id))
        claims = self._claims(event, registration)  # what was freed before the gate was read is seen now
        if claims is not None:
            return self._seated(registration, claims, now)
        if not event.takes_waiting(now):
            raise Full(event.id)
        if registration.state == "confirmed":
            states.joined_line(registration)
            return [seats.move_gate(gate)]
        return []

    def _claims(self, event: EventDefinition, registration: Registration, certain: bool = True) -> list[Write] | None:
        """Writes that take the seats that the registration needs, noted in it; None where one is lacking."""
        if event.kept.line_first and event.waitlist:
            return None
        pools = event.pools(event.category_of(registration.category))
        claims = self._seats.take(pools, certain)
        registration.pools = [] if claims is None else pools
        return claims

    def _seated(self, registration: Registration, claims: list[Write], now: datetime) -> list[Write]:
        states.seated(registration, now)
        return claims

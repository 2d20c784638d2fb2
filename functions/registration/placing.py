"""A registration's seat, or its place in the waitlist."""

from __future__ import annotations

from datetime import datetime

from functions.registration import seats
from functions.registration.errors import Full
from functions.registration.models import EventDefinition, Registration
from shared.ports import Store, Write, utc_text


class Placing:
    def __init__(self, store: Store, free: seats.Seats) -> None:
        self._store = store
        self._seats = free

    def place(self, event: EventDefinition, registration: Registration, now: datetime) -> list[Write]:
        """Claim a seat for ``registration``; where there is none, put it into the waitlist (unless it is unverified:
        then it stays without a seat until it is verified). Changes ``registration`` accordingly. Raises ``Full``."""
        pools = event.pools(event.category_of(registration.category))
        gate = None
        claims = self._seats.take(pools, certain=False)
        if claims is None and registration.state != "unverified":
            gate = seats.gate_reading(self._store, event, registration.category)
            claims = self._seats.take(pools)  # what was freed before the gate was read is seen now
        if claims is not None:
            registration.pools = pools
            if registration.state == "confirmed":
                registration.confirmed_at = utc_text(now)
            return claims
        if not event.waitlist:
            raise Full(event.id)
        registration.pools = []
        if gate is None:
            return []
        registration.state = "waitlisted"
        registration.waitlisted_at = registration.created_at
        return [seats.move_gate(gate)]

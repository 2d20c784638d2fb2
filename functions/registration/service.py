"""What a person can do with a registration, and what pages and the desk ask about them.

Every decision reads, decides and commits once, atomically, with preconditions; ``decide`` runs it again when another
writer was faster.
"""

from __future__ import annotations

from collections.abc import Sequence

from functions.registration.errors import AlreadyRegistered, BadRequest, Closed, Full, KeyReused, NotPossible, Over
from functions.registration.finding import Finding
from functions.registration.ledger import REGISTRATIONS, registration_of
from functions.registration.models import Category, EventDefinition, Registration, pool_id
from functions.registration.register import Receipt, Registering
from functions.registration.timekeeping import Timekeeper
from shared.contracts.registration import RegistrationConfirmed, State
from shared.ports import Cursor, Where

__all__ = [
    "AlreadyRegistered",
    "BadRequest",
    "Closed",
    "Full",
    "KeyReused",
    "NotPossible",
    "Over",
    "Receipt",
    "Registrations",
]


class Registrations(Registering, Finding):
    """The slice's service. Thread-safe."""

    def confirmation(self, registration: Registration) -> RegistrationConfirmed:
        """What the mail to a confirmed person tells, for a file of the same content. Raises ``NotPossible``."""
        if registration.state != "confirmed":
            raise NotPossible(registration.state)
        return self._compose.confirmed(self.events.get(registration.event), registration)

    def seats_left(self, event: EventDefinition, category: Category | None = None) -> int | None:
        """Free seats for a category, or for anybody; None where there is no limit. At most two seconds old."""
        if category is None:
            total = [self.seats.left(pool) for pool in [pool_id(event.id)] if event.seats is not None]
            quotas = [self.seats_left(event, entry) for entry in event.categories]
            if any(left is None for left in quotas):
                return min(total, default=None)
            return min([*total, sum(left or 0 for left in quotas)])
        return min((self.seats.left(pool) for pool in event.pools(category)), default=None)

    def counts(self, event_id: str, states: Sequence[State]) -> dict[str, int]:
        """How many registrations of an event are in each state."""
        where: Where = ("event", "==", event_id)
        return {state: self._store.count(REGISTRATIONS, where, ("state", "==", state)) for state in states}

    def timekeeper(self) -> Timekeeper:
        return Timekeeper(self._store, self._clock, self.events, self.seats, self._compose)

    def of_event(self, event_id: str, state: State, after: Cursor | None, limit: int) -> list[Registration]:
        """One page of an event's registrations in a state, the oldest first; the cursor is (created_at, reference)."""
        where: list[Where] = [("event", "==", event_id), ("state", "==", state)]
        page = self._store.query(REGISTRATIONS, *where, order="created_at", after=after, limit=limit)
        return [registration_of(document) for document in page]

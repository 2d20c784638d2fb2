"""What a person can do with a registration, and what pages and the desk ask about them.

Every decision reads, decides and commits once, atomically, with preconditions; ``decide`` runs it again when another
writer was faster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from functions.registration.errors import NotPossible
from functions.registration.registrations.documents import REGISTRATIONS, registration_of
from functions.registration.registrations.finding import Finding
from functions.registration.registrations.models import Registration
from functions.registration.registrations.register import Registering
from functions.registration.registrations.tallies import Tallies
from functions.registration.registrations.timekeeping import Timekeeper
from shared.contracts.registration import RegistrationConfirmed, State
from shared.ports import Cursor, Where


class Registrations(Registering, Finding):
    """The slice's service. Thread-safe."""

    def confirmation(self, registration: Registration) -> RegistrationConfirmed:
        """What the mail to a confirmed person tells, for a file of the same content. Raises ``NotPossible``."""
        if registration.state != "confirmed":
            raise NotPossible(registration.state)
        return self._compose.confirmed(self.events.get(registration.event), registration)

    def counts(self, events: Sequence[str]) -> dict[str, Counter[str]]:
        """By event: how many registrations are in each state, and how many seats are free in each pool."""
        return Tallies(self._store).of(events)

    def timekeeper(self) -> Timekeeper:
        """What the clock does, over the same store and seats."""
        return Timekeeper(self._store, self._clock, self.events, self.seats, self._compose)

    def of_event(self, event_id: str, state: State, after: Cursor | None, limit: int) -> list[Registration]:
        """One page of an event's registrations in a state, the oldest first; the cursor is (created_at, reference)."""
        where: list[Where] = [("event", "==", event_id), ("state", "==", state)]
        page = self._store.query(REGISTRATIONS, *where, order="created_at", after=after, limit=limit)
        return [registration_of(document) for document in page]

"""What a person can do behind their links: verify, correct, cancel."""

from __future__ import annotations

from functions.registration.base import Base
from functions.registration.errors import BadRequest, NotPossible
from functions.registration.ledger import SOURCE, changing, ending
from functions.registration.models import Correction, Registration, check_answers
from shared.contracts.events import outbox_row
from shared.ports import Conflict, Write, decide, utc_text
from shared.tokens import BadToken


class Personal(Base):
    def open(self, token: str) -> Registration:
        """The registration behind a personal link. Raises ``BadToken``."""
        reference = self._tokens.read("manage", token, self._clock.now())
        return self._required(reference)

    def awaiting(self, token: str) -> Registration:
        """The registration that a verification link would verify. Raises ``BadToken``."""
        return self._required(self._tokens.read("verify", token, self._clock.now()))

    def manage_token(self, reference: str) -> str:
        """What the personal link carries. Only for a page or mail that its owner alone can see."""
        return self._compose.manage_token(reference)

    def verify(self, token: str) -> Registration:
        """The address is proven: a kept seat is confirmed, else the first free one, else a place in the waitlist.

        Verifying twice is no error. Raises ``BadToken``, and ``NotPossible`` for one that has expired or is cancelled.
        """
        reference = self._tokens.read("verify", token, self._clock.now())

        def attempt() -> Registration:
            registration = self._required(reference)
            now = self._clock.now()
            if registration.state in ("confirmed", "waitlisted", "pending", "offered", "attended"):
                return registration
            if registration.state != "unverified":
                raise NotPossible(registration.state)
            event = self.events.get(registration.event)
            had_seat = bool(registration.pools)
            registration.state, registration.verify_by = "confirmed", None
            claims: list[Write] = []
            if had_seat or not event.pools(event.category_of(registration.category)):
                registration.confirmed_at = utc_text(now)
            else:
                claims = self._placing.place(event, registration, now)
            try:
                self._store.commit([changing(registration), *claims, self._announce(event, registration, now)])
            except Conflict:
                self.seats.forget(event.capacities())
                raise
            return registration

        return decide(attempt, attempts=40)

    def correct(self, token: str, correction: Correction) -> Registration:
        """Replace what the person told us. Raises ``BadToken``, ``NotPossible`` and ``BadRequest``."""

        def attempt() -> Registration:
            registration = self.open(token)
            if registration.state in ("cancelled", "expired", "declined"):
                raise NotPossible(registration.state)
            event = self.events.get(registration.event)
            answers, errors = check_answers(event, correction.answers)
            if errors:
                raise BadRequest({f"answers.{id}": message for id, message in errors.items()})
            changed = registration.model_copy(update={**correction.model_dump(), "answers": answers})
            if changed == registration:
                return registration
            changed.sequence += 1
            notice = self._compose.corrected(event, changed)
            self._store.commit([changing(changed), outbox_row(SOURCE, notice, self._clock.now())])
            return changed

        return decide(attempt)

    def cancel(self, token: str) -> Registration:
        """Cancel; the seat goes to whoever waits first. Cancelling twice is no error. Raises ``BadToken``."""

        def attempt() -> Registration:
            registration = self.open(token)
            if registration.state in ("cancelled", "expired"):
                return registration
            event = self.events.get(registration.event)
            was_confirmed = registration.state == "confirmed"
            registration.sequence += 1
            notice = self._compose.cancelled(event, registration, was_confirmed)
            self._store.commit(ending(registration, "cancelled", notice, self._clock.now()))
            return registration

        return decide(attempt)

    def _required(self, reference: str) -> Registration:
        registration = self.find(reference)
        if registration is None:
            raise BadToken("this registration was erased")
        return registration

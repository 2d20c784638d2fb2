"""What a person can do behind their links: verify, correct, cancel."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from functions.registration.errors import (
    EventNotFound,
    EventOver,
    Full,
    NoSeatKept,
    NotPossible,
    NotVerifiable,
    RegistrationNotFound,
)
from functions.registration.events.models import EventDefinition
from functions.registration.events.questions import MAX_ANSWER, check_answers
from functions.registration.registrations import holds, states
from functions.registration.registrations.base import Base
from functions.registration.registrations.documents import SOURCE, changing, ending, tallied
from functions.registration.registrations.models import Correction, Registration
from functions.registration.registrations.notices import MANAGE, VERIFY
from functions.registration.registrations.states import OVER
from shared.contracts.bus_events import outbox_row
from shared.errors import FaultyFields
from shared.keys.links import Link
from shared.keys.tokens import BadToken
from shared.ports import Conflict, Write, decide

LINK_LIFE = timedelta(days=90)  # after the end of the event


class Personal(Base):
    """What its owner does with a registration, by the token of a personal link."""

    def open(self, token: str) -> Registration:
        """The registration behind a personal link. Raises ``BadToken``, also for a link that is void or over."""
        return self._behind(MANAGE, token)

    def awaiting(self, token: str) -> Registration:
        """The registration that a verification link would verify. Raises ``BadToken`` as ``open`` does."""
        return self._behind(VERIFY, token)

    def manage_token(self, registration: Registration) -> str:
        """What the personal link carries. Only for a page or mail that its owner alone can see."""
        return self._compose.manage_token(registration.reference, registration.link_version)

    def new_link(self, token: str) -> None:
        """Mail the personal link to the address on record. One that holds until now is void from then on; for one that
        does not any more, at most once an hour. Nothing where it never was ours, or leads to nothing any more."""
        for purpose in (MANAGE, VERIFY):
            with suppress(BadToken, EventNotFound):
                link = Link.read(self._tokens, purpose, token)
                decide(lambda link=link: self._mail_link(link))  # type: ignore[misc]
                return

    def void_link(self, event_id: str, reference: str, *record: Write) -> None:
        """For staff: the personal link until now is void, and its owner gets a new one by mail. ``record`` says in the
        same commit who did it. Raises ``RegistrationNotFound`` where the event has none of this reference."""

        def attempt() -> None:
            registration = self.find(reference)
            if registration is None or registration.event != event_id:
                raise RegistrationNotFound(reference)
            self._store.commit([*self._renewing(registration), *record])

        decide(attempt)

    def _mail_link(self, link: Link) -> None:
        registration, now = self._required(link.reference), self._clock.now()
        if link.holds(registration.link_version, self._links_until(registration), now):
            self._store.commit(self._renewing(registration))
            return
        event = self.events.get(registration.event)
        id = f"link:{registration.reference}:{now:%Y%m%d%H}"
        with suppress(Conflict):
            self._store.commit([outbox_row(SOURCE, self._compose.link(event, registration, now), now, id)])

    def _renewing(self, registration: Registration) -> list[Write]:
        registration.link_version += 1
        event, now = self.events.get(registration.event), self._clock.now()
        return [changing(registration), outbox_row(SOURCE, self._compose.link(event, registration, now), now)]

    def _links_until(self, registration: Registration) -> datetime:
        return self.events.get(registration.event).ends_at + LINK_LIFE

    def _behind(self, purpose: str, token: str) -> Registration:
        link = Link.read(self._tokens, purpose, token)
        registration = self._required(link.reference)
        link.check(registration.link_version, self._links_until(registration), self._clock.now())
        return registration

    def verify(self, token: str) -> Registration:
        """The address is proven: a kept seat is confirmed, else the first free one, else a place in the waitlist.

        What was registered in time may be verified after registration has closed, until the event is over. Verifying
        twice is no error.

        Raises:
            BadToken
            NotVerifiable: it has expired or is cancelled.
            EventOver
            NoSeatKept: nor is one free, and there is no line to wait in (any more).
        """

        def attempt() -> Registration:
            registration = self.awaiting(token)
            now = self._clock.now()
            if registration.state in ("confirmed", "waitlisted"):
                return registration
            if registration.state != "unverified":
                raise NotVerifiable(registration.state)
            event = self.events.get(registration.event)
            if event.phase(now) == "past":
                raise EventOver
            had_seat = bool(registration.pools)
            states.verified(registration)
            claims = holds.drop(registration)
            if had_seat:
                states.seated(registration, now)
            else:
                claims += self._claims_now(event, registration, now)
            claims.append(tallied(event.id, "unverified", registration.state, claims))
            try:
                self._store.commit([changing(registration), *claims, self._announce(event, registration, now)])
            except Conflict:
                self.seats.forget(event.capacities())
                raise
            return registration

        return decide(attempt, attempts=40)

    def _claims_now(self, event: EventDefinition, registration: Registration, now: datetime) -> list[Write]:
        try:
            return self._placing.place(event, registration, now)
        except Full:
            raise NoSeatKept(event.id) from None

    def correct(self, token: str, correction: Correction) -> Registration:
        """Replace what the person told us. Raises ``BadToken``, ``NotPossible`` and ``FaultyFields``."""

        def attempt() -> Registration:
            registration = self.open(token)
            if registration.state in OVER:
                raise NotPossible(registration.state)
            event = self.events.get(registration.event)
            answers, errors = check_answers(event.questions, correction.answers)
            if errors:
                found = {f"answers.{id}": message for id, message in errors.items()}
                raise FaultyFields(found, max_length=str(MAX_ANSWER))
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
            if registration.state in states.OVER:
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

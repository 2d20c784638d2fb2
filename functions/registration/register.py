"""Registering one person, once, however often it is asked.

Nothing is read on the way of a plain registration: the event and the hints of free seats are at hand, and only a commit
that conflicts, or a request that would be refused, looks up why.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.registration.base import Base
from functions.registration.errors import AlreadyRegistered, BadRequest, Closed, Over, Refusal
from functions.registration.idempotency import Key
from functions.registration.ledger import PERSONS, REGISTRATIONS, SOURCE, stored
from functions.registration.models import EventDefinition, Registration, RegistrationRequest, check_answers
from shared.contracts.events import outbox_row
from shared.ids import key_of, new_reference
from shared.ports import Conflict, Create, Data, Write, decide, utc_text
from shared.text import N_

ATTEMPTS = 40  # of a rush on one event
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a request to register. For an event that verifies addresses it is the same whether or not the
    address was registered before."""

    reference: str
    state: str
    manage_token: str | None  # None where only the mail may carry the personal link


class Registering(Base):
    def register(
        self, event_id: str, request: RegistrationRequest, idempotency_key: str | None = None, origin: str = ""
    ) -> Receipt:
        """Register one person, once.

        A key decides before anything else: with one that was used before, the answer tells of the registration that it
        made, in the state that it has now; for an event that verifies addresses, whose states are its owner's to know,
        it is the first answer.

        Args:
            idempotency_key: of one kind of client (``form:...``, ``api:...``), good for two days and this event.
            origin: the network that asks, hashed, for which only so many seats are kept unverified; empty: not counted.

        Raises:
            EventNotFound, Closed, Full, AlreadyRegistered, KeyReused
            Over: the key's registration was cancelled or erased since.
            BadRequest: category or answers do not fit the event.
            Unavailable: nothing was stored, or the same call will find it stored.
        """
        now = self._clock.now()
        event = self.events.get(event_id)
        key = Key.of(event_id, request, idempotency_key) if idempotency_key else None
        try:
            _check_open(event, now)
            answers = _fitting(event, request)
            return decide(lambda: self._attempt(event, request, answers, key, now, origin), ATTEMPTS)
        except (Refusal, BadRequest) as error:
            if key is None:
                raise
            refusal = error
        return decide(lambda: self._refuse(event, key, refusal, now), ATTEMPTS)

    def _attempt(
        self,
        event: EventDefinition,
        request: RegistrationRequest,
        answers: Data,
        key: Key | None,
        now: datetime,
        origin: str,
    ) -> Receipt:
        registration = _newcomer(event, request, answers, now)
        if registration.state == "unverified":
            claims = self._placing.keep(event, registration, now, origin)
        else:
            claims = self._placing.place(event, registration, now)
        announcement = self._announce(event, registration, now)
        writes: list[Write] = [
            Create(REGISTRATIONS, registration.reference, stored(registration)),
            Create(PERSONS, key_of(event.id, request.person), {"reference": registration.reference}),
            *claims,
            announcement,
        ]
        if key:
            writes.append(key.answering(registration.reference, registration.state, now))
        try:
            self._store.commit(writes)
        except Conflict:
            self.seats.forget(event.capacities())
            earlier = self._earlier(event, request, key, now)
            if earlier is None:
                raise
            return earlier
        told = self._receipt(registration.reference, registration.state)
        fields = {"event_id": announcement.id, "reference": told.reference, "state": told.state}
        log.info("registration taken", extra={"fields": fields})
        return told

    def _earlier(
        self, event: EventDefinition, request: RegistrationRequest, key: Key | None, now: datetime
    ) -> Receipt | None:
        """What an earlier request that this one repeats was answered; None where there was none."""
        if key and (answered := self._answered(event, key, now)):
            return answered
        claim = self._store.get(PERSONS, key_of(event.id, request.person))
        known = claim and self.find(claim.data["reference"])
        if not known:
            return None
        if not event.verify_email:
            raise AlreadyRegistered(event.id)
        return self._repeat(event, known, key, now)

    def _repeat(self, event: EventDefinition, known: Registration, key: Key | None, now: datetime) -> Receipt:
        """Only the address's owner learns of it, by mail, at most once an hour."""
        payload = self._compose.repeated(event, known)
        notice = outbox_row(SOURCE, payload, now, f"repeated:{known.reference}:{now:%Y%m%d%H}")
        told = Receipt(new_reference(), "unverified", None)
        try:
            self._store.commit([notice, *([key.answering(told.reference, told.state, now)] if key else [])])
        except Conflict:
            if key and (answered := self._answered(event, key, now)):
                return answered
            if key:
                self._store.commit([key.answering(told.reference, told.state, now)])
        return told

    def _refuse(self, event: EventDefinition, key: Key, refusal: Refusal | BadRequest, now: datetime) -> Receipt:
        """Raise ``refusal``, unless the key has an answer. A twin that is still under way must then be refused too."""
        if answered := self._answered(event, key, now):
            return answered
        if isinstance(refusal, Refusal) and not (isinstance(refusal, Closed) and refusal.phase == "soon"):
            self._store.commit([key.refusing(refusal, now)])
        raise refusal

    def _answered(self, event: EventDefinition, key: Key, now: datetime) -> Receipt | None:
        """What the key's first request made, as it is now. Raises ``KeyReused``, ``Over``, or a twin's ``Refusal``."""
        answer = key.look_up(self._store, event, now)
        if answer is None:
            return None
        reference, state = answer["reference"], answer["state"]
        if state != "unverified":
            registration = self.find(reference)
            if registration is None or registration.state in ("cancelled", "expired", "declined"):
                raise Over(reference)
            state = registration.state
        return self._receipt(reference, state)

    def _receipt(self, reference: str, state: str) -> Receipt:
        return Receipt(reference, state, None if state == "unverified" else self._compose.manage_token(reference))


def _check_open(event: EventDefinition, now: datetime) -> None:
    if (phase := event.phase(now)) != "open":
        raise Closed(event, phase)


def _newcomer(event: EventDefinition, request: RegistrationRequest, answers: Data, now: datetime) -> Registration:
    registration = Registration(
        reference=new_reference(),
        event=event.id,
        state="unverified" if event.verify_email else "confirmed",
        answers=answers,
        pools=[],
        created_at=utc_text(now),
        **request.model_dump(exclude={"answers", "consent"}),
    )
    if event.verify_email:
        limit = min(now + timedelta(hours=event.verify_within_hours), event.ends_at)
        registration.verify_by = utc_text(limit)
    return registration


def _fitting(event: EventDefinition, request: RegistrationRequest) -> Data:
    """The answers in their stored form. Raises ``BadRequest``."""
    answers, errors = check_answers(event, request.answers)
    found = {f"answers.{id}": message for id, message in errors.items()}
    if event.category(request.category) is None:
        found["category"] = N_("Choose one of: {expected}.")
    if found:
        raise BadRequest(found, expected=", ".join(category.id for category in event.categories))
    return answers

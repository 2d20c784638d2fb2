"""Registering one person, once, however often it is asked, and without telling a stranger who is registered.

Anybody can type anybody's address. So the answer, the calls that it takes to find it and the time of them are the same
for an address that is registered already and for a new one, also where an event does not verify addresses: what became
of a registration, its reference and the personal link go to the mailbox and nowhere else. (To refuse an address that
is known would tell who comes; to register it twice would give away two seats; to show a reference or a link would
either be a lie or hand somebody else's registration to whoever knows their address.)
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.registration.errors import Closed, Full, Refusal
from functions.registration.events.models import EventDefinition
from functions.registration.events.questions import MAX_ANSWER, check_answers
from functions.registration.registrations import states
from functions.registration.registrations.base import Availability, Base
from functions.registration.registrations.documents import (
    PERSONS,
    REGISTRATIONS,
    SOURCE,
    changing,
    person_id,
    stored,
    tallied,
)
from functions.registration.registrations.models import Registration, RegistrationRequest
from functions.registration.registrations.states import OVER
from shared.contracts.bus_events import OUTBOX, BusEvent, outbox_row
from shared.contracts.registration import RegisteredAgain
from shared.errors import FaultyFields
from shared.idempotency import Key
from shared.keys.ids import new_reference
from shared.ports import Conflict, Create, Data, Document, Replace, Write, decide, utc_text
from shared.text import N_

ATTEMPTS = 40  # of a rush on one event
FULL = "full"  # why a key was refused; else the phase of the event
_sorted_json = json.JSONEncoder(sort_keys=True).encode
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a request to register, the same whether or not the address was registered before.

    Args:
        state: ``unverified``: the link in the mail must be followed; ``received``: the mail says what became of it.
        availability: of seats when it was asked. It promises none: who was first is known by the mail.
    """

    state: str
    availability: Availability


class Registering(Base):
    """Taking registrations, each once."""

    def register(
        self, event_id: str, request: RegistrationRequest, idempotency_key: str | None = None, origin: str = ""
    ) -> Receipt:
        """Register one person, once.

        A key decides before anything else: with one that was used before, the answer is the first one for ever, since
        what became of the registration is its owner's to know.

        Args:
            idempotency_key: of one kind of client (``form:...``, ``api:...``), good for two days and this event.
            origin: the network that asks, hashed, for which only so many seats are kept unverified; empty: not counted.

        Raises:
            EventNotFound, Closed, Full, KeyReused
            FaultyFields: category or answers do not fit the event.
            Unavailable: nothing was stored, or the same call will find it stored.
        """
        now = self._clock.now()
        event = self.events.get(event_id)
        key = _key(event_id, request, idempotency_key) if idempotency_key else None
        try:
            _check_open(event, now)
            answers = _fitting(event, request)
            told = Receipt(
                "unverified" if event.verify_email else "received",
                self.availability(event, event.category_of(request.category)),
            )
            return decide(
                lambda: self._attempt(event, _newcomer(event, request, answers, now), told, key, now, origin), ATTEMPTS
            )
        except (Refusal, FaultyFields) as error:
            if key is None:
                raise
            refusal = error
        return decide(lambda: self._refuse(key, refusal, now), ATTEMPTS)

    def _attempt(
        self,
        event: EventDefinition,
        newcomer: Registration,
        told: Receipt,
        key: Key | None,
        now: datetime,
        origin: str,
    ) -> Receipt:
        """Seat and announcement are made ready before anybody asks whether the address is known: see above."""
        if newcomer.state == "unverified":
            claims = self._placing.keep(event, newcomer, now, origin)
        else:
            claims = self._placing.place(event, newcomer, now)
        announcement = self._announce(event, newcomer, now)
        person = person_id(event.id, newcomer.email)
        known = self._store.get(PERSONS, person)
        if known:
            announcement = _again(event, known, newcomer.language, now)
            writes: list[Write] = [Replace(PERSONS, person, known.data, known.version), announcement]
        else:
            writes = [
                Create(REGISTRATIONS, newcomer.reference, stored(newcomer)),
                Create(PERSONS, person, {"reference": newcomer.reference}),
                tallied(event.id, None, newcomer.state, claims),
                *claims,
                announcement,
            ]
        if key:
            writes.append(key.answering({"state": told.state, "availability": told.availability}, now))
        try:
            self._store.commit(writes)
        except Conflict:
            self.seats.forget(event.capacities())
            if key and (answered := self._answered(key, now)):
                return answered
            raise
        reference = known.data["reference"] if known else newcomer.reference
        log.info("registration taken", extra={"fields": {"event_id": announcement.id, "reference": reference}})
        return told

    def on_registered_again(self, event: BusEvent) -> Sequence[Write]:
        """Handler of ``registration.registered_again``: tell the owner, and only the owner, by mail, at most once an
        hour. Until somebody has shown to be the owner, the language is that of the latest form; then it is the owner's,
        and only this one mail is in the form's."""
        assert isinstance(event.payload, RegisteredAgain)
        payload, now, asked_at = event.payload, self._clock.now(), utc_text(event.time)
        claim = self._store.get(PERSONS, payload.person)
        registration = claim and self.find(claim.data["reference"])
        if not registration or registration.state in OVER:
            return []  # it ended since, and its owner was told so
        definition = self.events.get(registration.event)
        if registration.state != "unverified":
            mail = self._compose.repeated(definition, registration.model_copy(update={"language": payload.language}))
        else:
            if _is_latest(registration, asked_at):
                registration.language, registration.language_at = payload.language, asked_at
            mail = self._verification(definition, registration)
        id = f"repeated:{registration.reference}:{event.time:%Y%m%d%H}"
        told = self._store.get(OUTBOX, id)
        unchanged = changing(registration)  # else it may have ended meanwhile, and the mail would say that it has not
        return [unchanged] if told else [unchanged, outbox_row(SOURCE, mail, now, id)]

    def _refuse(self, key: Key, refusal: Refusal | FaultyFields, now: datetime) -> Receipt:
        """Raise ``refusal``, unless the key has an answer. A twin that is still under way must then be refused too."""
        if answered := self._answered(key, now):
            return answered
        if isinstance(refusal, Refusal) and not (isinstance(refusal, Closed) and refusal.phase == "soon"):
            self._store.commit([key.refusing(refusal.phase if isinstance(refusal, Closed) else FULL, now)])
        raise refusal

    def _answered(self, key: Key, now: datetime) -> Receipt | None:
        """What the key's first request was answered. Raises ``KeyReused``, or a twin's ``Refusal``."""
        answer = key.answer(self._store)
        if reason := key.refused(now):
            raise Full if reason == FULL else Closed(reason)
        return Receipt(answer["state"], answer.get("availability", "seats")) if answer else None  # old ones lack it


def _key(event_id: str, request: RegistrationRequest, key: str) -> Key:
    return Key.of("registration", event_id, key, request=_sorted_json(request.model_dump(exclude=request.unsaid)))


def _check_open(event: EventDefinition, now: datetime) -> None:
    if (phase := event.phase(now)) != "open":
        raise Closed(phase)


def _again(event: EventDefinition, claim: Document, language: str, now: datetime) -> Create:
    return outbox_row(SOURCE, RegisteredAgain(event=event.id, person=claim.id, language=language), now)


def _is_latest(registration: Registration, asked_at: str) -> bool:
    return asked_at > (registration.language_at or registration.created_at)


def _newcomer(event: EventDefinition, request: RegistrationRequest, answers: Data, now: datetime) -> Registration:
    registration = Registration(
        reference=new_reference(),
        event=event.id,
        state=states.first(event.verify_email),
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
    """The answers in their stored form. Raises ``FaultyFields``."""
    answers, errors = check_answers(event.questions, request.answers)
    found = {f"answers.{id}": message for id, message in errors.items()}
    if event.category(request.category) is None:
        found["category"] = N_("Choose one of: {expected}.")
    if found:
        expected = ", ".join(category.id for category in event.categories)
        raise FaultyFields(found, expected=expected, max_length=str(MAX_ANSWER))
    return answers

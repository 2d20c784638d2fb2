"""What a person can do with a registration: register, verify, correct, cancel.

Every decision reads, decides and commits once, atomically, with preconditions; ``decide`` runs it again when another
writer was faster. Nothing is read on the way of a plain registration: the event and the hints of free seats are at
hand, and only a commit that conflicts looks up why.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.registration import messages, seats
from functions.registration.catalogue import Catalogue
from functions.registration.ledger import (
    PERSONS,
    REGISTRATIONS,
    SOURCE,
    changing,
    ending,
    in_line,
    registration_of,
    stored,
)
from functions.registration.models import (
    Category,
    Correction,
    EventDefinition,
    Registration,
    RegistrationRequest,
    check_answers,
    pool_id,
)
from functions.registration.timekeeping import Timekeeper
from shared.contracts.events import outbox_row
from shared.contracts.registration import RegistrationConfirmed, State
from shared.ids import key_of, new_reference
from shared.ports import Clock, Conflict, Create, Cursor, Data, Document, Store, Where, Write, decide, utc_text
from shared.tokens import BadToken, Tokens

IDEMPOTENCY = "idempotency"
KEEP_KEYS = timedelta(days=2)
log = logging.getLogger(__name__)


class Closed(Exception):
    """Registration is not open; ``phase`` says why: soon, closed or past."""

    def __init__(self, event: EventDefinition, phase: str) -> None:
        super().__init__(phase)
        self.event = event
        self.phase = phase


class AlreadyRegistered(Exception):
    """This address is registered for this event, which does not verify addresses, so saying so tells nothing new."""


class KeyReused(Exception):
    """The idempotency key was used before, with another request."""


class Full(Exception):
    """No seat, and the event keeps no waitlist."""


class BadRequest(Exception):
    """Faulty fields that only the event can tell: messages by field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


class NotPossible(Exception):
    """The registration's state does not allow this any more."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a request to register. For an event that verifies addresses it is the same whether or not the
    address was registered before."""

    reference: str
    state: str
    manage_token: str | None  # None where only the mail may carry the personal link


class Registrations:
    """The slice's service. Thread-safe.

    Args:
        base_url: the public origin, for the links in events.
    """

    def __init__(self, store: Store, clock: Clock, tokens: Tokens, base_url: str) -> None:
        self._store = store
        self._clock = clock
        self._tokens = tokens
        self.events = Catalogue(store)
        self.seats = seats.Seats(store)
        self._compose = messages.Composer(tokens, base_url)

    # -- register --

    def register(self, event_id: str, request: RegistrationRequest, idempotency_key: str | None = None) -> Receipt:
        """Register one person, once.

        Raises:
            EventNotFound, Closed, Full, AlreadyRegistered, KeyReused
            BadRequest: category or answers do not fit the event.
            Unavailable: nothing was stored, or the same call will find it stored.
        """
        now = self._clock.now()
        event = self.events.get(event_id)
        phase = event.phase(now)
        if phase != "open":
            raise Closed(event, phase)
        answers = _fitting(event, request)
        key = _Key.of(event_id, request, idempotency_key) if idempotency_key else None

        def attempt() -> Receipt:
            registration, claims = self._newcomer(event, request, answers, now)
            receipt = self._receipt(event, registration)
            announcement = self._announce(event, registration, now)
            writes: list[Write] = [
                Create(REGISTRATIONS, registration.reference, stored(registration)),
                Create(PERSONS, key_of(event.id, request.person), {"reference": registration.reference}),
                *claims,
                announcement,
            ]
            if key:
                writes.append(key.claim(receipt, now))
            try:
                self._store.commit(writes)
            except Conflict:
                self.seats.forget(event.capacities())
                earlier = self._earlier(event, request, key, now)
                if earlier is None:
                    raise
                return earlier
            fields = {"event_id": announcement.id, "reference": receipt.reference, "state": receipt.state}
            log.info("registration taken", extra={"fields": fields})
            return receipt

        return decide(attempt, attempts=40)

    def _newcomer(
        self, event: EventDefinition, request: RegistrationRequest, answers: Data, now: datetime
    ) -> tuple[Registration, list[Write]]:
        """A new registration in the state that it gets, and the writes that claim its seat or its place in line."""
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
        claims = self._seat_or_queue(event, registration, now)
        return registration, claims

    def _seat_or_queue(self, event: EventDefinition, registration: Registration, now: datetime) -> list[Write]:
        """Claim a seat for ``registration``; where there is none, put it into the waitlist (unless it is unverified:
        then it stays without a seat until it is verified). Changes ``registration`` accordingly."""
        pools = event.pools(event.category_of(registration.category))
        gate = None
        claims = self.seats.take(pools, certain=False)
        if claims is None and registration.state != "unverified":
            gate = seats.gate_reading(self._store, event, registration.category)
            claims = self.seats.take(pools)  # what was freed before the gate was read is seen now
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

    def _earlier(
        self, event: EventDefinition, request: RegistrationRequest, key: _Key | None, now: datetime
    ) -> Receipt | None:
        """What an earlier request that this one repeats was answered; None where there was none."""
        if key and (used := self._store.get(IDEMPOTENCY, key.id)):
            return key.replayed(used)
        claim = self._store.get(PERSONS, key_of(event.id, request.person))
        known = claim and self.find(claim.data["reference"])
        if not known:
            return None
        if not event.verify_email:
            raise AlreadyRegistered(event.id)
        # Only the address's owner learns of it, by mail, at most once an hour.
        payload = self._compose.repeated(event, known)
        notice = outbox_row(SOURCE, payload, now, f"repeated:{known.reference}:{now:%Y%m%d%H}")
        receipt = Receipt(new_reference(), "unverified", None)
        try:
            self._store.commit([notice, *([key.claim(receipt, now)] if key else [])])
        except Conflict:
            if key and (used := self._store.get(IDEMPOTENCY, key.id)):
                return key.replayed(used)
            if key:
                self._store.commit([key.claim(receipt, now)])
        return receipt

    def _receipt(self, event: EventDefinition, registration: Registration) -> Receipt:
        manage = None if event.verify_email else self._compose.manage_token(registration.reference)
        return Receipt(registration.reference, registration.state, manage)

    # -- the personal link --

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
                claims = self._seat_or_queue(event, registration, now)
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

    def position(self, registration: Registration) -> int:
        """The place in its category's waitlist, from 1."""
        before: Where = ("waitlisted_at", "<", registration.waitlisted_at)
        return 1 + self._store.count(REGISTRATIONS, *in_line(registration.event, registration.category), before)

    # -- for pages and the desk --

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

    def find(self, reference: str) -> Registration | None:
        document = self._store.get(REGISTRATIONS, reference)
        return registration_of(document) if document else None

    def of_event(self, event_id: str, state: State, after: Cursor | None, limit: int) -> list[Registration]:
        """One page of an event's registrations in a state, the oldest first; the cursor is (created_at, reference)."""
        where: list[Where] = [("event", "==", event_id), ("state", "==", state)]
        page = self._store.query(REGISTRATIONS, *where, order="created_at", after=after, limit=limit)
        return [registration_of(document) for document in page]

    # -- inside --

    def _announce(self, event: EventDefinition, registration: Registration, now: datetime) -> Create:
        match registration.state:
            case "unverified":
                payload = self._compose.received(event, registration)
            case "confirmed":
                payload = self._compose.confirmed(event, registration)
            case _:
                payload = self._compose.waitlisted(event, registration, self.position(registration))
        return outbox_row(SOURCE, payload, now)

    def _required(self, reference: str) -> Registration:
        registration = self.find(reference)
        if registration is None:
            raise BadToken("this registration was erased")
        return registration


@dataclass(frozen=True)
class _Key:
    """An Idempotency-Key (draft-ietf-httpapi-idempotency-key-header) for one event."""

    id: str
    fingerprint: str

    @classmethod
    def of(cls, event: str, request: RegistrationRequest, key: str) -> _Key:
        body = json.dumps(request.model_dump(), sort_keys=True)
        return cls(key_of("registration", event, key), key_of(body))

    def claim(self, receipt: Receipt, now: datetime) -> Create:
        answer = {"reference": receipt.reference, "state": receipt.state, "manage_token": receipt.manage_token}
        expires = utc_text(now + KEEP_KEYS)
        return Create(IDEMPOTENCY, self.id, {"fingerprint": self.fingerprint, "answer": answer, "expire_at": expires})

    def replayed(self, used: Document) -> Receipt:
        if used.data["fingerprint"] != self.fingerprint:
            raise KeyReused(self.id)
        return Receipt(**used.data["answer"])


def _fitting(event: EventDefinition, request: RegistrationRequest) -> Data:
    """The answers in their stored form. Raises ``BadRequest``."""
    answers, errors = check_answers(event, request.answers)
    found = {f"answers.{id}": message for id, message in errors.items()}
    if event.category(request.category) is None:
        found["category"] = messages.unknown_category(event)
    if found:
        raise BadRequest(found)
    return answers

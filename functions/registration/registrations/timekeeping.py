"""What time does to registrations: unverified ones expire, returned seats are given on, reminders fall due."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from datetime import datetime

from functions.registration.errors import EventNotFound
from functions.registration.events.models import EventDefinition
from functions.registration.events.repository import EVENTS, Catalogue, definition, stored
from functions.registration.registrations import coming, seats, states
from functions.registration.registrations.documents import (
    REGISTRATIONS,
    SOURCE,
    changing,
    ending,
    in_line,
    registration_of,
    returning,
    tallied,
)
from functions.registration.registrations.models import Registration
from functions.registration.registrations.notices import Composer
from functions.registration.registrations.tallies import Tallies
from functions.registration.registrations.tally_changes import change
from shared.contracts.bus_events import outbox_row
from shared.ports import (
    Clock,
    Conflict,
    Create,
    Cursor,
    Data,
    Delete,
    Document,
    Replace,
    Store,
    Where,
    Write,
    decide,
    utc_text,
)

REMINDERS = "reminders"
PAGE = 100


class Timekeeper:
    """Run by the clock tick and by ``registration.seats_released``. Every step is one commit, so a crash between two
    leaves nothing half done, and whoever comes next goes on from there."""

    def __init__(self, store: Store, clock: Clock, events: Catalogue, free: seats.Seats, compose: Composer) -> None:
        self._store = store
        self._clock = clock
        self._events = events
        self._seats = free
        self._compose = compose
        self._tallies = Tallies(store)

    def tick(self) -> None:
        """Each minute: expire, release, give out seats that came back, remind, add up, tell the desk what is near."""
        self.expire_unverified()
        self.release_holds()
        returned = self._store.query(seats.RETURNED, limit=500)
        for event in {ticket.data["event"] for ticket in returned}:
            with suppress(EventNotFound):  # an import made its seats first and was cut off; the next one goes on
                self.settle(event)
        self.remind()
        self._tallies.fold()
        coming.restate(self._store, self._clock)

    def expire_unverified(self) -> int:
        """End the registrations whose address was not verified in time; returns how many."""
        done = 0
        now = self._clock.now()
        where: list[Where] = [("state", "==", "unverified"), ("verify_by", "<", utc_text(now))]
        while page := self._store.query(REGISTRATIONS, *where, order="verify_by", limit=PAGE):
            for document in page:
                registration = registration_of(document)
                event = self._events.get(registration.event)
                over = event.phase(now) == "past"  # then there is nothing to register for again
                notice = None if over else self._compose.expired(event, registration)
                try:
                    self._store.commit(ending(registration, "expired", notice, now))
                except Conflict:
                    continue  # verified or cancelled this moment
                done += 1
        return done

    def release_holds(self) -> int:
        """Give on the seats that were kept for too long; the registrations can still be verified. Returns how many."""
        done = 0
        now = self._clock.now()
        where: list[Where] = [("state", "==", "unverified"), ("held_until", "<", utc_text(now))]
        while page := self._store.query(REGISTRATIONS, *where, order="held_until", limit=PAGE):
            for document in page:
                registration = registration_of(document)
                returned = returning(registration, now)
                try:
                    self._store.commit([changing(registration), *returned])
                except Conflict:
                    continue  # verified or cancelled this moment
                done += 1
        return done

    # -- the waitlist --

    def settle(self, event_id: str) -> int:
        """Give returned seats to the waitlist in its order, the rest to newcomers; returns how many were promoted.

        Once the event has begun nobody is promoted. Raises ``EventNotFound``.
        """
        promoted = 0

        def step() -> int | None:
            gates = seats.gates_reading(self._store, event_id)  # before all that is decided by
            document = self._events.read(event_id)
            returned = self._store.query(seats.RETURNED, ("event", "==", event_id), limit=PAGE)
            return self._settle_step(document, returned, gates)

        while (more := decide(step, attempts=20)) is not None:
            promoted += more
        return promoted

    def _settle_step(self, document: Document, returned: list[Document], gates: list[Document | str]) -> int | None:
        """Withdraw a ticket that is one too many, else promote one person, else free what nobody waits for.

        Returns how many were promoted; None where there was nothing to do.
        """
        event, now = definition(document), self._clock.now()
        by_pool = {ticket.data["pool"]: ticket for ticket in returned}
        if any(seats.withdraw(self._store, ticket) for ticket in by_pool.values()):
            return 0
        for registration in self._first_in_line(event) if now < event.promotes_until else []:
            pools = event.pools(event.category_of(registration.category))
            claims = self._claims_for(pools, by_pool)
            if claims is None:
                continue
            states.promoted(registration, pools, now)
            notice = self._compose.confirmed(event, registration, from_waitlist=True)
            moved = [seats.move_gate(random.choice(gates)), tallied(event.id, "waitlisted", "confirmed", claims)]
            self._store.commit([changing(registration), *claims, outbox_row(SOURCE, notice, now), *moved])
            return 1
        freed: list[Write] = [Delete(seats.RETURNED, ticket.id, ticket.version) for ticket in returned]
        freed += [Create(seats.SEATS, ticket.id, ticket.data) for ticket in returned]
        if returned:
            freed.append(change(event.id, seats.freed(freed)))
        if event.kept.line_first and len(returned) < PAGE:
            event.kept = event.kept.model_copy(update={"line_first": False})
            freed.append(Replace(EVENTS, document.id, stored(event), document.version))
        if not freed:
            return None
        self._store.commit([*freed, *(seats.move_gate(gate) for gate in gates)])
        return 0

    def _first_in_line(self, event: EventDefinition) -> list[Registration]:
        """The first of each waitlist, in the order in which they came."""
        heads: list[Registration] = []
        for line in event.lines:
            page = self._store.query(REGISTRATIONS, *in_line(event.id, line), order="waitlisted_at", limit=1)
            heads += [registration_of(document) for document in page]
        return sorted(heads, key=lambda r: (r.waitlisted_at or "", r.reference))

    def _claims_for(self, pools: list[str], returned: dict[str, Document]) -> list[Write] | None:
        """Writes that take a returned ticket of each pool, or a free one where there is none."""
        claims: list[Write] = [
            Delete(seats.RETURNED, returned[p].id, returned[p].version) for p in pools if p in returned
        ]
        missing = [pool for pool in pools if pool not in returned]
        self._seats.forget(missing)
        more = self._seats.take(missing)
        return None if more is None else claims + more

    # -- reminders --

    def remind(self, seconds: float = 40.0) -> int:
        """Announce the reminders that are due, for about so many seconds; the next tick goes on from the checkpoint.

        Returns how many people are reminded. A tick that took longer than the push may would be pushed again.
        """
        now, stop = self._clock.now(), time.monotonic() + seconds
        announced = 0
        for event in self._events.upcoming(now):
            if owed := event.reminder_owed(now):
                announced += self._remind(event, *owed, stop)
        return announced

    def _remind(self, event: EventDefinition, before: str, due_at: datetime, stop: float) -> int:
        """Page through the confirmed people; the checkpoint moves in the same commit as the page's announcements."""
        id = f"{event.id}:{before}:{utc_text(event.starts_at)}"
        announced = 0

        def page() -> bool:
            nonlocal announced
            known = self._store.get(REMINDERS, id)
            state: Data = known.data if known else {"after": None, "done": False}
            if state["done"]:
                return False
            after: Cursor | None = (state["after"][0], state["after"][1]) if state["after"] else None
            where: list[Where] = [("event", "==", event.id), ("state", "==", "confirmed")]
            people = self._store.query(REGISTRATIONS, *where, order="created_at", after=after, limit=PAGE)
            reached = list(people[-1].cursor("created_at")) if people else state["after"]
            moved = {"after": reached, "done": len(people) < PAGE}
            checkpoint = Replace(REMINDERS, id, moved, known.version) if known else Create(REMINDERS, id, moved)
            rows = [self._reminder(event, before, id, person) for person in people if _in_time(person, due_at)]
            self._store.commit([checkpoint, *rows])
            announced += len(rows)
            return not moved["done"]

        while decide(page) and time.monotonic() < stop:
            pass
        return announced

    def _reminder(self, event: EventDefinition, before: str, checkpoint: str, person: Document) -> Create:
        payload = self._compose.reminder(event, registration_of(person), before)
        return outbox_row(SOURCE, payload, self._clock.now(), f"reminder:{checkpoint}:{person.id}")


def _in_time(person: Document, due_at: datetime) -> bool:
    """Whether the person had a seat already when the reminder fell due."""
    return bool(person.data["confirmed_at"] < utc_text(due_at))

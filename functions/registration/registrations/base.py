"""What the parts of the service share: the platform, the events, and registrations by their reference."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from functions.registration.events.models import Category, EventDefinition
from functions.registration.events.repository import Catalogue
from functions.registration.registrations import notices, seats
from functions.registration.registrations.documents import REGISTRATIONS, SOURCE, in_line, registration_of
from functions.registration.registrations.models import Place, Registration
from functions.registration.registrations.placing import Placing
from shared.contracts.bus_events import Payload, outbox_row
from shared.keys.tokens import Tokens
from shared.ports import MAX_COUNTED, Clock, Create, Store, Where

Availability = Literal["unlimited", "seats", "full"]
"""Of seats for newcomers: without a limit, some (a moment ago), or none: they wait in line, where there is one."""


MAX_AHEAD = 200  # in line: how far people are counted who wait before somebody


class Base:
    """
    Args:
        base_url: the public origin, for the links in events.
    """

    def __init__(self, store: Store, clock: Clock, tokens: Tokens, base_url: str) -> None:
        self._store = store
        self._clock = clock
        self._tokens = tokens
        self.events = Catalogue(store)
        self.seats = seats.Seats(store)
        self._placing = Placing(store, self.events, self.seats)
        self._compose = notices.Composer(tokens, base_url)

    def find(self, reference: str) -> Registration | None:
        """None where there is none. Whether the asker may see it is the caller's to know."""
        document = self._store.get(REGISTRATIONS, reference)
        return registration_of(document) if document else None

    def position(self, registration: Registration) -> Place:
        """The place in its category's waitlist; nobody counts all of a long one for whoever waits at its end."""
        event = self.events.get(registration.event)
        mine = event.category_of(registration.category)
        lines = [line for line in event.lines if event.category_of(line) == mine]
        before: Where = ("waitlisted_at", "<", registration.waitlisted_at)
        ahead = 0
        for line in lines:
            ahead += self._store.count(REGISTRATIONS, *in_line(event.id, line), before, at_most=MAX_AHEAD - ahead)
        return Place(ahead + 1, exact=ahead < MAX_AHEAD)

    def seats_left(self, event: EventDefinition, category: Category | None = None) -> int | None:
        """Free seats for a category, or for anybody; None where there is no limit. At most two seconds old, exact below
        ``MAX_COUNTED``, which says that there are at least so many."""
        left = seats.seats_left(event, category, self.seats.left)
        return None if left is None else min(left, MAX_COUNTED)

    def availability(self, event: EventDefinition, category: Category) -> Availability:
        """``unlimited`` where no limit holds for the category; as fresh as ``seats_left``."""
        left = self.seats_left(event, category)
        return "unlimited" if left is None else "seats" if left else "full"

    def _verification(self, event: EventDefinition, registration: Registration) -> Payload:
        """The mail that asks to verify, which says what there is to be had."""
        category = event.category_of(registration.category)
        full = event.waitlist and not registration.pools and self.availability(event, category) == "full"
        return self._compose.received(event, registration, full)

    def _announce(self, event: EventDefinition, registration: Registration, now: datetime) -> Create:
        payload: Payload
        match registration.state:
            case "unverified":
                payload = self._verification(event, registration)
            case "confirmed":
                payload = self._compose.confirmed(event, registration)
            case _:
                payload = self._compose.waitlisted(event, registration, self.position(registration))
        return outbox_row(SOURCE, payload, now)

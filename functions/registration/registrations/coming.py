"""The events that are near, for the desk's page Today (``shared.staff.waiting``)."""

from __future__ import annotations

from datetime import timedelta

from functions.registration.events.repository import EVENTS, definition
from functions.registration.registrations.seats import seats_left
from functions.registration.registrations.tallies import Tallies
from shared.ports import Clock, Store, utc_text
from shared.staff import waiting

NEAR, LONGEST = timedelta(days=14), timedelta(days=7)  # until it begins; since it began
MAX_TOLD = 50


def restate(store: Store, clock: Clock) -> None:
    """Tell of the events that begin soon or have begun and are not over, with how full they are; the next first."""
    now = clock.now()
    found = store.query(
        EVENTS,
        ("starts_at", ">", utc_text(now - LONGEST)),
        ("starts_at", "<", utc_text(now + NEAR)),
        order="starts_at",
        limit=MAX_TOLD,
    )
    near = [event for event in map(definition, found) if event.ends_at > now]
    counts = Tallies(store).of([event.id for event in near]) if near else {}
    entries = [
        waiting.Entry(
            kind="event",
            path=f"/desk/events/{event.id}",
            organisations=list(event.organisations),
            title=event.title,
            starts_at=event.starts_at,
            confirmed=counts[event.id]["confirmed"],
            waitlisted=counts[event.id]["waitlisted"],
            left=seats_left(event, None, counts[event.id].__getitem__),
        )
        for event in near
    ]
    waiting.restate(store, "registration", entries)

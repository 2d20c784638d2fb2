"""A hall of 20,000 seats with a quota: all but 400 are taken, and more people than that come for the rest at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

from benchmarks.stores import PROCESSES, THREADS, Work, crowd, fill, insist, open_store
from functions.registration.events.models import EventDefinition
from functions.registration.events.repository import EVENTS, stored
from functions.registration.registrations.models import RegistrationRequest
from functions.registration.registrations.seats import POOLS, SEATS, ticket
from functions.registration.registrations.service import Registrations
from shared.adapters.clock import SystemClock
from shared.keys.tokens import Tokens
from shared.ports import Create, Replace, Store, utc_text

SEATS_IN_ALL = 20_000
LEFT = 400
PEOPLE = 480


def hall(seats: int = SEATS_IN_ALL) -> EventDefinition:
    starts = datetime.now(UTC) + timedelta(days=60)
    return EventDefinition.model_validate(
        {
            "id": "hall",
            "title": "A hall",
            "summary": "For measuring.",
            "organiser": "onestop",
            "organisations": ["who"],
            "contact_email": "bench@onestop.example",
            "mode": "in_person",
            "location": "Geneva",
            "timezone": "Europe/Zurich",
            "starts_at": starts,
            "ends_at": starts + timedelta(hours=8),
            "seats": seats,
            "categories": [{"id": "delegation", "name": "Delegation", "seats": seats}],
            "verify_email": False,
        }
    )


def person(name: str) -> RegistrationRequest:
    return RegistrationRequest.model_validate(
        {
            "given_name": "Amina",
            "family_name": name,
            "email": f"{name}@health.example",
            "country": "SN",
            "organisation": "Ministry of Health",
            "category": "delegation",
            "language": "fr",
            "consent": True,
        }
    )


def registrations(number: int) -> list[Create]:
    """Documents of people who are confirmed already, as the slice stores them."""
    data = person("person").model_dump(exclude={"consent"}) | {"event": "hall", "state": "confirmed", "answers": {}}
    data |= {"pools": [], "sequence": 0}
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    found = []
    for n in range(number):
        at = utc_text(begin + timedelta(seconds=n))
        own = {"reference": f"R{n:07}", "email": f"p{n}@health.example", "created_at": at, "confirmed_at": at}
        found.append(Create("registrations", f"R{n:07}", data | own))
    return found


def prepare(store: Store) -> None:
    event = hall()
    store.commit([Replace(EVENTS, event.id, stored(event), None)])
    for pool, capacity in event.capacities().items():
        known = {"event": event.id, "wanted": capacity, "issued": capacity, "filled": True}
        store.commit([Replace(POOLS, pool, known, None)])
        fill(store, (ticket(SEATS, event.id, pool) for _ in range(LEFT)))
    fill(store, registrations(SEATS_IN_ALL - LEFT))


def visitors(store: Store) -> Work:
    service = Registrations(store, SystemClock(None), Tokens(["bench"]), "https://onestop.example")

    def work(store: Store, thread: int) -> None:
        for n in range(PEOPLE // (PROCESSES * THREADS) + 1):
            insist(partial(_register, service, f"visitor-{thread}-{n}"))

    return work


def _register(service: Registrations, name: str) -> None:
    service.register("hall", person(name))


def report(engine: str, place: str) -> None:
    store = open_store(place)
    prepare(store)
    seconds, n = crowd(place, visitors)
    people = (PEOPLE // (PROCESSES * THREADS) + 1) * PROCESSES * THREADS
    where = ("event", "==", "hall")
    seated, waiting = (store.count("registrations", where, ("state", "==", s)) for s in ("confirmed", "waitlisted"))
    left = store.count(SEATS)
    print(f"\nThe last {LEFT} of {SEATS_IN_ALL} seats on {engine}: {people} people, {PROCESSES} x {THREADS} threads\n")
    print("registrations/s  conflicts/claim  commits  reading calls  documents read  confirmed  waitlisted  free")
    print(
        f"{people / seconds:15.0f} {n['conflicts'] / people:16.2f} {n['commits'] / people:8.2f}"
        f" {n['asked'] / people:14.2f} {n['read'] / people:15.2f} {seated:10} {waiting:11} {left // 2:5}"
    )
    assert seated == SEATS_IN_ALL, f"{seated} confirmed for {SEATS_IN_ALL} seats"
    assert waiting == people - LEFT, f"{waiting} in the line of {people - LEFT}"

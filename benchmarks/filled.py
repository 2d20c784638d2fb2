"""Stores with many registrations of one event and many inquiries of one organisation, as the slices keep them."""

from __future__ import annotations

import itertools
import random
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from benchmarks.hall import hall
from functions.inquiries import toml_files
from functions.inquiries.audit import AUDIT, AuditEntry
from functions.inquiries.casework.case import ASSIGNMENTS, INQUIRIES, MESSAGES, assignment_id
from functions.inquiries.casework.models import Assignment, Inquiry, MessageDoc, Requester
from functions.inquiries.casework.recipients import LINK_PURPOSE
from functions.inquiries.casework.search_terms import terms_of
from functions.inquiries.casework.weeks import WeekTallies
from functions.registration.events.models import EventDefinition
from functions.registration.events.repository import EVENTS
from functions.registration.events.repository import stored as stored_event
from functions.registration.registrations import seats
from functions.registration.registrations.documents import PERSONS, REGISTRATIONS, person_id, stored
from functions.registration.registrations.models import Registration
from functions.registration.registrations.notices import MANAGE
from functions.registration.registrations.tallies import Tallies
from shared import settings, topology
from shared.adapters.clock import SystemClock
from shared.adapters.embedded.store import SqliteStore
from shared.contracts.registration import State
from shared.keys.ids import new_reference
from shared.keys.links import Link
from shared.keys.tokens import Tokens
from shared.ports import Create, Replace, json_text, utc_text
from shared.staff.directory import StaffDirectory

FULL, OPEN = "bench-full", "bench-open"
EVENTS_IN_LIST = 25
SEATED, WAITING = 0.5, 0.4  # shares of an event's registrations; the rest has ended
FREE = 0.2  # free seats of the other event, beside them
YEARS = 2  # that the inquiries took to come
WAITS = 300  # inquiries that wait for an answer, of each size: the desk's first page is full everywhere
ME = "noor.haddad@who.example"
STAFF = (ME, "lucas.ferreira@who.example", "amara.diallo@who.example", "li.wen@who.example")
WORDS = 20  # of a message
BATCH = 5_000  # documents of one transaction


@dataclass
class Filled:
    """What is in a store that somebody asks for. ``people``: references of confirmed people by when they registered."""

    folder: Path
    cookie: str = ""
    people: list[str] = field(default_factory=list)
    last_in_line: str = ""
    inquiries: list[str] = field(default_factory=list)

    @property
    def store(self) -> SqliteStore:
        return SqliteStore(self.folder / "store.db", topology.load().store)

    def _tokens(self) -> Tokens:
        return Tokens(settings.from_environment({"ONESTOP_DATA": str(self.folder)}).secret_keys)

    def personal(self, reference: str) -> str:
        return f"/r/{Link(reference).token(self._tokens(), MANAGE)}"

    def status(self, reference: str) -> str:
        return f"/i/{Link(reference).token(self._tokens(), LINK_PURPOSE)}"


def fill(folder: Path, registrations: int, inquiries: int) -> Filled:
    """A new store in ``folder``."""
    filled = Filled(folder)
    store = filled.store
    store._database.read("PRAGMA cache_size = -500000")  # KiB, for this thread
    toml_files.import_into(store, toml_files.read(toml_files.sample_files()), datetime.now(UTC))
    filled.cookie = session(folder)
    _fill_events(store, registrations)
    _write(store, _registrations(filled, registrations))
    tallies = Tallies(store)
    for document in store.query(EVENTS):
        tallies.build(document.id)
    _write(store, _inquiries(filled, inquiries))
    clock = SystemClock(None)
    for organisation in StaffDirectory(store, clock).organisations.values():
        WeekTallies(store, clock).build(organisation.id, ZoneInfo(organisation.timezone))
    return filled


def session(folder: Path) -> str:
    """The cookie of a member of staff who is signed in."""
    id, now = secrets.token_hex(16), datetime.now(UTC)
    here = settings.from_environment({"ONESTOP_DATA": str(folder)})
    data = {"email": ME, "created_at": utc_text(now), "seen_at": utc_text(now)}
    data["expire_at"] = utc_text(now + timedelta(hours=2))
    SqliteStore(folder / "store.db", topology.load().store).commit([Create("sessions", id, data)])
    return f"desk={Tokens((), here.desk_keys).sign('desk.session', id)}"


def words(chance: random.Random, count: int) -> str:
    """As in a language: a few words are frequent, most are rare."""
    return " ".join(f"word{min(int(chance.paretovariate(0.6)), 9999)}" for _ in range(count))


def _write(store: SqliteStore, writes: Iterable[Create]) -> None:
    """As the store commits, but many at once and without waiting for the disk."""
    rest = iter(writes)
    while batch := list(itertools.islice(rest, BATCH)):
        for collection in {write.collection for write in batch}:
            store._table(collection)
        with store._database.transaction(lasting=False) as db:
            for write in batch:
                store._write(db, write, json_text(write.data))


# -- registrations --


def _fill_events(store: SqliteStore, registrations: int) -> None:
    """One that is full, one with free seats, and others that make a page of the desk's list."""
    names = [FULL, OPEN, *(f"bench-{number}" for number in range(EVENTS_IN_LIST - 2))]
    free = {FULL: 0, OPEN: int(registrations * FREE)}
    for name in names:
        taken = int(registrations * SEATED) if name == FULL else 0
        event = hall(taken + free.get(name, 20)).model_copy(update={"id": name, "title": {"en": name}})
        store.commit([Create(EVENTS, event.id, stored_event(event))])
        for pool, capacity in event.capacities().items():
            known = {"event": event.id, "wanted": capacity, "issued": capacity, "filled": True}
            store.commit([Replace(seats.POOLS, pool, known, None)])
            _write(store, (seats.ticket(seats.SEATS, event.id, pool) for _ in range(capacity - taken)))


def _registrations(filled: Filled, count: int) -> Iterator[Create]:
    """In the order in which they came: those with seats, those who wait, those who have ended."""
    event, begin = hall(1).model_copy(update={"id": FULL}), datetime.now(UTC) - timedelta(days=30)
    for number in range(count):
        share = number / count
        state: State = "confirmed" if share < SEATED else "waitlisted" if share < SEATED + WAITING else "cancelled"
        one = _registration(event, state, number, utc_text(begin + timedelta(seconds=20 * number)))
        yield Create(REGISTRATIONS, one.reference, stored(one))
        if state != "cancelled":
            yield Create(PERSONS, person_id(event.id, one.email), {"reference": one.reference})
        if state == "confirmed":
            filled.people.append(one.reference)
        elif state == "waitlisted":
            filled.last_in_line = one.reference


def _registration(event: EventDefinition, state: State, number: int, at: str) -> Registration:
    return Registration(
        reference=new_reference(),
        event=event.id,
        state=state,
        category="delegation",
        given_name="Amina",
        family_name=f"Diallo {number}",
        email=f"first.{number}@health.example",
        country="SN",
        organisation="Ministry of Health",
        language="fr",
        answers={},
        pools=event.pools(event.categories[0]) if state == "confirmed" else [],
        created_at=at,
        waitlisted_at=at if state == "waitlisted" else None,
        confirmed_at=at if state == "confirmed" else None,
        ended_at=at if state == "cancelled" else None,
    )


# -- inquiries --


def _inquiries(filled: Filled, count: int) -> Iterator[Create]:
    chance, now = random.Random(3), datetime.now(UTC)
    topics = list(toml_files.read(toml_files.sample_files()).items["topics"])
    for number in range(count):
        reference, waits = new_reference(), number < WAITS
        received = now - timedelta(days=(5 if waits else 365 * YEARS) * chance.random())
        text = words(chance, WORDS)
        inquiry = _inquiry(chance, topics, received, waits)
        part = _part(chance, reference, inquiry, waits, text)
        asked = _message(reference, inquiry.requester.name, received, text)
        yield Create(INQUIRIES, reference, inquiry.data())
        yield Create(MESSAGES, f"{reference}:request", asked.data())
        yield Create(ASSIGNMENTS, assignment_id(reference, "who"), part.data())
        routed = AuditEntry(time=received, inquiry=reference, actor="system", organisation=None, action="route")
        yield Create(AUDIT, secrets.token_hex(12), routed.data())
        filled.inquiries.append(reference)


def _inquiry(chance: random.Random, topics: list[str], received: datetime, waits: bool) -> Inquiry:
    requester = Requester(
        given_name="Amina",
        family_name=f"Name{chance.randrange(5000)}",
        email=f"person{chance.randrange(20_000)}@health.example",
        country=chance.choice(["SN", "KE", "BR", "IN"]),
        organisation=f"Ministry{chance.randrange(300)}",
        type="government",
    )
    return Inquiry(
        state="assigned" if waits else chance.choice(["answered", "closed", "closed", "closed"]),
        requester=requester,
        topics=chance.sample(topics, 2),
        activity=None,
        subject=words(chance, 6),
        language="en",
        share_with="all",
        received_at=received,
        updated_at=received,
        visible_to=["who"],
        lead="who",
        answered_at=None if waits else received + timedelta(hours=chance.randrange(1, 60)),
    )


def _part(chance: random.Random, reference: str, inquiry: Inquiry, waits: bool, text: str) -> Assignment:
    received = inquiry.received_at
    due = received + timedelta(days=3)
    return Assignment(
        inquiry=reference,
        organisation="who",
        part=chance.choice(["lead", "supporting"]),
        queue="general",
        assignee=chance.choice(STAFF),
        target_hours=16,
        remind_at=received + timedelta(days=2),
        due_at=due,
        clock="running" if waits else "stopped",
        next_at=due if waits else None,
        late=waits and chance.random() < 0.3,
        state=inquiry.state,
        subject=inquiry.subject,
        requester=inquiry.requester.name,
        country=inquiry.requester.country,
        language="en",
        topics=inquiry.topics,
        received_at=received,
        updated_at=received,
        answered_at=inquiry.answered_at,
        terms=terms_of(reference, inquiry, text),
    )


def _message(reference: str, author: str, at: datetime, text: str) -> MessageDoc:
    return MessageDoc(inquiry=reference, at=at, kind="request", author=author, email="person@health.example", text=text)

"""What must hold, by name: looked at in every commit and every mail, and when a world has come to rest.

NO-LOSS         what was answered with success, or announced, ends in a final state, with its mails
ONCE            one effect, one route, one owed mail for each
SAME-ID-SAME-BYTES   two mails with one Message-ID are one mail
COPIES          no more copies of a mail than crashes between the relay's answer and our record, and lapsed leases
SEATS           free + held + returned = issued, for each pool, at every commit; at rest as many as wanted
NO-JUMP         nobody gets a seat before somebody who waits for the same
NO-IDLE         at rest nobody waits while there is a seat
CONFINED        no mail and no list shows a confined inquiry to another organisation
QUIET           when faults end, so does the work
REPLAY-NEUTRAL  delivering everything once more changes nothing
MAILS-AGREE     the last that a person was told is the state that they are in
TALLIES-AGREE   the desk is told as many registrations in each state, free seats, and inquiries and answers of each week
                as there are
NO-ERROR        nothing fails in a way that nobody foresaw
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from functions.inquiries.casework import weeks
from functions.inquiries.casework.case import ASSIGNMENTS, INQUIRIES, MESSAGES
from functions.notification.deliveries.service import DELIVERIES, LEASE, SUPPRESSIONS
from functions.notification.mails.composers import mails_for
from functions.registration.events.models import EventDefinition
from functions.registration.events.repository import EVENTS, definition
from functions.registration.registrations import holds, seats, timekeeping
from functions.registration.registrations.documents import PERSONS, REGISTRATIONS, person_id, registration_of
from functions.registration.registrations.models import Registration
from shared.contracts.bus_events import OUTBOX, message, parse
from shared.contracts.registration import RegisteredAgain
from shared.formats.addresses import address_key
from shared.ports import Create, Data, Delete, Document, Where, Write, utc_text
from shared.staff import unreachable
from tests.simulation import content
from tests.simulation.memory import Change, Sent
from tests.simulation.scheduler import Process

if TYPE_CHECKING:
    from tests.simulation.world import Slices, World

SEATED = ("unverified", "confirmed")
NEVER = "~"  # lapses a lease that is none
FINAL = ("sent", "failed", "suppressed", "merged")
TELLS = {  # the state that a bus event tells its person of
    "registration.received": "unverified",
    "registration.confirmed": "confirmed",
    "registration.waitlisted": "waitlisted",
    "registration.cancelled": "cancelled",
    "registration.expired": "expired",
}
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(<[^>]+>)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """What a commit announced."""

    id: str
    number: int
    data: Data

    @property
    def type(self) -> str:
        return str(self.data["type"])

    @property
    def payload(self) -> Data:
        return dict(self.data["data"])


class Books:
    """Keeps what the invariants are about, beside the store and knowing nothing of how the product keeps it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.violations: list[str] = []
        self.commits = 0
        self.rows: dict[str, Row] = {}
        self.links: defaultdict[str, dict[str, str]] = defaultdict(dict)  # the latest, by reference and name
        self.taken: set[str] = set()  # references that somebody was told
        self.promised: set[str] = set()  # addresses of registrations that were answered with success
        self.answers: defaultdict[str, set[str]] = defaultdict(set)  # references by idempotency key
        self._idle: Counter[str] = Counter()  # tickets by pool
        self._held: Counter[str] = Counter()
        self._issued: Counter[str] = Counter()
        self._joined: dict[str, int] = {}  # the commit with which somebody began to wait
        self._confirmed: dict[str, int] = {}  # the commit with which somebody got a seat for good
        self._reminded_from: dict[str, int] = {}  # the commit before which all had to be seen, by checkpoint
        self._bytes: dict[tuple[bytes, str], bytes] = {}
        self._sender: dict[tuple[bytes, str], str] = {}
        self._ids: defaultdict[str, list[bytes]] = defaultdict(list)  # Message-IDs that went out, by delivery
        self._allowed: Counter[str] = Counter()  # second copies that are nobody's fault, by delivery

    def violated(self, name: str, what: str) -> None:
        self.violations.append(f"{name}: {what}")

    # -- at every commit --

    def committed(self, changes: list[Change]) -> None:
        self.commits += 1
        for write, before in changes:
            after = None if isinstance(write, Delete) else write.data
            match write.collection:
                case "outbox" if isinstance(write, Create):
                    self._announced(Row(write.id, self.commits, write.data))
                case "idempotency" if before and after and "answer" in before and "answer" in after:
                    self.violated("ONCE", f"the key {write.id} was answered again")
                case seats.SEATS | seats.RETURNED:
                    self._idle[write.id.rpartition(":")[0]] += (after is not None) - (before is not None)
                case seats.POOLS:
                    self._issued[write.id] = after["issued"] if after else 0
                case timekeeping.REMINDERS if after and after["done"]:
                    running = self._world.scheduler.running
                    self._reminded_from[write.id] = running.began if running else 0
                case "registrations":
                    if after and after["state"] == "confirmed":
                        self._confirmed.setdefault(write.id, self.commits)
                    self._held.update((after or {}).get("pools", ()))
                    self._held.subtract((before or {}).get("pools", ()))
                case "deliveries" if after:
                    self._delivery(write.id, before, after, created=isinstance(write, Create))
        self._check_seats(changes)

    def _check_seats(self, changes: list[Change]) -> None:
        touched = {write.collection for write, _ in changes}
        if touched & {seats.SEATS, seats.RETURNED, seats.POOLS, REGISTRATIONS}:
            for pool, issued in self._issued.items():
                if self._idle[pool] + self._held[pool] != issued:
                    self.violated("SEATS", f"{pool}: {self._idle[pool]} idle and {self._held[pool]} held of {issued}")
            self._check_line(changes)

    def _check_line(self, changes: list[Change]) -> None:
        writes = [write for write, _ in changes]
        changed = [
            (before and _registration(write, before), _registration(write, write.data))
            for write, before in changes
            if write.collection == REGISTRATIONS and not isinstance(write, Delete)
        ]
        too_many = {p.id for p in self._world.store.query(seats.POOLS) if p.data["issued"] > p.data["wanted"]}
        given_on = {w.id.rpartition(":")[0] for w in writes if isinstance(w, Delete) and w.collection == seats.RETURNED}
        freed = {w.id.rpartition(":")[0] for w in writes if isinstance(w, Create) and w.collection == seats.SEATS}
        for pool in freed & too_many:
            self.violated("SEATS", f"freed one too many of {pool}")
        for before, after in changed:
            seated = after.state in SEATED and after.pools and not (before and before.pools)
            if seated and given_on & too_many:
                self.violated("SEATS", f"gave on one too many of {given_on & too_many}")
            if seated or (after.state == "confirmed" and before and before.state == "waitlisted"):
                self._check_jump(before or None, after)
            if after.state == "waitlisted":
                self._joined.setdefault(after.reference, self.commits)

    def _check_jump(self, before: Registration | None, after: Registration) -> None:
        """Whether somebody waits in the same line since before the process began, and came first."""
        event, process = self.event(), self._world.scheduler.running
        if event is None or after.pools != event.pools(event.category_of(after.category)):
            return  # by a definition that was in force a moment ago
        began, promoted = process.began if process else 0, before and before.state == "waitlisted"
        place = (after.waitlisted_at or "", after.reference)
        for other in self.registrations("waitlisted"):
            earlier = not promoted or (other.waitlisted_at or "", other.reference) < place
            alike = event.category_of(other.category) == event.category_of(after.category)
            since = self._joined.get(other.reference, began)
            if alike and earlier and other.reference != after.reference and since < began:
                self.violated("NO-JUMP", f"{after.given_name} got a seat where {other.given_name} waited")

    # -- mails --

    def _announced(self, row: Row) -> None:
        if row.id in self.rows and ":" not in row.id:  # one that says itself what it tells may come again: it is known
            self.violated("ONCE", f"{row.type} {row.id} was announced again")
        self.rows.setdefault(row.id, row)
        links = {name: link for name, link in row.payload.items() if name.endswith("_link")}
        self.links[row.payload.get("reference", "")].update(links)

    def _delivery(self, id: str, before: Data | None, after: Data, created: bool) -> None:
        process = self._world.scheduler.running
        if created:
            self._check_confined(after)
        if process is None:
            return
        again = before is not None and after["attempts"] > before["attempts"]
        if after["state"] == "queued" and after["attempts"] and (id not in process.leases or again):
            self._unrecorded(process)
            for other in self._world.scheduler.processes:
                if id in other.leases and other is not process and other.job:
                    self._allowed[id] += other.leases[id] <= utc_text(self._world.clock.now())
            is_whole = after["due_at"] >= utc_text(process.began_at + LEASE)
            process.leases[id] = after["due_at"] if is_whole else NEVER
        elif process.unrecorded == id and after["state"] == "sent":
            process.unrecorded = ""

    def sent(self, sent: Sent) -> None:
        process, person = self._world.scheduler.running, address_key(sent.recipient)[:16]
        leased = [id for id in (process.leases if process else ()) if id.endswith(person)]
        delivery = leased[-1] if leased else ""
        found = _MESSAGE_ID.search(sent.message)
        key = (found[1] if found else b"", sent.recipient)
        if self._bytes.setdefault(key, sent.message) != sent.message:
            self.violated("SAME-ID-SAME-BYTES", f"{key[0]!r} to {key[1]}")
        if self._sender.setdefault(key, delivery) != delivery:
            self.violated("ONCE", f"{self._sender[key]} and {delivery} are one mail")
        self._ids[delivery].append(key[0])
        if len(set(self._ids[delivery])) > 1:
            self.violated("ONCE", f"the copies of {delivery} are two mails")
        if len(self._ids[delivery]) > 1 + self._allowed[delivery]:
            self.violated("COPIES", f"{len(self._ids[delivery])} of {delivery}")
        if process:
            process.unrecorded = delivery

    def over(self, process: Process) -> None:
        """What the process was at has ended, in one way or another."""
        self._unrecorded(process)
        process.leases.clear()

    def _unrecorded(self, process: Process) -> None:
        if process.unrecorded:
            self._allowed[process.unrecorded] += 1
        process.unrecorded = ""

    def _check_confined(self, delivery: Data) -> None:
        if not delivery["type"].startswith("inquiry.") or "event" not in delivery:
            return
        inquiry = self._world.store.get(INQUIRIES, delivery["event"]["data"]["reference"])
        if inquiry is None or inquiry.data["share_with"] == "all":
            return
        organisation = next((one.organisation for one in content.staff() if one.email == delivery["recipient"]), None)
        if organisation not in (None, inquiry.data["share_with"]):
            self.violated("CONFINED", f"{delivery['type']} of {inquiry.id} goes to {organisation}")

    # -- at rest --

    def queued(self) -> list[str]:
        """What is still to be done."""
        store = self._world.store
        mails = store.query(DELIVERIES, ("state", "==", "queued"), order="due_at")
        rows = store.query(OUTBOX, limit=1000)
        books = store.query("mailboxes", ("due_at", ">", ""), order="due_at")
        pending = [f"{one.subscription} {one.message.id}" for one in self._world.bus.pending]
        return [*pending, *(f"{one.collection}/{one.id}" for one in (*mails, *rows, *books))]

    def look(self, slices: Slices) -> None:
        self._no_loss()
        self._all_told()
        self._once_each()
        self._latest_language()
        self._staff_told()
        self._seats_at_rest()
        self._tallied(slices)
        self._weeks(slices)
        self._reminded()
        self._inquiries()
        self._lists(slices)
        for key, references in self.answers.items():
            if len(references) > 1:
                self.violated("ONCE", f"{key} was answered with {sorted(references)}")

    def _no_loss(self) -> None:
        """What was promised is there; every announced mail has an end."""
        store = self._world.store
        for reference in self.taken:
            if store.get(REGISTRATIONS, reference) is None and store.get(INQUIRIES, reference) is None:
                self.violated("NO-LOSS", f"{reference} was told to somebody and is not there")
        known = {registration.email for registration in self.registrations("")}
        for address in self.promised - known:
            self.violated("NO-LOSS", f"{address} was told to be registered, and is not")
        states = {one.id: one.data["state"] for one in store.query(DELIVERIES, limit=10_000)}
        for row in self.rows.values():
            sent = message(row.id, row.data)
            event = parse(sent.data, sent.attributes)
            for mail in mails_for(event) if event else ():
                state = states.get(f"{row.id}:{address_key(mail.to.email)[:16]}")
                if state not in FINAL:
                    self.violated("NO-LOSS", f"{row.type} to {mail.to.email} is {state or 'not owed'}")

    def _all_told(self) -> None:
        told: dict[str, Row] = {}
        for row in self.rows.values():
            if row.type in TELLS and row.payload["reference"]:
                told[row.payload["reference"]] = row
        for document in self._world.store.query(REGISTRATIONS, limit=10_000):
            registration = registration_of(document)
            last = told.get(registration.reference)
            says = TELLS[last.type] if last else None
            if says != registration.state and not (registration.state == "expired" and self._is_past(registration)):
                self.violated("MAILS-AGREE", f"{registration.reference} is {registration.state}, and was told {says}")

    def _is_past(self, registration: Registration) -> bool:
        event = self.event()
        return event is None or utc_text(event.ends_at) <= (registration.ended_at or "")

    def _once_each(self) -> None:
        """Whoever is registered is so once, and claims the address."""
        present = [one for state in (*SEATED, "waitlisted") for one in self.registrations(state)]
        for address, count in Counter(one.email for one in present).items():
            if count > 1:
                self.violated("ONCE", f"{address} is registered {count} times")
        claimed = {claim.data["reference"] for claim in self._world.store.query(PERSONS, limit=1000)}
        if claimed != {one.reference for one in present}:
            self.violated("ONCE", "addresses are claimed for others than those who are registered")

    def _latest_language(self) -> None:
        """Until somebody has verified, the latest form says in which language they are written to."""
        asked = [row.data for row in self.rows.values() if row.type == RegisteredAgain.type]
        for one in self.registrations("unverified"):
            mine = [data for data in asked if data["data"]["person"] == person_id(one.event, one.email)]
            later = [data for data in mine if data["time"] > one.created_at]
            latest = max((data["time"] for data in later), default="")
            forms = [data["data"]["language"] for data in later if data["time"] == latest]
            if forms and one.language not in forms:
                self.violated("MAILS-AGREE", f"{one.email} gets {one.language}, and asked for {forms} last")

    def _staff_told(self) -> None:
        """Mail to one of the staff never stops silently."""
        store = self._world.store
        for person in content.staff():
            stopped = store.get(SUPPRESSIONS, address_key(person.email))
            if stopped and "once" not in stopped.data and unreachable.find(store, address_key(person.email)) is None:
                self.violated("NO-LOSS", f"nobody was told that mail to {person.email} stopped")

    def _seats_at_rest(self) -> None:
        event, store = self.event(), self._world.store
        if event is None:
            return
        for pool in store.query(seats.POOLS, limit=1000):
            issued, wanted = pool.data["issued"], pool.data["wanted"]
            if wanted != event.capacities().get(pool.id, 0):
                self.violated("SEATS", f"{pool.id} wants {wanted} where the definition says otherwise")
            if issued < wanted or (issued > wanted and self._idle[pool.id]):
                self.violated("SEATS", f"{pool.id}: {issued} issued ({self._idle[pool.id]} idle), {wanted} wanted")
        noted = sorted(id for registration in self.registrations("unverified") for id in registration.holds)
        stored = sorted(document.id for document in store.query(holds.HOLDS, limit=1000))
        if noted != stored:
            self.violated("SEATS", f"holds {noted} are noted where {stored} are counted")
        if self._world.clock.now() < event.promotes_until:
            self._nobody_waits_for_nothing(event)

    def _tallied(self, slices: Slices) -> None:
        told = slices.registrations.counts([content.EVENT])[content.EVENT]
        found = Counter[str](registration.state for registration in self.registrations(""))
        for pool in self._world.store.query(seats.POOLS, limit=1000):
            found[pool.id] = self._world.store.count(seats.SEATS, ("pool", "==", pool.id))
        for name in told.keys() | found.keys():
            if told[name] != found[name]:
                self.violated("TALLIES-AGREE", f"{told[name]} {name} are told, and there are {found[name]}")

    def _weeks(self, slices: Slices) -> None:
        """Of the last weeks, by what the organisations' parts in inquiries say."""
        clock, store = self._world.clock, self._world.store
        for organisation in slices.inquiries.content.organisations.values():
            tally, zone = weeks.WeekTallies(store, clock), ZoneInfo(organisation.timezone)  # type: ignore[arg-type]
            told = {monday: +counts for monday, counts in tally.of(organisation.id, zone).items()}
            found = {monday: +counts for monday, counts in tally.counted(organisation.id, zone).items()}
            if told != found:
                self.violated("TALLIES-AGREE", f"{organisation.id} is told {told}, and there are {found}")

    def _nobody_waits_for_nothing(self, event: EventDefinition) -> None:
        if event.kept.line_first:
            self.violated("NO-IDLE", "newcomers still wait for the line to have its turn")
        for registration in self.registrations("waitlisted"):
            pools = event.pools(event.category_of(registration.category))
            if all(self._world.store.count(seats.SEATS, ("pool", "==", pool)) for pool in pools):
                self.violated("NO-IDLE", f"{registration.given_name} waits while seats of {pools} are free")

    def _reminded(self) -> None:
        """Who had a seat when a reminder fell due has it, once, while the event is to come."""
        now, event = self._world.clock.now(), self.event()
        reminders = [row.payload for row in self.rows.values() if row.type == "registration.reminder_due"]
        times = Counter((p["reference"], p["before"], p["event"]["starts_at"]) for p in reminders)
        for reminder, count in times.items():
            if count > 1:
                self.violated("ONCE", f"{count} reminders {reminder}")
        if event is None or now >= event.starts_at:
            return
        for checkpoint, began in self._reminded_from.items():
            self._check_reminded(event, checkpoint.split(":")[1], began, times)

    def _check_reminded(
        self, event: EventDefinition, before: str, began: int, times: Counter[tuple[str, str, str]]
    ) -> None:
        since = event.kept.dated_at
        due_at = max(event.reminder_times()[before], since) if since else event.reminder_times()[before]
        reminded = {reference for reference, name, _ in times if name == before}
        for registration in self.registrations("confirmed"):
            in_time = (registration.confirmed_at or "") < utc_text(due_at)
            seen = self._confirmed[registration.reference] < began
            if in_time and seen and registration.reference not in reminded:
                self.violated("NO-LOSS", f"{registration.reference} was not reminded ({before})")

    def _inquiries(self) -> None:
        store = self._world.store
        types = Counter((row.type, row.payload.get("reference")) for row in self.rows.values())
        answers = Counter(m.data["inquiry"] for m in store.query(MESSAGES, ("kind", "==", "answer"), limit=10_000))
        parts = Counter(part.data["inquiry"] for part in store.query(ASSIGNMENTS, limit=10_000))
        for inquiry in store.query(INQUIRIES, limit=10_000):
            if inquiry.data["lead"] is None and not inquiry.data["erased_at"]:
                self.violated("NO-LOSS", f"{inquiry.id} was never routed")
            if types["inquiry.received", inquiry.id] != 1:
                self.violated("ONCE", f"{inquiry.id} was acknowledged {types['inquiry.received', inquiry.id]} times")
            if types["inquiry.answered", inquiry.id] != answers[inquiry.id]:
                self.violated("NO-LOSS", f"of {answers[inquiry.id]} answers to {inquiry.id} some were not announced")
            if sorted(inquiry.data["visible_to"]) != inquiry.data["visible_to"] or (
                parts[inquiry.id] != len(inquiry.data["visible_to"])
            ):
                self.violated("ONCE", f"{inquiry.id} has {parts[inquiry.id]} parts for {inquiry.data['visible_to']}")

    def _lists(self, slices: Slices) -> None:
        """What each organisation's lists show is shared with it."""
        from functions.inquiries.casework.queries import Filter

        for person in content.staff():
            if person.role == "officer":
                for part in slices.inquiries.reading.export(person, Filter()):
                    inquiry = self._world.store.get(INQUIRIES, part.inquiry)
                    shared = inquiry.data["share_with"] if inquiry else "all"
                    if shared not in ("all", person.organisation):
                        self.violated("CONFINED", f"{part.inquiry} is in the list of {person.organisation}")

    # -- what the store has --

    def event(self) -> EventDefinition | None:
        document = self._world.store.get(EVENTS, content.EVENT)
        return definition(document) if document else None

    def registrations(self, state: str) -> list[Registration]:
        """Those in a state; without one, all."""
        where: list[Where] = [("state", "==", state)] if state else []
        found = self._world.store.query(REGISTRATIONS, *where, limit=1000)
        return [registration_of(document) for document in found]


def _registration(write: Write, data: Any) -> Registration:
    return registration_of(Document(REGISTRATIONS, write.id, data, "0"))

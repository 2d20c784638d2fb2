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
from typing import Any

from functions.inquiries.casework.case import INQUIRIES
from functions.notification.deliveries.service import LEASE
from functions.registration.events.models import EventDefinition
from functions.registration.events.repository import EVENTS, definition
from functions.registration.registrations import seats, timekeeping
from functions.registration.registrations.documents import REGISTRATIONS, registration_of
from functions.registration.registrations.models import Registration
from shared.formats.addresses import address_key
from shared.ports import Create, Data, Delete, Document, Where, Write, utc_text
from tests.simulation import content
from tests.simulation.memory import Change, Sent
from tests.simulation.scene import World
from tests.simulation.scheduler import Process

SEATED = ("unverified", "confirmed")
NEVER = "~"  # lapses a lease that is none
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

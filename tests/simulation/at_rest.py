"""What must hold when a world has come to rest."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from functions.inquiries.casework import weeks
from functions.inquiries.casework.case import ASSIGNMENTS, INQUIRIES, MESSAGES
from functions.notification.deliveries.service import DELIVERIES, SUPPRESSIONS
from functions.notification.mails.composers import mails_for
from functions.registration.events.models import EventDefinition
from functions.registration.registrations import holds, seats
from functions.registration.registrations.documents import PERSONS, REGISTRATIONS, person_id, registration_of
from functions.registration.registrations.models import Registration
from shared.contracts.bus_events import OUTBOX, message, parse
from shared.contracts.registration import RegisteredAgain
from shared.formats.addresses import address_key
from shared.ports import utc_text
from shared.staff import unreachable
from tests.simulation import content
from tests.simulation.invariants import SEATED, Books, Row

if TYPE_CHECKING:
    from tests.simulation.scene import Slices

FINAL = ("sent", "failed", "suppressed", "merged")
TELLS = {  # the state that a bus event tells its person of
    "registration.received": "unverified",
    "registration.confirmed": "confirmed",
    "registration.waitlisted": "waitlisted",
    "registration.cancelled": "cancelled",
    "registration.expired": "expired",
}


class AtRest(Books):
    """The books, and what is looked at in them and in the store when faults and work have ended."""

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

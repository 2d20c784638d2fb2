"""An inquiries slice on a store of its own, with the sample content and a clock that a test moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from functions.inquiries import toml_files
from functions.inquiries.casework.models import Assignment, Inquiry, InquiryRequest
from functions.inquiries.casework.queries import View
from functions.inquiries.means import Means
from functions.inquiries.services import Service
from shared import topology
from shared.adapters.embedded.files import FolderFiles
from shared.adapters.embedded.store import SqliteStore
from shared.contracts.bus_events import OUTBOX, BusEvent, Payload, message, parse
from shared.contracts.inquiries import InquiryErased, InquiryReceived
from shared.keys.tokens import Tokens
from shared.ports import Delete, Replace
from shared.staff.models import Staff

AUTHSERV = "mx.onestop.example"  # the provider that verifies senders
MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)  # nine o'clock in Geneva
REQUEST: dict[str, Any] = {
    "given_name": "Wanjiru",
    "family_name": "Kamau",
    "email": "w.kamau@health.example",
    "country": "KE",
    "organisation": "Ministry of Health",
    "requester_type": "government",
    "topics": ["local-production"],
    "subject": "Vaccine plant",
    "message": "How do we begin?",
    "language": "en",
    "consent": True,
}


@dataclass
class SetClock:
    instant: datetime = MONDAY

    def now(self) -> datetime:
        return self.instant

    def pass_(self, **time: float) -> None:
        self.instant += timedelta(**time)


@cache
def samples() -> toml_files.Collected:
    return toml_files.read(toml_files.sample_files())


@dataclass
class World:
    folder: Path
    clock: SetClock = field(default_factory=SetClock)

    def __post_init__(self) -> None:
        self.store = SqliteStore(self.folder / "store.db", topology.load().store)
        self.files = FolderFiles(self.folder / "files")
        self.tokens = Tokens(["key"])
        toml_files.import_into(self.store, samples(), self.clock.now())
        self.service = self.new_service()

    def new_service(self) -> Service:
        """As another process has it."""
        domain = "onestop.example"
        means = Means(self.store, self.files, self.clock, self.tokens, f"https://{domain}", domain, authserv=AUTHSERV)
        return Service(means)

    def person(self, email: str) -> Staff:
        document = self.store.get("staff", email)
        assert document is not None
        return Staff.model_validate(document.data)

    def absent(self, *emails: str, days: int = 1) -> None:
        for email in emails:
            person = self.person(email)
            person.absent_from = self.clock.now().date()
            person.absent_until = person.absent_from + timedelta(days=days - 1)
            self.store.commit([Replace("staff", email, person.data(), None)])

    # -- events --

    def outbox(self) -> list[BusEvent]:
        """What was announced and not taken yet, oldest first."""
        events = []
        for row in self.store.query(OUTBOX, order="time", limit=1000):
            envelope = message(row.id, row.data)
            event = parse(envelope.data, envelope.attributes)
            assert event is not None
            events.append(event)
        return events

    def take(self, *kinds: type[Payload]) -> list[BusEvent]:
        """Announced events of these kinds (all: none given); they leave the outbox."""
        taken = [event for event in self.outbox() if not kinds or isinstance(event.payload, kinds)]
        self.store.commit([Delete(OUTBOX, event.id, None) for event in taken])
        return taken

    def route(self) -> None:
        """Let everything that was received go its way."""
        for event in self.take(InquiryReceived):
            self.store.commit(self.service.routing.on_received(event))

    # -- inquiries --

    def erase(self, reference: str, asked_by: str, done_by: str, reason: str = "no longer needed") -> None:
        """Two people of the lead do it, and what follows from it is done."""
        endings = self.service.endings
        for email, step in ((asked_by, endings.propose_erasure), (done_by, endings.erase)):
            arguments = (reason,) if email == asked_by else ()
            step(self.person(email), reference, self.view(email, reference).version, *arguments)
        for event in self.take(InquiryErased):
            self.store.commit(self.service.endings.on_erased(event))

    def receive(self, *, key: str | None = None, uploads: Sequence[Any] = (), **changes: Any) -> str:
        return self.service.requests.receive(request(**changes), uploads, key).reference

    def routed(self, **changes: Any) -> str:
        """A request that was received and routed; the announcements are gone."""
        reference = self.receive(**changes)
        self.route()
        self.take()
        return reference

    def inquiry(self, reference: str) -> Inquiry:
        document = self.store.get("inquiries", reference)
        assert document is not None
        return Inquiry.model_validate(document.data)

    def part(self, reference: str, organisation: str) -> Assignment:
        document = self.store.get("assignments", f"{reference}:{organisation}")
        assert document is not None
        return Assignment.model_validate(document.data)

    def view(self, email: str, reference: str) -> View:
        return self.service.reading.inquiry(self.person(email), reference)


def request(**changes: Any) -> InquiryRequest:
    return InquiryRequest.model_validate(REQUEST | {"share_with": "all"} | changes)

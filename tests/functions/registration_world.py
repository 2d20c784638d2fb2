"""A registration slice on a store of its own, with a clock that a test moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from functions.registration import toml_files
from functions.registration.events.models import EventDefinition
from functions.registration.registrations.documents import PERSONS, REGISTRATIONS, person_id, registration_of
from functions.registration.registrations.models import Registration, RegistrationRequest
from functions.registration.registrations.register import Receipt
from functions.registration.registrations.service import Registrations
from functions.registration.registrations.timekeeping import Timekeeper
from shared import topology
from shared.adapters.embedded.store import SqliteStore
from shared.contracts.bus_events import OUTBOX, BusEvent
from shared.contracts.registration import RegisteredAgain
from shared.keys.tokens import Tokens
from shared.ports import Delete, Document, Store, from_utc_text

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class SetClock:
    instant: datetime = NOON

    def now(self) -> datetime:
        return self.instant

    def pass_(self, **time: float) -> None:
        self.instant += timedelta(**time)


@dataclass
class World:
    """
    Args:
        project: of the Firestore emulator that the environment names; none: SQLite in ``folder``.
    """

    folder: Path
    clock: SetClock = field(default_factory=SetClock)
    project: str = ""

    def __post_init__(self) -> None:
        self.store: Store = self._open_store()
        self.tokens = Tokens(["key"])
        self.service = self.new_service()

    def _open_store(self) -> Store:
        if not self.project:
            return SqliteStore(self.folder / "store.db", topology.load().store)
        from shared.adapters.cloud.firestore import FirestoreStore

        return FirestoreStore(self.project, topology.load().databases)

    def new_service(self) -> Registrations:
        """As another process has it."""
        return Registrations(self.store, self.clock, self.tokens, "https://onestop.example")

    @property
    def keeper(self) -> Timekeeper:
        return self.service.timekeeper()

    def event(self, id: str = "forum", **changes: Any) -> EventDefinition:
        """Save an event that needs no verification and has no limit, but for ``changes``."""
        defaults: dict[str, Any] = {
            "id": id,
            "title": "Forum",
            "summary": "A forum.",
            "organiser": "WHO",
            "organisations": ["who"],
            "contact_email": "forum@example.org",
            "mode": "in_person",
            "location": "Geneva",
            "timezone": "Europe/Zurich",
            "starts_at": NOON + timedelta(days=30),
            "ends_at": NOON + timedelta(days=30, hours=3),
            "categories": [{"id": "participant", "name": "Participant"}],
            "verify_email": False,
        }
        event = EventDefinition.model_validate({**defaults, **changes})
        toml_files.save(self.store, self.clock, [event])
        self.service.events._known.clear()
        self.service.seats._left.clear()
        return event

    def register(self, name: str, event: str = "forum", category: str = "participant", **more: Any) -> Registration:
        """Register, and look up what the address has then."""
        self.ask(name, event, category, **more)
        claim = self.store.get(PERSONS, person_id(event, request(name, category, **_person(more)).email))
        assert claim
        found = self.service.find(claim.data["reference"])
        assert found
        return found

    def ask(self, name: str, event: str = "forum", category: str = "participant", **more: Any) -> Receipt:
        """Register, and see what everybody is answered. ``key``, ``origin``: of the request."""
        return self.service.register(
            event, request(name, category, **_person(more)), more.get("key"), more.get("origin", "")
        )

    def hear(self) -> None:
        """Handle what registering again asks for, in its own process, once; the outbox forgets it as the relay does."""
        for row in self.outbox(RegisteredAgain.type):
            payload = RegisteredAgain.model_validate(row.data["data"])
            event = BusEvent(row.id, from_utc_text(row.data["time"]), "", payload)
            self.store.commit([*self.service.on_registered_again(event), Delete(OUTBOX, row.id, None)])

    def registrations(self, state: str | None = None) -> list[Registration]:
        where = [("state", "==", state)] if state else []
        found = self.store.query(REGISTRATIONS, *where, order="created_at", limit=5000)
        return [registration_of(document) for document in found]

    def names(self, state: str) -> list[str]:
        return [registration.given_name for registration in self.registrations(state)]

    def outbox(self, type: str) -> list[Document]:
        return [row for row in self.store.query(OUTBOX, limit=5000) if row.data["type"] == type]

    def manage(self, name: str) -> str:
        """A person's personal token."""
        reference = next(r.reference for r in self.registrations() if r.given_name == name)
        return self.tokens.sign("manage", reference)

    def verify(self, name: str) -> Registration:
        reference = next(r.reference for r in self.registrations() if r.given_name == name)
        return self.service.verify(self.tokens.sign("verify", reference))

    def tickets(self, pool: str, collection: str = "seats") -> int:
        return self.store.count(collection, ("pool", "==", pool))


def _person(more: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in more.items() if name not in ("key", "origin")}


def request(name: str, category: str = "participant", **changes: Any) -> RegistrationRequest:
    defaults = {
        "given_name": name,
        "family_name": "Tester",
        "email": f"{name.lower()}@example.org",
        "country": "CH",
        "organisation": "Ministry",
        "category": category,
        "language": "en",
        "consent": True,
    }
    return RegistrationRequest.model_validate({**defaults, **changes})

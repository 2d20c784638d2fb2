"""A small world of one event: processes that register, cancel, verify, expire, settle and import, in an order that a
seed chooses anew before every call to the store, with crashes in between; and what must hold at every commit and when
all have come to rest.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import greenlet

from functions.registration import catalogue, content, holds, seats, timekeeping
from functions.registration.catalogue import EventNotFound
from functions.registration.errors import BadRequest, KeyReused, NotPossible, Refusal
from functions.registration.idempotency import IDEMPOTENCY
from functions.registration.ledger import PERSONS, REGISTRATIONS, person_id, registration_of
from functions.registration.models import EventDefinition, Registration
from functions.registration.service import Registrations
from shared import ids, ports
from shared.contracts import events
from shared.contracts.registration import RegisteredAgain, SeatsReleased
from shared.ports import Create, Delete, Document, Replace, Store, Unavailable, Write
from shared.tokens import Tokens
from tests.functions.registration_world import NOON, SetClock, request
from tests.simulation.memory import MemoryStore

PROCESSES = 4
STEPS = 12  # of a process
SEATED = ("unverified", "confirmed")
START = NOON + timedelta(days=2)


class Crash(BaseException):
    """The process is gone between two calls to the store."""


@dataclass
class Turns:
    """The store as one process has it: before each call, others may have their turn."""

    store: Store
    pause: Callable[[], None]
    seen: Callable[[Sequence[Write]], None]

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.store, name)

        def call(*arguments: Any, **options: Any) -> Any:
            self.pause()
            if name == "commit":
                self.seen(arguments[0])
            return real(*arguments, **options)

        return call


@dataclass
class World:
    """
    Args:
        spoil: a fault, put around the store: the negative control.
    """

    seed: int
    spoil: Callable[[Store], Store] = lambda store: store
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.clock = SetClock()
        self.plain = MemoryStore()
        self.tokens = Tokens(["key"])
        self.time = 0.0
        self.commits = 0
        self.joined: dict[str, int] = {}  # when somebody began to wait, by reference
        self.began: dict[Any, int] = {}  # when a process began what it is at
        self.answered: Counter[str] = Counter()  # by idempotency key
        self.wanted = self._definition()
        self.broken_off = False
        self._runnable: list[greenlet.greenlet] = []

    # -- what happens --

    def run(self, monkeypatch: Any) -> list[str]:
        """The faults that were seen; none in a world that is in order."""
        self._patch(monkeypatch)
        hub = greenlet.getcurrent()
        self._pause = hub.switch
        if self.chance.random() < 0.5:  # else some process imports the event while others ask for it
            self._import(self.plain)
        self._runnable = [greenlet.greenlet(self._process) for _ in range(PROCESSES)]
        while self._runnable:
            current = self.chance.choice(self._runnable)
            self.time += self.chance.choice((0.0, 0.01, 0.6, 2.1))
            self.clock.pass_(seconds=self.chance.choice((0, 1)))
            if current and self.chance.random() < 0.004:
                current.throw(Crash)
            else:
                current.switch()
            self._runnable = [one for one in self._runnable if not one.dead]
        self._come_to_rest()
        return self.faults

    def _process(self) -> None:
        service: Registrations | None = None
        for _ in range(STEPS):
            try:
                service = service or self._service()
                self.began[greenlet.getcurrent()] = self.commits
                self._step(service)
            except (EventNotFound, Refusal, BadRequest, KeyReused, NotPossible, Unavailable):
                pass
            except Crash:
                service = None

    def _service(self) -> Registrations:
        store = Turns(self.spoil(self.plain), lambda: self._pause(), self._seen)
        return Registrations(store, self.clock, self.tokens, "https://onestop.example")  # type: ignore[arg-type]

    def _step(self, service: Registrations) -> None:
        keeper = service.timekeeper()
        actions: list[tuple[int, Callable[[], object]]] = [
            (12, lambda: self._register(service)),
            (8, lambda: self._behind_a_link(service.cancel, "manage")),
            (5, lambda: self._behind_a_link(service.verify, "verify")),
            (6, lambda: self._deliver(keeper)),
            (3, lambda: self._hear(service)),
            (2, keeper.expire_unverified),
            (2, keeper.release_holds),
            (1, lambda: self._import(service._store)),
        ]
        self.chance.choices([act for _, act in actions], [weight for weight, _ in actions])[0]()

    def _register(self, service: Registrations) -> None:
        name, known = f"p{self.chance.randrange(40)}", self._registrations("unverified")
        if known and self.chance.random() < 0.5:
            name = self.chance.choice(known).given_name
        key = f"key-{name}" if self.chance.random() < 0.5 else None
        language = "en" if key else self.chance.choice(("en", "ar", "fr"))
        form = request(name, self.chance.choice("abc"), language=language)
        service.register("forum", form, key, self.chance.choice(("", "here", "there")))

    def _behind_a_link(self, act: Callable[[str], object], purpose: str) -> None:
        known = list(self.plain._collections[REGISTRATIONS])
        if known:
            act(self.tokens.sign(purpose, self.chance.choice(known)))

    def _deliver(self, keeper: timekeeping.Timekeeper) -> None:
        """As the bus and the tick do: a delivery that breaks off comes again."""
        told = [row.id for row in self.plain.query(events.OUTBOX, limit=1000) if row.data["type"] == SeatsReleased.type]
        if told or self.plain.count(seats.RETURNED):
            keeper.settle("forum")
            self.plain.commit([Delete(events.OUTBOX, id, None) for id in told])

    def _hear(self, service: Registrations) -> None:
        """Registering again is heard of late, twice, or in another order."""
        if told := self._registered_again():
            self._handle(service, self.chance.choice(told))

    def _handle(self, service: Registrations, row: Document) -> None:
        sent = events.message(row.id, row.data)
        event = events.parse(sent.data, dict(sent.attributes))
        assert event
        ports.decide(lambda: service._store.commit(service.on_registered_again(event)))

    def _registered_again(self) -> list[Document]:
        rows = self.plain.query(events.OUTBOX, limit=1000)
        return [row for row in rows if row.data["type"] == RegisteredAgain.type]

    def _import(self, store: Store) -> None:
        self.wanted = self._definition()
        try:
            content.save(store, self.clock, [self.wanted])
        except (Crash, Unavailable):
            self.broken_off = True
            raise

    def _definition(self) -> EventDefinition:
        quota = [None, None, 1, 2]
        ids = self.chance.choice(("ab", "ab", "abc", "a", "ca"))
        return EventDefinition.model_validate(
            {
                "id": "forum",
                "title": "Forum",
                "summary": "A forum.",
                "organiser": "WHO",
                "organisations": ["who"],
                "contact_email": "forum@example.org",
                "mode": "in_person",
                "location": "Geneva",
                "timezone": "UTC",
                "starts_at": START,
                "ends_at": START + timedelta(hours=3),
                "seats": self.chance.choice([None, 1, 1, 2, 3]),
                "categories": [{"id": id, "name": id, "seats": self.chance.choice(quota)} for id in ids],
                "verify_email": self.chance.random() < 0.5,
                "verify_within_hours": 1,
            }
        )

    def _patch(self, monkeypatch: Any) -> None:
        """Time stands still but for what the world lets pass; waiting lets others have their turn."""
        clock = SimpleNamespace(monotonic=lambda: self.time, sleep=lambda seconds: self._pause())
        for module in (catalogue, seats, timekeeping, ports):
            monkeypatch.setattr(module, "time", clock)
        for module in (ports, seats, timekeeping, holds):
            monkeypatch.setattr(module, "random", self.chance)
        drawn = SimpleNamespace(
            token_hex=lambda count: f"{self.chance.getrandbits(8 * count):0{2 * count}x}",
            randbelow=self.chance.randrange,
        )
        for module in (seats, ids, events):
            monkeypatch.setattr(module, "secrets", drawn)

    # -- what must hold at every commit --

    def _seen(self, writes: Sequence[Write]) -> None:
        """Look at a commit just before it is made, and remember it if it is."""
        pools = {document.id: document.data for document in self.plain.query(seats.POOLS, limit=1000)}
        changes = [self._change(w) for w in writes if w.collection == REGISTRATIONS and not isinstance(w, Delete)]
        too_many = {id for id, pool in pools.items() if pool["issued"] > pool["wanted"]}
        given_on = {w.id.rpartition(":")[0] for w in writes if isinstance(w, Delete) and w.collection == seats.RETURNED}
        freed = {w.id.rpartition(":")[0] for w in writes if isinstance(w, Create) and w.collection == seats.SEATS}
        found = [f"freed a seat too many of {pool}" for pool in freed & too_many]
        for before, after in changes:
            seated = after.state in SEATED and after.pools and not (before and before.pools)
            if seated and given_on & too_many:
                found.append(f"gave on a seat too many of {given_on & too_many}")
            if seated or (after.state == "confirmed" and before and before.state == "waitlisted"):
                found += self._jumped(before, after)
        answers = [w for w in writes if w.collection == IDEMPOTENCY and not isinstance(w, Delete)]
        keys = [write.id for write in answers if "answer" in write.data]
        if not found and not keys and not any(after.state == "waitlisted" for _, after in changes):
            return
        try:  # the commit may fail, and then it says nothing
            self._try(writes)
        except ports.Conflict:
            return
        self.commits += 1
        self.faults += found
        self.answered.update(keys)
        for _, after in changes:
            if after.state == "waitlisted":
                self.joined.setdefault(after.reference, self.commits)

    def _try(self, writes: Sequence[Write]) -> None:
        """Whether the commit's preconditions hold, writing nothing."""
        for write in writes:
            found = self.plain.get(write.collection, write.id)
            if isinstance(write, Create):
                broken = found is not None
            else:
                broken = write.version is not None and (found is None or found.version != write.version)
            if broken:
                raise ports.Conflict

    def _change(self, write: Create | Replace) -> tuple[Registration | None, Registration]:
        known = self.plain.get(REGISTRATIONS, write.id)
        return known and registration_of(known), registration_of(Document(REGISTRATIONS, write.id, write.data, "0"))

    def _jumped(self, before: Registration | None, after: Registration) -> list[str]:
        """Whether somebody waits in the same line since before the process began, and came first."""
        event = self._event()
        if event is None or after.pools != event.pools(event.category_of(after.category)):
            return []  # by a definition that was in force a moment ago
        began, promoted = self.began.get(greenlet.getcurrent(), 0), before and before.state == "waitlisted"
        place = (after.waitlisted_at or "", after.reference)
        for other in self._registrations("waitlisted"):
            earlier = not promoted or (other.waitlisted_at or "", other.reference) < place
            alike = event.category_of(other.category) == event.category_of(after.category)
            if (
                alike
                and earlier
                and other.reference != after.reference
                and self.joined.get(other.reference, began) < began
            ):
                return [f"{after.given_name} jumped the line, where {other.given_name} waited"]
        return []

    # -- what must hold in the end --

    def _come_to_rest(self) -> None:
        self._pause = lambda: None
        service = Registrations(self.plain, self.clock, self.tokens, "https://onestop.example")
        if self.broken_off or self._event() is None:
            content.save(self.plain, self.clock, [self.wanted])  # the organiser runs it again
        self._deliver(service.timekeeper())
        event = self._event()
        assert event is not None
        self._count_seats(event)
        self._count_holds()
        self._look_for_idle_seats(event)
        self.faults += [f"{key} was answered {times} times" for key, times in self.answered.items() if times > 1]
        for row in sorted(self._registered_again(), key=lambda row: str(row.data["time"]), reverse=True):
            self._handle(service, row)
        self._look_for_doubles()
        self._look_at_languages()

    def _count_seats(self, event: EventDefinition) -> None:
        holders = [r for state in SEATED for r in self._registrations(state)]
        for pool in self.plain.query(seats.POOLS, limit=1000):
            held = sum(pool.id in registration.pools for registration in holders)
            idle = sum(self.plain.count(name, ("pool", "==", pool.id)) for name in (seats.SEATS, seats.RETURNED))
            issued, wanted = pool.data["issued"], pool.data["wanted"]
            if wanted != event.capacities().get(pool.id, 0):
                self.faults.append(f"{pool.id} wants {wanted} where the definition says otherwise")
            if held + idle != issued:
                self.faults.append(f"{pool.id}: {held} held and {idle} idle of {issued}")
            if issued != wanted and (issued < wanted or idle):
                self.faults.append(f"{pool.id}: {issued} issued ({idle} idle) where {wanted} are wanted")

    def _count_holds(self) -> None:
        noted = sorted(id for registration in self._registrations("unverified") for id in registration.holds)
        stored = sorted(document.id for document in self.plain.query(holds.HOLDS, limit=1000))
        if noted != stored:
            self.faults.append(f"holds {noted} are noted where {stored} are counted")

    def _look_for_idle_seats(self, event: EventDefinition) -> None:
        if event.kept.line_first:
            self.faults.append("newcomers still wait for the line to have its turn")
        for registration in self._registrations("waitlisted"):
            pools = event.pools(event.category_of(registration.category))
            if all(self.plain.count(seats.SEATS, ("pool", "==", pool)) for pool in pools):
                self.faults.append(f"{registration.given_name} waits while seats of {pools} are free")

    def _look_for_doubles(self) -> None:
        """Whoever is registered is so once, and claims the address."""
        claimed = {claim.data["reference"] for claim in self.plain.query(PERSONS, limit=1000)}
        present = [r for state in (*SEATED, "waitlisted") for r in self._registrations(state)]
        self.faults += [f"{one} is registered twice" for one, n in Counter(r.email for r in present).items() if n > 1]
        if claimed != {registration.reference for registration in present}:
            self.faults.append("addresses are claimed for others than those who are registered")

    def _look_at_languages(self) -> None:
        for registration in self._registrations("unverified"):
            person, since = person_id("forum", registration.email), registration.created_at
            rows = [row.data for row in self._registered_again() if row.data["time"] > since]
            later = [data for data in rows if data["data"]["person"] == person]
            latest = max((data["time"] for data in later), default="")
            forms = [data["data"]["language"] for data in later if data["time"] == latest]
            if forms and registration.language not in forms:
                self.faults.append(f"{registration.given_name} gets {registration.language}, not {forms}, asked last")

    def _event(self) -> EventDefinition | None:
        document = self.plain.get(catalogue.EVENTS, "forum")
        return catalogue.definition(document) if document else None

    def _registrations(self, state: str) -> list[Registration]:
        return [registration_of(d) for d in self.plain.query(REGISTRATIONS, ("state", "==", state), limit=1000)]

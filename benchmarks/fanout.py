"""A reminder to everybody who is registered: time, batches and memory of the process that does it."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from datetime import timedelta

from benchmarks.hall import hall, registrations
from benchmarks.stores import Counted, Work, crowd, fill, insist, open_store
from functions.registration.events.repository import EVENTS, stored
from functions.registration.registrations.service import Registrations
from shared.adapters.clock import SystemClock
from shared.keys.tokens import Tokens
from shared.outbox import RelayingStore
from shared.ports import Bus, Message, Replace, Store


class NoBus:
    def publish(self, messages: Sequence[Message]) -> None:
        pass


def reminding(store: Store, project: str) -> Work:
    """One process, as the tick's: its clock stands a day before the event."""
    bus: Bus = NoBus()
    if project:
        from shared.adapters.cloud.pubsub import PubsubBus

        bus = PubsubBus(project)
    service = Registrations(RelayingStore(store, bus), SystemClock(None), Tokens(["bench"]), "https://onestop.example")

    def work(store: Counted, thread: int) -> None:
        before, reminded, more = _memory(), 0, 1
        while more:
            more = insist(lambda: service.timekeeper().remind())
            reminded += more
        store.counts["reminded"], store.counts["before"] = reminded, before
        store.counts["memory"] = _memory()

    return work


def _memory() -> int:
    """Peak, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def report(engine: str, place: str, people: int, project: str = "") -> None:
    store = open_store(place)
    event = hall(people).model_copy(update={"reminders": ["30d"]})
    moved = event.model_copy(
        update={"starts_at": event.starts_at - timedelta(days=40), "ends_at": event.ends_at - timedelta(days=40)}
    )
    store.commit([Replace(EVENTS, event.id, stored(moved), None)])
    fill(store, registrations(people))
    begun = time.perf_counter()
    _, n = crowd(place, reminding, project, processes=1, threads=1)
    seconds = time.perf_counter() - begun
    print(
        f"\nA reminder to {n['reminded']} people on {engine}: {seconds:.0f} s, {people / seconds:.0f} people/s,"
        f" {n['commits']} commits, memory {n['before']} MiB before and {n['memory']} MiB at its peak"
    )
    assert n["reminded"] == people

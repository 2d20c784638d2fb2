"""What only the embedded adapters do: Pub/Sub's subscriber side, erasing by time, and threads and forks in one file."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared import topology
from shared.adapters.embedded import store as embedded_store
from shared.adapters.embedded.bus import DEAD_LETTER_TOPIC, SqliteBus
from shared.adapters.embedded.store import SqliteStore
from shared.ports import Create, Delete, Message, Replace, Write
from tests.ports.engines import SCHEMA

PLAN = topology.load()
SECRET = Message("one", "staff", b"{}", {"event_id": "one"})  # the topic `staff` has one subscription


@pytest.fixture
def queue(tmp_path: Path) -> SqliteBus:
    return SqliteBus(tmp_path / "bus.db", PLAN)


def test_an_acknowledged_message_does_not_come_again(queue: SqliteBus) -> None:
    queue.publish([SECRET])
    [queued] = queue.due(0, 10)
    assert (queued.message, queued.attempt) == (SECRET, 1)
    assert queue.due(0, 10, exclude=[(queued.subscription, "one")]) == []
    queue.acknowledge([queued])
    assert (queue.due(1e12, 10), queue.depth()) == ([], 0)


def test_a_failed_push_waits_longer_each_time_and_then_is_a_dead_letter(queue: SqliteBus) -> None:
    queue.publish([SECRET])
    low, high = PLAN.delivery.backoff
    now = 0.0
    for attempt in range(1, PLAN.delivery.attempts):
        [queued] = queue.due(now, 10)
        assert queued.attempt == attempt
        queue.postpone(queued, now)
        wait = min(low * 2 ** (attempt - 1), high)
        assert queue.due(now + wait * 0.79, 10) == []
        now += wait * 1.21
    [queued] = queue.due(now, 10)
    queue.postpone(queued, now)
    [letter] = queue.due(now, 10)
    assert (letter.message.topic, letter.message.data) == (DEAD_LETTER_TOPIC, SECRET.data)
    assert letter.message.attributes["event_id"] == "one"
    assert letter.message.attributes["CloudPubSubDeadLetterSourceSubscription"] == "notification-staff"
    for _ in range(PLAN.delivery.attempts * 2):  # a dead letter has nowhere else to go: it is kept and tried for ever
        queue.postpone(letter, now)
        now += 2 * high
        [letter] = queue.due(now, 10)


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One for each time that a log has been synced."""
    real, seen = os.fdatasync, list[int]()

    def counted(log: int) -> None:
        seen.append(log)
        real(log)

    monkeypatch.setattr(os, "fdatasync", counted)
    return seen


def test_a_message_is_kept_safe_and_that_it_was_taken_need_not_be(queue: SqliteBus, syncs: list[int]) -> None:
    queue.publish([SECRET])
    assert len(syncs) == 1
    queue.acknowledge(queue.due(0, 10))
    assert len(syncs) == 1
    assert queue.depth() == 0


@pytest.mark.parametrize(
    ("writes", "lasts"),
    [
        ([Delete("outbox", "one", None), Delete("outbox", "two", None)], False),
        ([Create("outbox", "one", {})], True),
        ([Delete("outbox", "one", None), Create("processed", "one", {})], True),
        ([Delete("registrations", "one", None)], True),  # somebody was told that it is erased
    ],
)
def test_a_commit_lasts_unless_all_of_it_may_come_again(
    tmp_path: Path, syncs: list[int], writes: list[Write], lasts: bool
) -> None:
    store = SqliteStore(tmp_path / "store.db", PLAN.store)
    for collection in ("outbox", "processed", "registrations"):
        store.get(collection, "x")  # makes the table
    syncs.clear()
    store.commit(writes)
    assert bool(syncs) == lasts


def test_threads_and_forked_workers_share_one_queue(queue: SqliteBus) -> None:
    queue.publish([SECRET])  # opens a connection here, before the fork
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: queue.publish([Message(f"t{n}", "staff", b"", {})]), range(8)))
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=queue.publish, args=([Message(f"p{n}", "staff", b"", {})],)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert queue.depth() == 1 + 8 + 4


def test_what_has_expired_is_erased_where_the_collection_says_so(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db", SCHEMA)
    past, now, future = "2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.000000Z", "2026-01-03T00:00:00.000000Z"
    for half in range(2):
        store.commit([Create("claims", f"past{half}-{n}", {"expire_at": past}) for n in range(300)])
    store.commit([Create("claims", "future", {"expire_at": future}), Create("claims", "never", {})])
    store.commit([Create("things", "kept", {"expire_at": past})])
    store.commit([Replace("claims", "past0-0", {"expire_at": future}, None)])
    assert store.erase_expired(now) == 599
    assert sorted(d.id for d in store.query("claims")) == ["future", "never", "past0-0"]
    assert store.count("things") == 1


@pytest.mark.parametrize("many", [0, 2000], ids=["entered by another field", "entered by the list"])
def test_a_further_condition_beside_a_list_index_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(embedded_store, "MANY", many)
    store = SqliteStore(tmp_path / "store.db", SCHEMA)
    things = {n: {"tags": ["x"] if n % 2 else ["y"], "kind": "k", "rank": n, "done": n % 3 == 0} for n in range(60)}
    store.commit([Create("things", f"{n:02}", data) for n, data in things.items()])
    found = store.query("things", ("tags", "contains", "x"), ("kind", "==", "k"), ("done", "==", True), order="rank")
    assert [document.data["rank"] for document in found] == list(range(3, 60, 6))


def test_an_export_finds_every_collection(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db", SCHEMA)
    store.commit([Create("things", "a", {"tags": ["x"], "kind": "k", "rank": 1}), Create("strange", "b", {})])
    assert store.collections() == ["strange", "things"]

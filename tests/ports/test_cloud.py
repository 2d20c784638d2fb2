"""What only the cloud adapters face: an answer that was lost, nobody there, a fork."""

from __future__ import annotations

import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.firestore_v1.services.firestore import FirestoreClient

from shared.adapters.cloud import calls, pubsub
from shared.adapters.cloud.firestore import FirestoreStore
from shared.adapters.cloud.pubsub import PubsubBus
from shared.ports import Conflict, Create, Message, Replace, Store, Unavailable

ANSWER_SECONDS = calls.ANSWER_SECONDS  # as it is outside of tests
LIBRARY_DEFAULT = 60.0  # seconds that Google's clients wait for a host that does not answer


@pytest.fixture(params=[pytest.param("emulators", marks=pytest.mark.emulators)])
def engine_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def trouble(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets the next commits go wrong: each fault is an exception, raised before or after the commit was carried out."""
    plain = FirestoreClient.commit
    faults: list[tuple[str, Exception]] = []

    def commit(self: FirestoreClient, *arguments: Any, **options: Any) -> Any:
        when, error = faults.pop(0) if faults else ("never", Exception())
        answer = None if when == "before" else plain(self, *arguments, **options)
        if when != "never":
            raise error
        return answer

    monkeypatch.setattr(FirestoreClient, "commit", commit)
    return lambda *more: faults.extend(more)


def test_a_commit_whose_answer_was_lost_is_never_called_a_conflict(store: Store, trouble: Callable[..., None]) -> None:
    trouble(("after", exceptions.ServiceUnavailable("connection reset")))
    with pytest.raises(Unavailable):
        store.commit([Create("claims", "seat", {"by": "us"})])
    found = store.get("claims", "seat")
    assert found is not None, "it had arrived: 'Conflict' would have made the caller take a second seat"

    trouble(("after", exceptions.DeadlineExceeded("no answer")))
    with pytest.raises(Unavailable):
        store.commit([Replace("claims", "seat", {"by": "us", "n": 2}, found.version)])
    with pytest.raises(Conflict):
        store.commit([Create("claims", "seat", {"by": "others"})])


def test_a_commit_that_did_not_arrive_is_sent_again(store: Store, trouble: Callable[..., None]) -> None:
    trouble(("before", exceptions.ServiceUnavailable("no connection")), ("before", exceptions.Aborted("contention")))
    store.commit([Create("claims", "seat", {"by": "us"})])
    assert store.count("claims") == 1


def test_a_commit_that_keeps_being_aborted_is_a_conflict(store: Store, trouble: Callable[..., None]) -> None:
    trouble(*[("before", exceptions.Aborted("contention"))] * len(calls.PAUSES))
    with pytest.raises(Conflict, match="too many writers"):
        store.commit([Create("claims", "seat", {"by": "us"})])
    assert store.count("claims") == 0


def test_a_document_that_is_too_big_is_refused_as_such(store: Store) -> None:
    with pytest.raises(ValueError, match="too large to be one document"):
        store.commit([Create("things", "big", {"text": "x" * 2_000_000})])


@pytest.fixture(params=["nobody listens", "somebody listens and says nothing"])
def deaf(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", host)
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", host)
        monkeypatch.setattr(calls, "ANSWER_SECONDS", 1.0)
        monkeypatch.setattr(pubsub, "SECONDS", 1.0)
        if request.param == "nobody listens":
            server.close()
        yield


@pytest.mark.usefixtures("deaf")
@pytest.mark.parametrize(
    "call",
    [
        lambda: FirestoreStore("p", {}).get("things", "a"),
        lambda: FirestoreStore("p", {}).get_many("things", ["a"]),
        lambda: FirestoreStore("p", {}).query("things", ("kind", "==", "x"), order="rank"),
        lambda: FirestoreStore("p", {}).count("things"),
        lambda: FirestoreStore("p", {}).commit([Create("things", "a", {})]),
        lambda: FirestoreStore("p", {}).collections(),
        lambda: PubsubBus("p").publish([Message("a", "registrations", b"", {})]),
    ],
    ids=["get", "get_many", "query", "count", "commit", "collections", "publish"],
)
def test_nobody_there_is_told_long_before_the_library_gives_up(call: Callable[[], object]) -> None:
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        call()
    assert time.monotonic() - begun < LIBRARY_DEFAULT / 2


def test_the_time_for_one_call_keeps_the_promise_to_visitors() -> None:
    assert ANSWER_SECONDS < 5
    assert sum(2 * pause for pause in calls.PAUSES) < ANSWER_SECONDS


def test_a_topic_that_does_not_exist_is_unavailable(bus: PubsubBus) -> None:
    with pytest.raises(Unavailable, match="refused 1 messages for nowhere"):
        bus.publish([Message("a", "nowhere", b"", {})])


def test_a_fork_opens_a_connection_of_its_own(store: Store) -> None:
    store.commit([Create("things", "parent", {})])
    answers = multiprocessing.get_context("fork").SimpleQueue()
    worker = multiprocessing.get_context("fork").Process(
        target=lambda: answers.put((store.count("things"), store.commit([Create("things", "child", {})])))
    )
    worker.start()
    worker.join(20)
    alive = worker.is_alive()
    worker.kill()
    assert not alive, "the child hangs in its parent's connection"
    assert worker.exitcode == 0
    assert store.count("things") == 2

"""Events leave with the commit that announces them; their outbox rows are cleared away in company."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from shared import outbox, topology
from shared.adapters.embedded.store import SqliteStore
from shared.contracts.bus_events import OUTBOX, outbox_row
from shared.contracts.clock import Tick
from shared.outbox import RelayingStore
from shared.ports import Conflict, Create, Delete, Message, Unavailable, Write
from tests.functions.registration_world import NOON


class FakeBus:
    def __init__(self) -> None:
        self.ids: list[str] = []
        self.down = False

    def publish(self, messages: Sequence[Message]) -> None:
        if self.down:
            raise Unavailable("the bus is down")
        self.ids += [m.id for m in messages]


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


@pytest.fixture
def plain(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "store.db", topology.load().store)


@pytest.fixture
def store(plain: SqliteStore, bus: FakeBus) -> RelayingStore:
    return RelayingStore(plain, bus)


def row(id: str) -> Create:
    return outbox_row("slice", Tick(), NOON, id)


def test_a_single_commit_leaves_no_row_behind(store: RelayingStore, bus: FakeBus) -> None:
    store.commit([Create("things", "a", {}), row("one")])
    assert bus.ids == ["one"]
    assert store.count(OUTBOX) == 0


def test_in_a_rush_every_event_leaves_at_once_and_the_rows_go_together(
    store: RelayingStore, bus: FakeBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"event {n}" for n in range(10)]
    for name in names:
        store.commit([row(name)])
    assert bus.ids == names
    assert store.count(OUTBOX) == 9, "only the first one had time to be cleared away"
    monkeypatch.setattr(outbox, "SWEEP_SECONDS", 0.0)
    store.commit([row("last")])
    assert store.count(OUTBOX) == 0


def test_rows_do_not_pile_up_in_a_rush(store: RelayingStore) -> None:
    for page in range(5):
        store.commit([row(f"{page}:{n}") for n in range(outbox.PAGE)])
        assert store.count(OUTBOX) == 0


def test_what_is_announced_again_in_a_rush_under_its_own_id_is_cleared_away_once(
    store: RelayingStore, plain: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two, the tick published and cleared the first."""
    store.commit([row("first")])
    store.commit([row("repeated:K7QM-3XHD")])
    outbox.relay(plain, FakeBus(), "slice", NOON + timedelta(minutes=1))
    store.commit([row("repeated:K7QM-3XHD")])
    monkeypatch.setattr(outbox, "SWEEP_SECONDS", 0.0)
    store.commit([row("last")])
    assert store.count(OUTBOX) == 0


def test_without_the_bus_a_commit_succeeds_and_the_tick_publishes(
    store: RelayingStore, plain: SqliteStore, bus: FakeBus
) -> None:
    bus.down = True
    store.commit([row("kept")])
    assert (bus.ids, store.count(OUTBOX)) == ([], 1)
    bus.down = False
    assert outbox.relay(plain, bus, "slice", NOON) == 0, "its process may still be at it"
    assert outbox.relay(plain, bus, "slice", NOON + timedelta(minutes=1)) == 1
    assert (bus.ids, store.count(OUTBOX)) == (["kept"], 0)


def test_what_the_end_of_a_rush_leaves_goes_out_again_under_its_own_id(
    store: RelayingStore, plain: SqliteStore, bus: FakeBus
) -> None:
    for name in ("first", "second"):
        store.commit([row(name)])
    outbox.relay(plain, bus, "slice", NOON + timedelta(minutes=1))
    assert bus.ids == ["first", "second", "second"]
    assert store.count(OUTBOX) == 0


@pytest.mark.parametrize("trouble", [Conflict, Unavailable])
def test_trouble_with_clearing_the_outbox_is_not_the_trouble_of_a_commit_that_succeeded(
    store: RelayingStore, plain: SqliteStore, bus: FakeBus, monkeypatch: pytest.MonkeyPatch, trouble: type[Exception]
) -> None:
    commit = plain.commit

    def clears_nothing(writes: Sequence[Write]) -> None:
        if isinstance(writes[0], Delete):
            raise trouble("aborted")
        commit(writes)

    monkeypatch.setattr(plain, "commit", clears_nothing)
    store.commit([Create("things", "a", {}), row("one")])
    assert (bus.ids, store.count("things"), store.count(OUTBOX)) == (["one"], 1, 1)
    monkeypatch.undo()
    assert outbox.relay(plain, bus, "slice", NOON + timedelta(minutes=1)) == 1
    assert bus.ids == ["one", "one"], "under its own id, so that nobody acts on it twice"


def test_what_is_wrong_with_the_commit_itself_is_told(store: RelayingStore) -> None:
    """The negative control of the test above."""
    store.commit([Create("things", "a", {}), row("one")])
    with pytest.raises(Conflict):
        store.commit([Create("things", "a", {}), row("two")])

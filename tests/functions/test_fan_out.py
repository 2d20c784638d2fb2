"""A reminder to thousands: in pages, each published at once and checkpointed, in memory that does not grow."""

from __future__ import annotations

import secrets
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from functions.registration.registrations.timekeeping import PAGE
from shared.contracts.bus_events import OUTBOX
from shared.outbox import RelayingStore
from shared.ports import Create, Message, utc_text
from tests.functions.registration_world import NOON, World, request


class CountingBus:
    """Keeps the references of those reminded, and how many messages came at once."""

    def __init__(self) -> None:
        self.references: list[str] = []
        self.batches: list[int] = []

    def publish(self, messages: Sequence[Message]) -> None:
        self.batches.append(len(messages))
        self.references += [m.id.rpartition(":")[2] for m in messages]


def crowded(world: World, people: int) -> list[str]:
    """An event in seven days with so many confirmed people; returns their references."""
    world.event()
    known = request("Amina").model_dump(exclude={"consent"})
    known |= {"event": "forum", "state": "confirmed", "pools": [], "confirmed_at": utc_text(NOON)}
    known["created_at"] = utc_text(NOON)  # all at one instant: the pages must go on within it
    references = [f"R{n:06}" for n in range(people)]
    for first in range(0, people, 250):
        page = references[first : first + 250]
        world.store.commit([Create("registrations", r, known | {"reference": r}) for r in page])
    world.clock.pass_(days=23)
    return references


def relaying(world: World) -> CountingBus:
    bus = CountingBus()
    world.store = RelayingStore(world.store, bus)  # type: ignore[assignment]
    world.service = world.new_service()
    return bus


@pytest.fixture(params=["sqlite", pytest.param("emulators", marks=pytest.mark.emulators)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "sqlite":
        return World(tmp_path)
    request.getfixturevalue("emulators")
    return World(tmp_path, project=f"test-{secrets.token_hex(6)}")


def test_everybody_is_reminded_once_in_batches(world: World) -> None:
    people = 550 if world.project else 3000
    references = crowded(world, people)
    bus = relaying(world)
    assert world.keeper.remind() == people
    assert sorted(bus.references) == references
    assert (max(bus.batches), len(bus.batches)) == (PAGE, -(-people // PAGE))
    assert world.store.count(OUTBOX) < 2 * PAGE, "rows are cleared away as the pages go"


def test_a_tick_that_runs_out_of_time_leaves_the_rest_to_the_next(world: World) -> None:
    references = crowded(world, 2 * PAGE + 1)
    bus = relaying(world)
    assert [world.keeper.remind(seconds=0) for _ in range(4)] == [PAGE, PAGE, 1, 0]
    assert sorted(bus.references) == references


def test_memory_does_not_grow_with_the_crowd(tmp_path: Path) -> None:
    def peak(people: int) -> int:
        folder = tmp_path / str(people)
        folder.mkdir()
        world = World(folder)
        crowded(world, people)
        bus = relaying(world)
        return traced(lambda: world.keeper.remind() and bus.references.clear())

    assert peak(2500) < 1.5 * peak(500)


def traced(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

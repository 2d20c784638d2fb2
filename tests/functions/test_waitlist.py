"""Seats, quotas and the waitlist: exact, in order, never jumped."""

from __future__ import annotations

import multiprocessing
import secrets
import threading
from collections.abc import Iterator, Sequence
from itertools import count, repeat
from pathlib import Path
from typing import Any

import pytest

from functions.registration.errors import Full
from functions.registration.registrations import seats
from shared.ports import Conflict, Delete, Replace, Unavailable, Write
from tests.functions.registration_world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_whoever_comes_after_the_last_seat_waits_in_order(world: World) -> None:
    world.event(seats=2)
    for name in ("Ada", "Bob", "Cy", "Di"):
        world.register(name)
        world.clock.pass_(seconds=1)
    assert world.names("confirmed") == ["Ada", "Bob"]
    waiting = world.registrations("waitlisted")
    assert [(r.given_name, world.service.position(r).number) for r in waiting] == [("Cy", 1), ("Di", 2)]
    assert sorted(row.data["data"]["position"] for row in world.outbox("registration.waitlisted")) == [1, 2]


def test_a_cancelled_seat_goes_to_the_first_in_line(world: World) -> None:
    world.event(seats=1)
    for name in ("Ada", "Bob", "Cy"):
        world.register(name)
        world.clock.pass_(seconds=1)
    world.service.cancel(world.manage("Ada"))
    assert world.keeper.settle("forum") == 1
    assert (world.names("confirmed"), world.names("waitlisted")) == (["Bob"], ["Cy"])
    told = [row for row in world.outbox("registration.confirmed") if row.data["data"]["from_waitlist"]]
    assert [row.data["data"]["registrant"]["given_name"] for row in told] == ["Bob"]


def test_seats_of_an_event_whose_import_was_cut_off_hold_up_nobody(world: World) -> None:
    """Found by the simulation: ``--world 1000280 --people 1 --jobs 19 --faults 10.0 --theme imports``."""
    world.event(seats=1)
    for name in ("Ada", "Bob"):
        world.register(name)
        world.clock.pass_(seconds=1)
    world.service.cancel(world.manage("Ada"))
    world.store.commit(seats.give_back("annex", ["annex"]))  # an import makes the seats before the event
    world.keeper.tick()
    assert (world.names("confirmed"), world.tickets("annex", seats.RETURNED)) == (["Bob"], 1)


def test_a_newcomer_cannot_take_the_seat_that_was_given_back(world: World) -> None:
    world.event(seats=1)
    world.register("Ada")
    world.register("Bob")
    world.clock.pass_(seconds=1)
    world.service.cancel(world.manage("Ada"))
    assert world.register("Cy").state == "waitlisted", "the seat is Bob's, though nobody has given it to him yet"
    world.keeper.settle("forum")
    assert world.names("confirmed") == ["Bob"]


def test_a_seat_that_nobody_waits_for_is_free_again(world: World) -> None:
    world.event(seats=1)
    world.register("Ada")
    world.service.cancel(world.manage("Ada"))
    assert world.tickets("forum:*", "returned_seats") == 1
    world.keeper.settle("forum")
    assert world.tickets("forum:*") == 1
    assert world.register("Bob").state == "confirmed"


def test_nobody_can_begin_to_wait_while_a_seat_becomes_free(world: World) -> None:
    """Bob saw no seat; before he joins the line, the seat is freed: his commit must fail, and he finds the seat."""
    world.event(seats=1)
    world.register("Ada")
    world.service.cancel(world.manage("Ada"))
    joining = [seats.gate_reading(world.store, "forum") for _ in range(50)]
    world.keeper.settle("forum")
    for reading in joining:
        with pytest.raises(Conflict):
            world.store.commit([seats.move_gate(reading)])


def test_a_seat_is_not_freed_while_somebody_begins_to_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bob joins the line between the look at the waitlist and the freeing of the seat: he gets it."""
    event = world.event(seats=1)
    world.register("Ada")
    world.service.cancel(world.manage("Ada"))
    keeper, looked = world.keeper, []
    look = keeper._first_in_line

    def look_then_bob_joins(*arguments: Any) -> Any:
        found = look(*arguments)
        if not looked:
            looked.append(world.register("Bob").state)
        return found

    monkeypatch.setattr(keeper, "_first_in_line", look_then_bob_joins)
    keeper.settle("forum")
    assert looked == ["waitlisted"]
    assert world.names("confirmed") == ["Bob"]
    assert seats.Seats(world.store).take(event.pools(event.categories[0])) is None


CATEGORIES = [{"id": "a", "name": "A", "seats": 1}, {"id": "b", "name": "B", "seats": 5}]


def test_a_quota_and_the_total_are_both_kept(world: World) -> None:
    world.event(seats=3, categories=CATEGORIES)
    assert world.register("A1", category="a").state == "confirmed"
    assert world.register("A2", category="a").state == "waitlisted", "the quota of A is used up"
    assert [world.register(f"B{n}", category="b").state for n in (1, 2)] == ["confirmed"] * 2
    assert world.register("B3", category="b").state == "waitlisted", "the hall is full"
    assert (world.tickets("forum:b"), world.tickets("forum:*")) == (3, 0)


def test_the_first_in_line_who_fits_gets_the_seat(world: World) -> None:
    world.event(seats=2, categories=CATEGORIES)
    world.register("A1", category="a")
    world.register("B1", category="b")
    for name in ("A2", "B2"):
        world.clock.pass_(seconds=1)
        world.register(name, category=name[0].lower())
    world.service.cancel(world.manage("B1"))
    world.keeper.settle("forum")
    assert world.names("confirmed") == ["A1", "B2"], "A2 came first, but the quota of A is used up"
    world.service.cancel(world.manage("A1"))
    world.keeper.settle("forum")
    assert sorted(world.names("confirmed")) == ["A2", "B2"]


def test_without_a_waitlist_the_event_is_full(world: World) -> None:
    world.event(seats=0, waitlist=False)
    with pytest.raises(Full):
        world.register("Ada")
    assert world.registrations() == []


def test_more_seats_go_to_the_line_first(world: World) -> None:
    world.event(seats=1)
    for name in ("Ada", "Bob"):
        world.register(name)
    world.event(seats=3)
    assert world.tickets("forum:*", "returned_seats") == 2
    world.keeper.settle("forum")
    assert world.names("waitlisted") == []
    assert world.tickets("forum:*") == 1


def test_fewer_seats_take_back_free_ones_now_and_taken_ones_when_they_return(world: World) -> None:
    world.event(seats=3)
    for name in ("Ada", "Bob"):
        world.register(name)
    world.event(seats=1)
    assert world.tickets("forum:*") == 0
    world.register("Cy")
    world.service.cancel(world.manage("Ada"))
    world.keeper.settle("forum")
    assert world.names("waitlisted") == ["Cy"], "two had seats where one is left, so the first to return is withdrawn"
    world.service.cancel(world.manage("Bob"))
    world.keeper.settle("forum")
    assert world.names("confirmed") == ["Cy"]


def test_importing_again_changes_no_seat(world: World) -> None:
    world.event(seats=450)
    world.register("Ada")
    world.event(seats=450)
    assert world.tickets("forum:*") == 449
    assert world.tickets("forum:*", "returned_seats") == 0


def test_a_group_gets_all_its_seats_or_none(world: World) -> None:
    event = world.event(seats=70, categories=[{"id": "a", "name": "A", "seats": 50}])
    pools = event.pools(event.categories[0])
    group = world.service.seats.take(pools * 48)
    assert group is not None
    assert len(group) == 96
    world.store.commit(group)
    assert world.service.seats.take(pools * 3) is None, "two seats are left in A"
    assert (world.tickets("forum:a"), world.tickets("forum:*")) == (2, 22)
    last = world.service.seats.take(pools * 2)
    assert last is not None, "what the refused group saw is there for the next"
    world.store.commit(last)


def test_of_two_groups_that_want_the_same_seats_one_gets_them(world: World) -> None:
    world.event(seats=30)
    mine, yours = (seats.Seats(world.store).take(["forum:*"] * 20) for _ in range(2))
    assert mine is not None
    assert yours is not None
    world.store.commit(mine)
    with pytest.raises(Conflict):
        world.store.commit(yours)
    assert world.tickets("forum:*") == 10


# -- races: several processes, one store --


SEATS = 32  # divides by the threads of a process


@pytest.fixture(params=["sqlite", pytest.param("emulators", marks=pytest.mark.emulators)])
def projects(request: pytest.FixtureRequest) -> Iterator[str]:
    """Names for ``World.project``, a new one each time."""
    if request.param == "sqlite":
        return repeat("")
    request.getfixturevalue("emulators")
    return (f"test-{secrets.token_hex(6)}" for _ in count())


def _crowd(folder: str, project: str, number: int, guarded: bool) -> None:
    world = World(Path(folder), project=project)
    if not guarded:
        world.store = world.service._store = world.service.seats._store = Unguarded(world.store)  # type: ignore[assignment]

    def some(thread: int) -> None:
        for n in range(SEATS // 4):
            _insist(world, f"P{number}x{thread}x{n}")

    threads = [threading.Thread(target=some, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _insist(world: World, name: str) -> None:
    """Ask again while a busy machine's emulator does not answer in time."""
    while True:
        try:
            world.ask(name)
            return
        except Unavailable:
            continue


class Unguarded:
    """A store without preconditions: the lock is off."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, writes: Sequence[Write]) -> None:
        self._store.commit([self._open(write) for write in writes])

    @staticmethod
    def _open(write: Write) -> Write:
        if isinstance(write, Delete):
            return Delete(write.collection, write.id, None)
        return Replace(write.collection, write.id, write.data, None)


def _race(folder: Path, project: str, guarded: bool) -> World:
    """Three processes with as many people each as there are seats."""
    world = World(folder, project=project)
    world.event(seats=SEATS)
    context = multiprocessing.get_context("spawn")
    crowd = [context.Process(target=_crowd, args=(str(folder), project, n, guarded)) for n in range(3)]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join()
        assert process.exitcode == 0
    return world


def test_a_crowd_of_processes_never_oversells(tmp_path: Path, projects: Iterator[str]) -> None:
    world = _race(tmp_path, next(projects), guarded=True)
    assert len(world.registrations("confirmed")) == SEATS
    assert len(world.registrations("waitlisted")) == 2 * SEATS
    assert world.tickets("forum:*") == 0


def test_the_race_is_lost_when_the_guard_is_off(tmp_path: Path, projects: Iterator[str]) -> None:
    """The negative control: without preconditions the same crowd oversells, and the count shows it."""
    for attempt in range(5):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        if len(_race(folder, next(projects), guarded=False).registrations("confirmed")) > SEATS:
            return
    pytest.fail("no race was lost without the guard, so the race proves nothing")

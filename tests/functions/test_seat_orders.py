"""Seats in orders of steps that are chosen by hand: what comes in between must change nothing that was promised."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.registration.errors import Closed, EventNotFound, Full
from tests.functions.registration_world import NOON, World
from tests.interruptions import Interrupted

AB = [{"id": "a", "name": "A"}, {"id": "b", "name": "B", "seats": 1}]
A = AB[:1]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def beside(world: World) -> tuple[World, Interrupted]:
    """Another process on the same store, whose calls can be interrupted."""
    other = World(world.folder, world.clock)
    store = Interrupted(other.store)
    other.store = store  # type: ignore[assignment]
    other.service = other.new_service()
    return other, store


def settled(world: World) -> None:
    """The bus and the tick have done their work."""
    for event in {row.data["data"]["event"] for row in world.outbox("registration.seats_released")}:
        world.keeper.settle(event)


# -- importing --


@pytest.mark.parametrize("collection", ["pools", "seats", "events"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_whoever_registers_while_an_event_is_imported_waits_for_no_free_seat(
    world: World, collection: str, moment: Any
) -> None:
    importing, store = beside(world)

    def ada() -> None:
        with suppress(EventNotFound):
            assert world.register("Ada").state == "confirmed"

    store.once("commit", collection, moment, ada)
    importing.event(seats=2)
    assert store.idle
    assert world.names("waitlisted") == []


def test_an_import_that_broke_off_is_completed_by_the_next(world: World) -> None:
    importing, store = beside(world)

    def dies() -> None:
        raise RuntimeError("kill -9")

    store.once("commit", "events", "before", dies)
    with pytest.raises(RuntimeError):
        importing.event(seats=3)
    with pytest.raises(EventNotFound):
        world.register("Ada")
    world.event(seats=3)
    assert world.tickets("forum:*") == 3
    assert world.register("Ada").state == "confirmed"


def test_of_two_imports_at_once_the_pools_follow_the_one_that_stands(world: World) -> None:
    world.event(seats=1)
    first, store = beside(world)
    store.once("commit", "events", "after", lambda: world.event(seats=5))
    first.event(seats=3)
    settled(world)
    assert world.service.events.read("forum").data["seats"] == 5
    assert world.tickets("forum:*") == 5


# -- categories that go --


def test_whoever_waited_in_a_category_that_is_removed_waits_in_the_first(world: World) -> None:
    world.event(seats=3, categories=AB)
    for name, category in (("Ann", "a"), ("Bea", "b"), ("Ben", "b")):
        world.register(name, category=category)
        world.clock.pass_(seconds=1)
    assert world.names("waitlisted") == ["Ben"], "the quota of B is used up, though the hall has a seat"
    world.event(seats=3, categories=A)
    assert world.register("Cleo", category="a").state == "waitlisted", "the free seat is Ben's, who came first"
    assert [world.service.position(r).number for r in world.registrations("waitlisted")] == [1, 2]
    settled(world)
    assert (world.names("confirmed"), world.names("waitlisted")) == (["Ann", "Bea", "Ben"], ["Cleo"])
    world.service.cancel(world.manage("Bea"))
    settled(world)
    assert world.names("confirmed") == ["Ann", "Ben", "Cleo"], "a seat of the former category is one of the hall"
    assert world.tickets("forum:b") == 0


def test_without_anybody_in_line_newcomers_go_on_as_before(world: World) -> None:
    world.event(seats=3, categories=AB)
    world.event(seats=3, categories=A)
    assert world.register("Ann", category="a").state == "confirmed"


def test_when_a_limit_is_lifted_the_line_goes_first(world: World) -> None:
    world.event(seats=1)
    for name in ("Ada", "Bob"):
        world.register(name)
        world.clock.pass_(seconds=1)
    world.event()
    assert world.register("Cy").state == "waitlisted"
    settled(world)
    assert world.names("confirmed") == ["Ada", "Bob", "Cy"]
    other, _ = beside(world)
    assert other.register("Di").state == "confirmed"


def test_who_joins_by_yesterdays_definition_decides_anew(world: World) -> None:
    """The process still believes that Ben's category has a quota; by the time when he joins, it has gone."""
    world.event(seats=3, categories=AB)
    world.register("Bea", category="b")
    late, store = beside(world)
    late.service.events.get("forum")
    store.once("get", "gates", "before", lambda: world.event(seats=3, categories=[{"id": "b", "name": "B"}]))
    assert late.register("Ben", category="b").state == "confirmed"
    assert store.idle


# -- capacities that shrink while a seat moves --


def two_of_two(world: World) -> None:
    world.event(seats=2)
    for name in ("Ada", "Bob"):
        world.register(name)
    world.service.cancel(world.manage("Ada"))


@pytest.mark.parametrize(("call", "collection"), [("query", "seats"), ("query", "returned_seats")])
def test_a_seat_that_is_freed_while_the_capacity_is_lowered_goes(world: World, call: str, collection: str) -> None:
    """Between the importer's two looks, the seat moves from the one collection to the other."""
    two_of_two(world)
    importing, store = beside(world)
    store.once(call, collection, "after", lambda: world.keeper.settle("forum"))
    importing.event(seats=1)
    assert store.idle
    settled(world)
    assert world.register("Cy").state == "waitlisted"
    assert world.tickets("forum:*") == 0


@pytest.mark.parametrize("waiting", [True, False])
def test_a_capacity_that_is_lowered_while_a_seat_is_given_on_is_kept(world: World, waiting: bool) -> None:
    """``withdraw`` has read the pool and found nothing to take back, then the capacity is lowered."""
    two_of_two(world)
    world.register("Cy") if waiting else None
    settling, store = beside(world)
    store.once("get", "pools", "after", lambda: world.event(seats=1))
    settling.keeper.settle("forum")
    assert store.idle
    settled(world)
    assert world.names("confirmed") == ["Bob"]
    assert world.tickets("forum:*") + world.tickets("forum:*", "returned_seats") == 0


# -- the end --


def _cancel(world: World) -> None:
    world.service.cancel(world.manage("Ada"))


def _expire(world: World) -> None:
    world.keeper.expire_unverified()


@pytest.mark.parametrize("days", [30, 31, 40])
@pytest.mark.parametrize("end", [_cancel, _expire])
def test_nobody_is_promoted_once_the_event_has_begun(world: World, days: int, end: Callable[[World], None]) -> None:
    world.event(seats=1, verify_email=end is _expire, verify_within_hours=1)
    world.clock.pass_(days=29, hours=23.5)
    world.register("Ada")
    world.register("Bob")
    if end is _expire:
        world.verify("Bob")
    world.clock.instant = NOON + timedelta(days=days, minutes=31)
    end(world)
    world.keeper.tick()
    assert world.names("confirmed") == []
    assert world.names("waitlisted") == ["Bob"]
    assert world.tickets("forum:*") == 1, "it is free, in silence"
    assert [row for row in world.outbox("registration.confirmed") if row.data["data"]["from_waitlist"]] == []
    assert len(world.outbox("registration.expired")) == (end is _expire and days == 30)


def test_until_the_start_they_are(world: World) -> None:
    """The negative control of the test above."""
    world.event(seats=1)
    for name in ("Ada", "Bob"):
        world.register(name)
    world.clock.pass_(days=29, hours=23.9)
    _cancel(world)
    world.keeper.tick()
    assert world.names("confirmed") == ["Bob"]


def test_where_registration_stays_open_after_the_start_the_line_still_comes_first(world: World) -> None:
    world.event(seats=1, registration_closes_at=NOON + timedelta(days=30, hours=2))
    for name in ("Ada", "Bob"):
        world.register(name)
    world.clock.pass_(days=30, hours=1)
    _cancel(world)
    assert world.register("Cy").state == "waitlisted"
    world.keeper.tick()
    assert world.names("confirmed") == ["Bob"]


def test_verifying_after_the_end_is_refused(world: World) -> None:
    world.event(verify_email=True)
    world.clock.instant = NOON + timedelta(days=29, hours=23)
    world.register("Ada")
    world.clock.instant = NOON + timedelta(days=30, hours=3)
    with pytest.raises(Closed) as refused:
        world.verify("Ada")
    assert refused.value.phase == "past"
    assert world.names("confirmed") == []


def test_what_was_registered_in_time_is_verified_after_the_close_but_joins_no_line_after_the_start(
    world: World,
) -> None:
    world.event(verify_email=True, seats=1, registration_closes_at=NOON + timedelta(days=29))
    world.clock.pass_(days=28, hours=23)
    for name in ("Ada", "Bob"):
        world.register(name)
    world.clock.pass_(hours=2)
    assert world.verify("Ada").state == "confirmed"
    world.clock.instant = NOON + timedelta(days=30, hours=1)
    with pytest.raises(Full):
        world.verify("Bob")
    assert world.names("unverified") == ["Bob"]

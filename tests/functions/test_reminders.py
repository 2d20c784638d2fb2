"""Reminders: in time, once, and none for a time that lay before somebody had a seat."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from functions.registration.registrations import timekeeping
from shared.contracts.bus_events import OUTBOX
from shared.ports import Delete
from tests.functions.registration_world import NOON, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.event()  # in 30 days, reminders 7d, 1d, 1h
    return world


def reminded(world: World) -> list[str]:
    """Who is told, with which reminder; the outbox is emptied as the relay does."""
    rows = world.outbox("registration.reminder_due")
    world.store.commit([Delete(OUTBOX, row.id, None) for row in rows])
    return sorted(f"{row.data['data']['registrant']['given_name']} {row.data['data']['before']}" for row in rows)


def test_each_reminder_comes_once_when_it_is_due(world: World) -> None:
    world.register("Ada")
    world.clock.pass_(days=22, hours=23)
    world.keeper.remind()
    assert reminded(world) == []
    world.clock.pass_(hours=1)
    for _ in range(3):
        world.keeper.remind()
    assert reminded(world) == ["Ada 7d"]
    world.clock.pass_(days=6)
    world.keeper.remind()
    world.clock.pass_(hours=23)
    world.keeper.remind()
    assert reminded(world) == ["Ada 1d", "Ada 1h"]
    world.clock.pass_(hours=1)
    world.keeper.remind()
    assert reminded(world) == [], "the event has begun"


def test_none_for_a_time_before_the_registration(world: World) -> None:
    world.register("Ada")
    world.clock.pass_(days=25)
    world.register("Bob")
    world.keeper.remind()
    assert reminded(world) == ["Ada 7d"]


def test_only_people_with_a_seat_are_reminded(world: World) -> None:
    world.event(seats=1)
    world.register("Ada")
    world.register("Bob")
    world.clock.pass_(days=23)
    world.keeper.remind()
    assert reminded(world) == ["Ada 7d"]


def test_after_an_outage_only_the_latest_reminder_is_sent(world: World) -> None:
    world.register("Ada")
    world.clock.pass_(days=29, hours=1)
    world.keeper.remind()
    assert reminded(world) == ["Ada 1d"]


def test_a_moved_event_reminds_anew(world: World) -> None:
    world.register("Ada")
    world.clock.pass_(days=23)
    world.keeper.remind()
    assert reminded(world) == ["Ada 7d"]
    start = NOON.replace(month=4, day=20)
    world.event(starts_at=start, ends_at=start.replace(hour=18))
    world.clock.instant = start.replace(day=14)
    world.keeper.remind()
    assert reminded(world) == ["Ada 7d"]


def test_reminders_months_before_are_neither_missed_nor_early(world: World) -> None:
    start = NOON + timedelta(days=200)
    world.event(starts_at=start, ends_at=start + timedelta(hours=3), reminders=["90d", "61d"])
    world.register("Ada")
    for days, told in ((109, []), (1, ["Ada 90d"]), (29, ["Ada 61d"]), (40, [])):
        world.clock.pass_(days=days)
        world.keeper.remind()
        assert reminded(world) == told, days


def test_an_event_that_is_not_listed_reminds_too(world: World) -> None:
    world.event(listed=False)
    world.register("Ada")
    world.clock.pass_(days=23)
    world.keeper.remind()
    assert reminded(world) == ["Ada 7d"]


def moved(world: World, **time: float) -> None:
    start = world.clock.now() + timedelta(**time)
    world.event(starts_at=start, ends_at=start + timedelta(hours=3))


def test_after_a_change_of_dates_those_are_owed_that_are_still_to_come(world: World) -> None:
    """Seven days before the new date lay in the past when it was set, for Ada and Bob alike."""
    world.register("Ada")
    world.clock.pass_(days=10)
    world.register("Bob")
    moved(world, days=2)
    world.keeper.remind()
    assert reminded(world) == []
    world.clock.pass_(days=1)
    world.keeper.remind()
    assert reminded(world) == ["Ada 1d", "Bob 1d"]


def test_when_none_is_still_to_come_the_last_is_owed_at_once_to_all_who_have_a_seat(world: World) -> None:
    world.register("Ada")
    world.clock.pass_(days=10)
    moved(world, minutes=30)
    world.clock.pass_(minutes=1)
    world.register("Bob")
    for _ in range(2):
        world.keeper.remind()
    assert reminded(world) == ["Ada 1h"], "Bob came when the new date stood"


def test_an_import_that_moves_nothing_owes_nothing_new(world: World) -> None:
    world.register("Ada")
    world.clock.pass_(days=23)
    world.event(title="The same, renamed")
    world.keeper.remind()
    assert reminded(world) == ["Ada 7d"]


def test_a_crash_between_pages_neither_skips_nor_repeats(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timekeeping, "PAGE", 3)
    names = [f"P{n}" for n in range(10)]
    for name in names:
        world.register(name)
        world.clock.pass_(seconds=1)
    world.clock.pass_(days=23)
    commit, commits = world.store.commit, []

    def dies_at_times(writes: object) -> None:
        commits.append(writes)
        if len(commits) % 2 == 0:
            raise RuntimeError("kill -9")
        commit(writes)  # type: ignore[arg-type]

    monkeypatch.setattr(world.store, "commit", dies_at_times)
    for _ in range(8):
        try:
            world.keeper.remind()
        except RuntimeError:
            continue
    monkeypatch.undo()
    assert reminded(world) == sorted(f"{name} 7d" for name in names)


def test_without_the_checkpoint_people_are_reminded_twice(world: World) -> None:
    """The negative control: the checkpoint is what keeps a second pass quiet."""
    world.register("Ada")
    world.clock.pass_(days=23)
    world.keeper.remind()
    for checkpoint in world.store.query(timekeeping.REMINDERS):
        world.store.commit([Delete(timekeeping.REMINDERS, checkpoint.id, None)])
    assert reminded(world) == ["Ada 7d"]
    world.keeper.remind()
    assert reminded(world) == ["Ada 7d"]

"""The desk's weeks are told exactly, whatever crashed, and from few documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from functions.inquiries.casework import weeks
from functions.inquiries.casework.week_changes import CHANGES, RECEIVED
from functions.inquiries.casework.weeks import TALLIES, WeekTallies
from infra import tallies as command
from shared.adapters.embedded.store import SqliteStore
from shared.ports import Replace
from tests.functions.inquiry_world import World

WHO_A = "lucas.ferreira@who.example"
GENEVA = ZoneInfo("Europe/Zurich")
THIS = "2026-03-02"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def told(world: World, organisation: str = "who") -> weeks.Weeks:
    """Checked against the inquiries."""
    tallies = WeekTallies(world.store, world.clock)
    found = tallies.of(organisation, GENEVA)
    assert found == tallies.counted(organisation, GENEVA)
    return found


def answer(world: World, reference: str) -> None:
    staff, version = world.person(WHO_A), world.view(WHO_A, reference).version
    world.service.casework.answer(staff, reference, version, "Done")


def test_weeks_are_told_before_and_after_the_changes_are_folded(world: World) -> None:
    world.service.deadlines.tick()
    references = [world.routed() for _ in range(4)]
    for reference in references[:3]:
        world.clock.pass_(hours=2)
        answer(world, reference)
    answer(world, references[0])  # the second one is not the first
    assert told(world)[THIS] == {RECEIVED: 4, "2.0": 1, "4.0": 1, "6.0": 1}
    world.service.deadlines.tick()
    assert world.store.count(CHANGES) == 0
    assert weeks.hours_to_answer(told(world)) == [(THIS, 4.0)]


def test_a_part_that_is_handed_over_is_the_others(world: World) -> None:
    reference = world.routed()
    answer(world, reference)
    version = world.view(WHO_A, reference).version
    world.service.casework.hand_over(world.person(WHO_A), reference, version, "wto", "It is theirs.")
    assert told(world)[THIS][RECEIVED] == 0
    assert told(world, "wto")[THIS] == {RECEIVED: 1, "0.0": 1}


def test_what_is_older_than_the_weeks_is_told_no_more(world: World) -> None:
    reference = world.routed()
    world.service.deadlines.tick()
    world.clock.pass_(weeks=weeks.WEEKS)
    answer(world, reference)
    assert not any(told(world).values())
    world.service.deadlines.tick()
    assert THIS not in told(world)


def test_where_an_organisation_has_other_clocks_its_weeks_are_counted_anew(world: World) -> None:
    world.clock.pass_(days=6, hours=15, minutes=30)  # Sunday, half past eleven at night, UTC
    world.routed()
    WeekTallies(world.store, world.clock).build("who", ZoneInfo("UTC"))
    world.service.deadlines.tick()
    assert told(world)["2026-03-09"][RECEIVED] == 1


def test_what_two_clocks_fold_counts_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.service.deadlines.tick()
    world.routed()
    commit, others = SqliteStore.commit, [world.new_service()]

    def overtaken(self: SqliteStore, writes: Any) -> None:
        if any(write.collection == TALLIES for write in writes) and others:
            others.pop().deadlines.tick()
        commit(self, writes)

    monkeypatch.setattr(SqliteStore, "commit", overtaken)
    world.service.deadlines.tick()
    assert not others
    assert told(world)[THIS][RECEIVED] == 1


def test_what_comes_while_a_tally_is_built_is_in_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.routed()
    counted, late = WeekTallies.counted, [1, 2]

    def disturbed(self: WeekTallies, *organisation: Any) -> weeks.Weeks:
        found = counted(self, *organisation)
        if late:
            late.pop()
            world.routed()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(WeekTallies, "counted", disturbed)
        WeekTallies(world.store, world.clock).build("who", GENEVA)
    assert told(world)[THIS][RECEIVED] == 3


def test_weeks_that_are_wrong_are_found_and_built_anew(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA", str(world.folder))
    monkeypatch.delenv("PROJECT", raising=False)
    monkeypatch.setattr(command, "SystemClock", lambda offset: world.clock)
    world.routed()
    assert command.main([]) == 0
    wrong = world.store.get(TALLIES, "who")
    assert wrong
    world.store.commit([Replace(TALLIES, "who", {**wrong.data, "weeks": {THIS: {RECEIVED: 9}}}, wrong.version)])
    assert command.main([]) == 1
    found = capsys.readouterr().out
    assert found == f"who: the inquiries of {THIS} or their answers: 10 are told, and there are 1\n"
    assert command.main(["--rebuild"]) == 0
    assert told(world)[THIS][RECEIVED] == 1

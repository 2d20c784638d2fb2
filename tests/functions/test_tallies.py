"""How many registrations there are in each state is told exactly, whatever crashed, and from few documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from functions.registration.registrations import tallies
from functions.registration.registrations.documents import REGISTRATIONS
from functions.registration.registrations.tallies import STATES, TALLIES, Tallies
from functions.registration.registrations.tally_changes import CHANGES
from infra import tallies as command
from shared.adapters.embedded.store import SqliteStore
from shared.ports import Conflict, Delete, Replace
from tests.functions.registration_world import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("DATA", str(tmp_path))
    monkeypatch.delenv("PROJECT", raising=False)
    return World(tmp_path)


def told(world: World, *events: str) -> dict[str, dict[str, int]]:
    """By event and state, checked against the registrations and the free seats."""
    names = events or ("forum",)
    found = world.service.counts(names)
    assert found == {event: Tallies(world.store).counted(event) for event in names}
    return {event: {state: counts[state] for state in STATES} for event, counts in found.items()}


def live(world: World) -> None:
    """A day of an event, in each state somebody."""
    world.event(seats=2, verify_email=True)
    for name in ("Ada", "Bob", "Cy", "Di", "Eve"):
        world.register(name)
        world.clock.pass_(seconds=1)
    for name in ("Ada", "Bob", "Cy", "Di"):
        world.verify(name)
    world.service.cancel(world.manage("Ada"))


def test_each_state_is_told_before_and_after_the_changes_are_folded(world: World) -> None:
    live(world)
    assert told(world)["forum"] == {"confirmed": 1, "waitlisted": 2, "unverified": 1, "cancelled": 1, "expired": 0}
    world.keeper.tick()
    assert world.store.count(CHANGES) == 0
    assert told(world)["forum"] == {"confirmed": 2, "waitlisted": 1, "unverified": 1, "cancelled": 1, "expired": 0}
    world.clock.pass_(days=3)
    world.keeper.tick()
    assert told(world)["forum"]["expired"] == 1


def test_several_events_are_told_at_once(world: World) -> None:
    for event in ("forum", "webinar", "empty"):
        world.event(event)
    world.register("Ada")
    world.keeper.tick()
    world.register("Bob", "webinar")
    world.register("Cy", "webinar")
    found = told(world, "forum", "webinar", "empty")
    assert [found[event]["confirmed"] for event in ("forum", "webinar", "empty")] == [1, 2, 0]


def test_what_two_clocks_fold_counts_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    live(world)
    commit, others = SqliteStore.commit, [world.new_service()]

    def overtaken(self: SqliteStore, writes: Any) -> None:
        if any(write.collection == TALLIES for write in writes) and others:
            others.pop().timekeeper().tick()
        commit(self, writes)

    monkeypatch.setattr(SqliteStore, "commit", overtaken)
    world.keeper.tick()
    assert not others
    told(world)


def test_more_changes_than_one_commit_takes_are_folded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "PAGE", 2)
    live(world)
    world.keeper.tick()
    assert world.store.count(CHANGES) == 0
    told(world)


@pytest.mark.parametrize("folded", [True, False])
def test_a_store_from_before_there_were_tallies_gets_them(world: World, folded: bool) -> None:
    live(world)
    world.store.commit([Delete(TALLIES, "forum", None)])
    if folded:
        world.keeper.tick()
    told(world)
    assert world.store.get(TALLIES, "forum")


def test_a_tally_that_is_wrong_is_found_and_built_anew(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    live(world)
    assert command.main([]) == 0
    wrong = world.store.get(TALLIES, "forum")
    assert wrong
    world.store.commit([Replace(TALLIES, "forum", {"counts": {**wrong.data["counts"], "confirmed": 9}}, wrong.version)])
    assert command.main([]) == 1
    assert capsys.readouterr().out == "forum: 10 confirmed are told, and there are 1\n"
    assert command.main(["--rebuild"]) == 0
    assert command.main([]) == 0
    told(world)


def test_whoever_registers_while_a_tally_is_built_is_in_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.event()
    world.register("Ada")
    counted, late = Tallies.counted, ["Bob", "Cy"]

    def disturbed(self: Tallies, event: str) -> dict[str, int]:
        found = counted(self, event)
        if late:
            world.register(late.pop())
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Tallies, "counted", disturbed)
        Tallies(world.store).build("forum")
    assert told(world)["forum"]["confirmed"] == 3


def test_an_event_that_never_rests_is_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.event()
    world.register("Ada")
    world.store.commit([Delete(TALLIES, "forum", None)])

    def restless(self: Tallies, event: str) -> None:
        raise Conflict(event)

    monkeypatch.setattr(Tallies, "_build", restless)
    assert told(world)["forum"]["confirmed"] == 1


def test_a_page_reads_no_registration(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    live(world)
    asked = []
    count = SqliteStore.count
    monkeypatch.setattr(SqliteStore, "count", lambda self, *a, **o: asked.append(a[0]) or count(self, *a, **o))  # type: ignore[func-returns-value]
    world.service.counts(["forum"])
    assert REGISTRATIONS not in asked

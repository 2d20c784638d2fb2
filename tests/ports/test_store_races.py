"""Races over the same documents, from several processes. Each has its negative control: with the preconditions
stripped off the same race must break what the guarded one keeps, else it would prove nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.ports import Conflict, Create, Delete, Replace, Store, decide
from tests.ports.engines import params
from tests.ports.racing import CLAIMANTS, race

PRIZES = 6
ROUNDS = 5


@pytest.fixture(params=params(apart=True))
def engine_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def won(commit: Callable[[], None]) -> bool:
    try:
        commit()
    except Conflict:
        return False
    return True


def create_each(store: Store, number: int, ready: Callable[[], Any]) -> list[str]:
    """All claimants want each prize at the same moment."""
    mine = []
    for prize in map(str, range(PRIZES)):
        ready()
        if won(lambda p=prize: store.commit([Create("claims", p, {"by": number})])):  # type: ignore[misc]
            mine.append(prize)
    return mine


def delete_each(store: Store, number: int, ready: Callable[[], Any]) -> list[str]:
    """All claimants have read each prize before the first one takes it away."""
    mine = []
    for prize in map(str, range(PRIZES)):
        document = store.get("claims", prize)
        assert document is not None
        ready()
        if won(lambda d=document: store.commit([Delete("claims", d.id, d.version)])):  # type: ignore[misc]
            mine.append(prize)
    return mine


def create_in_groups(store: Store, number: int, ready: Callable[[], Any]) -> list[str]:
    """Each round the claimants' groups of three overlap: neighbours share prizes."""
    mine = []
    for turn in range(PRIZES):
        group = [f"{turn}:{(number + step) % CLAIMANTS}" for step in (0, 1, 2)]
        ready()
        if won(lambda g=group: store.commit([Create("claims", id, {"by": number}) for id in g])):  # type: ignore[misc]
            mine.extend(group)
    return mine


def count_up(store: Store, number: int, ready: Callable[[], Any]) -> int:
    """Read, add one, write; ``ready`` lets everybody read the same count in the first round."""

    def one_more() -> None:
        counter = store.get("claims", "counter")
        assert counter is not None
        if not ready_once:
            ready_once.append(ready())
        store.commit([Replace("claims", "counter", {"n": counter.data["n"] + 1}, counter.version)])

    ready_once: list[Any] = []
    for _ in range(ROUNDS):
        decide(one_more, attempts=60)
    return ROUNDS


def test_each_prize_has_one_winner(store: Store, engine_name: str, place: str) -> None:
    won_by = race(engine_name, place, create_each)
    assert sorted(prize for mine in won_by for prize in mine) == sorted(map(str, range(PRIZES)))
    for document in store.query("claims"):
        assert sum(document.id in mine for mine in won_by) == 1


def test_unguarded_creates_have_several_winners(store: Store, engine_name: str, place: str) -> None:
    assert sum(map(len, race(engine_name, place, create_each, guarded=False))) > PRIZES


def test_each_prize_is_taken_away_once(store: Store, engine_name: str, place: str) -> None:
    store.commit([Create("claims", str(n), {}) for n in range(PRIZES)])
    won_by = race(engine_name, place, delete_each)
    assert sorted(prize for mine in won_by for prize in mine) == sorted(map(str, range(PRIZES)))
    assert store.count("claims") == 0


def test_unguarded_deletes_have_several_winners(store: Store, engine_name: str, place: str) -> None:
    store.commit([Create("claims", str(n), {}) for n in range(PRIZES)])
    assert sum(map(len, race(engine_name, place, delete_each, guarded=False))) > PRIZES


def test_groups_are_taken_whole_or_not_at_all(store: Store, engine_name: str, place: str) -> None:
    won_by = race(engine_name, place, create_in_groups)
    taken = sorted(prize for mine in won_by for prize in mine)
    assert taken == sorted(d.id for d in store.query("claims", limit=1000)), "nothing of a losing group is left"
    assert len(taken) == len(set(taken))
    assert {id.partition(":")[0] for id in taken} == set(map(str, range(PRIZES))), "somebody wins each round"


def test_unguarded_groups_overlap(store: Store, engine_name: str, place: str) -> None:
    taken = [prize for mine in race(engine_name, place, create_in_groups, guarded=False) for prize in mine]
    assert len(taken) > len(set(taken))


def test_no_increment_is_lost(store: Store, engine_name: str, place: str) -> None:
    store.commit([Create("claims", "counter", {"n": 0})])
    total = sum(race(engine_name, place, count_up))
    counter = store.get("claims", "counter")
    assert counter is not None
    assert counter.data["n"] == total


def test_unguarded_increments_are_lost(store: Store, engine_name: str, place: str) -> None:
    store.commit([Create("claims", "counter", {"n": 0})])
    total = sum(race(engine_name, place, count_up, guarded=False))
    counter = store.get("claims", "counter")
    assert counter is not None
    assert counter.data["n"] < total


@pytest.mark.parametrize("engine_name", ["embedded"])
def test_a_race_tells_of_a_claimant_that_failed(engine_name: str, place: str) -> None:
    with pytest.raises(RuntimeError, match="AssertionError"):
        race(engine_name, place, delete_each)

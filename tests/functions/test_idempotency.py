"""The key comes first and decides, whatever seats, phase and registrations are by then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.registration.errors import Closed, Full
from functions.registration.registrations.documents import REGISTRATIONS
from functions.registration.registrations.register import Receipt
from shared.errors import FaultyFields
from shared.idempotency import UNDER_WAY, KeyReused
from shared.ports import Delete, Unavailable
from tests.functions.registration_world import NOON, World
from tests.interruptions import Interrupted


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def another(world: World) -> tuple[World, Interrupted]:
    """A second process on the same store, whose calls can be interrupted."""
    other = World(world.folder, world.clock)
    store = Interrupted(other.store)
    other.store = store  # type: ignore[assignment]
    other.service = other.new_service()
    return other, store


def _full(world: World) -> None:
    world.register("Bob")


def _closed(world: World) -> None:
    world.clock.pass_(days=12)


@pytest.mark.parametrize("change", [_full, _closed, lambda world: None], ids=["full", "closed", "registered"])
@pytest.mark.parametrize("waitlist", [True, False])
@pytest.mark.parametrize("verify", [True, False])
def test_a_retry_whose_answer_was_lost_gets_it(
    world: World, change: Callable[[World], None], waitlist: bool, verify: bool
) -> None:
    closes = NOON + timedelta(days=10)
    world.event(seats=2, waitlist=waitlist, verify_email=verify, registration_closes_at=closes)
    first = world.register("Ada", key="k")
    change(world)
    assert another(world)[0].register("Ada", key="k") == first
    assert world.names(first.state).count("Ada") == 1


def test_a_retry_gets_its_answer_though_the_organiser_asks_more_by_now(world: World) -> None:
    world.event()
    first = world.register("Ada", key="k")
    world.event(questions=[{"id": "function", "label": "Function", "required": True}])
    assert world.register("Ada", key="k") == first
    with pytest.raises(FaultyFields):
        world.register("Bob", key="other")


@pytest.mark.parametrize(
    ("moment", "call", "collection"),
    [("before", "commit", "registrations"), ("after", "query", "seats"), ("before", "get", "gates")],
)
def test_a_second_submit_under_way_gets_the_firsts_answer(
    world: World, moment: Any, call: str, collection: str
) -> None:
    """The twin commits at another point of the retry's way, each time the last seat."""
    world.event(seats=1)
    if collection == "gates":
        world.register("Bob")
    retry, store = another(world)
    answers: list[Receipt] = []
    store.once(call, collection, moment, lambda: answers.append(world.register("Ada", key="k")))
    answers.append(retry.register("Ada", key="k"))
    assert store.idle
    assert answers[0] == answers[1]
    assert [r.given_name for r in world.registrations()].count("Ada") == 1


def test_a_retry_that_would_be_refused_while_its_twin_is_under_way_refuses_both(world: World) -> None:
    """Registration closes while the first is under way. Before the fix the first was stored, its client told so twice:
    closed, and confirmed."""
    world.event(registration_closes_at=NOON + timedelta(days=1))
    first, store = another(world)
    told: list[str] = []

    def retry_after_the_close() -> None:
        world.clock.pass_(days=2)
        with pytest.raises(Closed):
            world.register("Ada", key="k")
        told.append("closed")
        world.clock.pass_(days=-2)

    store.once("commit", REGISTRATIONS, "before", retry_after_the_close)
    with pytest.raises(Closed):
        first.register("Ada", key="k")
    assert told == ["closed"]
    assert world.registrations() == []


def test_a_refusal_does_not_bind_for_long(world: World) -> None:
    world.event(seats=1, waitlist=False)
    world.register("Bob")
    with pytest.raises(Full):
        world.register("Ada", key="k")
    world.service.cancel(world.manage("Bob"))
    world.keeper.settle("forum")
    with pytest.raises(Full):
        another(world)[0].register("Ada", key="k")
    assert world.names("confirmed") == [], "a twin might still be under way"
    world.clock.instant += UNDER_WAY
    assert another(world)[0].register("Ada", key="k").state == "confirmed"
    assert another(world)[0].register("Ada", key="k").state == "confirmed"
    assert world.names("confirmed") == ["Ada"]


def test_a_refused_key_may_be_used_with_what_was_corrected(world: World) -> None:
    """A form that came back for want of a seat is sent again, for another category."""
    categories = [{"id": "a", "name": "A", "seats": 0}, {"id": "b", "name": "B"}]
    world.event(categories=categories, waitlist=False)
    with pytest.raises(Full):
        world.ask("Ada", category="a", key="k")
    assert world.register("Ada", category="b", key="k").state == "confirmed"
    with pytest.raises(KeyReused):
        world.ask("Ada", category="a", key="k")


def test_registration_that_is_not_open_yet_binds_no_key(world: World) -> None:
    world.event(registration_opens_at=NOON + timedelta(seconds=1))
    with pytest.raises(Closed):
        world.register("Ada", key="k")
    world.clock.pass_(seconds=1)
    assert world.register("Ada", key="k").state == "confirmed"


@pytest.mark.parametrize("verify", [True, False])
def test_the_answer_is_the_first_for_ever(world: World, verify: bool) -> None:
    """What became of a registration is its owner's to know, and whether there was one before is too."""
    world.event(verify_email=verify, seats=1)
    answers = [world.ask("Ada", key="real")]
    answers_of_the_known = [world.ask("Ada", key="decoy")]
    for change in (world.verify if verify else world.manage, lambda name: world.service.cancel(world.manage(name))):
        change("Ada")
        answers.append(world.ask("Ada", key="real"))
        answers_of_the_known.append(world.ask("Ada", key="decoy"))
    assert answers == answers[:1] * 3
    assert answers_of_the_known == answers_of_the_known[:1] * 3
    assert answers[0].state == answers_of_the_known[0].state == ("unverified" if verify else "received")
    assert len(world.registrations()) == 1
    world.store.commit([Delete(REGISTRATIONS, world.registrations()[0].reference, None)])
    assert world.ask("Ada", key="real") == answers[0], "erased"
    world.keeper.settle("forum")
    assert world.register("Ada", key="another").state == ("unverified" if verify else "confirmed")


def test_keys_of_other_events_and_other_kinds_of_clients_are_other_keys(world: World) -> None:
    world.event()
    world.event("other")
    receipts = [
        world.register("Ada", key="api:k"),
        world.register("Bob", key="form:k"),
        world.register("Ada", event="other", key="api:k"),
    ]
    assert len({receipt.reference for receipt in receipts}) == 3


def test_an_answer_that_was_lost_on_the_way_from_the_store_is_found(world: World) -> None:
    world.event(seats=1, waitlist=False)
    first, store = another(world)

    def lost() -> None:
        raise Unavailable("no answer")

    store.once("commit", REGISTRATIONS, "after", lost)
    with pytest.raises(Unavailable):
        first.register("Ada", key="k")
    assert first.register("Ada", key="k").state == "confirmed"
    with pytest.raises(Full):
        first.register("Ada")


@pytest.mark.parametrize("key", [None, "k"])
def test_a_plain_registration_reads_nothing_for_its_key(
    world: World, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    world.event(seats=10)
    world.register("Bob")
    get, asked = world.store.get, []

    def counted(collection: str, id: str) -> Any:
        asked.append(collection)
        return get(collection, id)

    monkeypatch.setattr(world.store, "get", counted)
    world.ask("Ada", key=key)
    assert asked == ["persons"]

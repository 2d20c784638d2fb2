"""Register, verify, correct, cancel: every state, and what each announces."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from functions.registration.errors import Closed, EventNotFound, NotPossible
from functions.registration.registrations.models import Correction
from shared.errors import FaultyFields
from shared.idempotency import KeyReused
from shared.keys.tokens import BadToken
from shared.ports import Unavailable
from tests.functions.registration_world import NOON, World, request


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_an_open_event_confirms_at_once_and_says_so(world: World) -> None:
    world.event(join_link="https://meet.example/x")
    receipt = world.register("Ada")
    assert receipt.state == "confirmed"
    [row] = world.outbox("registration.confirmed")
    assert row.data["data"]["registrant"]["email"] == "ada@example.org"
    assert row.data["data"]["event"]["join_link"] == "https://meet.example/x"


def test_a_link_of_another_purpose_opens_nothing(world: World) -> None:
    world.event()
    reference = world.register("Ada").reference
    token = world.manage("Ada")
    assert world.service.open(token).reference == reference
    with pytest.raises(BadToken):
        world.service.open(token[:-2] + "xx")
    with pytest.raises(BadToken):
        world.service.verify(token)


def test_an_idempotency_key_repeats_the_answer(world: World) -> None:
    world.event(seats=10)
    first = world.register("Ada", key="k")
    assert world.register("Ada", key="k") == first
    assert len(world.registrations()) == 1
    assert world.tickets("forum:*") == 9
    with pytest.raises(KeyReused):
        world.register("Bob", key="k")


def test_verification_confirms_the_kept_seat_and_twice_is_no_error(world: World) -> None:
    world.event(verify_email=True, seats=1)
    assert world.register("Ada").state == "unverified"
    assert world.tickets("forum:*") == 0
    assert world.verify("Ada").state == "confirmed"
    assert world.verify("Ada").state == "confirmed"
    assert len(world.outbox("registration.confirmed")) == 1


def test_the_join_link_is_kept_from_all_but_the_confirmed(world: World) -> None:
    world.event(verify_email=True, seats=1, join_link="https://meet.example/x")
    world.register("Ada")
    world.verify("Ada")
    world.register("Bob")
    world.verify("Bob")
    for type in ("registration.received", "registration.waitlisted"):
        assert all("join_link" not in row.data["data"]["event"] or not row.data["data"]["event"]["join_link"]
                   for row in world.outbox(type))  # fmt: skip
    assert world.outbox("registration.confirmed")[0].data["data"]["event"]["join_link"]


def test_an_unverified_registration_expires_and_its_seat_and_address_are_free(world: World) -> None:
    world.event(verify_email=True, verify_within_hours=48, seats=1)
    world.register("Ada")
    world.clock.pass_(hours=47)
    assert world.keeper.expire_unverified() == 0
    world.clock.pass_(hours=2)
    assert world.keeper.expire_unverified() == 1
    assert world.keeper.expire_unverified() == 0
    with pytest.raises(NotPossible):
        world.verify("Ada")
    world.keeper.settle("forum")
    assert world.tickets("forum:*") == 1
    assert world.register("Ada").state == "unverified"


def test_the_confirmed_keep_their_seat_past_the_verification_time(world: World) -> None:
    world.event(verify_email=True, seats=1)
    world.register("Ada")
    world.verify("Ada")
    world.clock.pass_(days=5)
    assert world.keeper.expire_unverified() == 0
    assert world.names("confirmed") == ["Ada"]


def test_a_correction_is_stored_and_counts_the_calendar_sequence(world: World) -> None:
    world.event()
    world.register("Ada")
    token = world.manage("Ada")
    correction = Correction(given_name="Augusta", family_name="King", country="GB", organisation="", language="ar")
    changed = world.service.correct(token, correction)
    assert (changed.given_name, changed.language, changed.sequence) == ("Augusta", "ar", 1)
    world.service.correct(token, correction)
    assert len(world.outbox("registration.corrected")) == 1, "the same again is no change"


def test_a_cancelled_registration_cannot_be_corrected_or_verified(world: World) -> None:
    world.event()
    world.register("Ada")
    token = world.manage("Ada")
    world.service.cancel(token)
    assert world.service.cancel(token).state == "cancelled"
    assert len(world.outbox("registration.cancelled")) == 1
    with pytest.raises(NotPossible):
        world.service.correct(token, Correction(given_name="A", family_name="B", country="CH"))
    with pytest.raises(NotPossible):
        world.verify("Ada")
    assert world.register("Ada").state == "confirmed", "the address may register again"


def test_what_is_not_open_is_refused(world: World) -> None:
    world.event("soon", registration_opens_at=NOON + timedelta(days=1))
    world.event("over", registration_closes_at=NOON - timedelta(days=1))
    for id, phase in (("soon", "soon"), ("over", "closed")):
        with pytest.raises(Closed) as refused:
            world.register("Ada", event=id)
        assert refused.value.phase == phase
    with pytest.raises(EventNotFound):
        world.register("Ada", event="nothing")
    assert world.registrations() == []


def test_answers_and_category_must_fit_the_event(world: World) -> None:
    options = [{"id": "halal", "label": "Halal"}]
    world.event(
        questions=[
            {"id": "function", "label": "Function", "required": True},
            {"id": "diet", "label": "Meals", "kind": "choice", "options": options},
        ]
    )
    with pytest.raises(FaultyFields) as refused:
        world.register("Ada", category="vip", answers={"diet": "steak", "shoe_size": 44})
    assert set(refused.value.errors) == {"category", "answers.diet", "answers.function", "answers.shoe_size"}
    assert world.registrations() == []
    with pytest.raises(FaultyFields) as refused:
        world.register("Ada", answers={"function": "Minister", "diet": 0})
    assert set(refused.value.errors) == {"answers.diet"}, "0 is an answer, though it equals False"
    world.register("Ada", answers={"function": "Minister", "diet": "halal"})
    assert world.registrations()[0].answers == {"function": "Minister", "diet": "halal"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("given_name", "a\r\nBcc: x@example.org"),
        ("email", "nobody"),
        ("email", "a@b@c.example"),
        ("country", "XX"),
        ("language", "english please"),
        ("consent", False),
        ("family_name", "x" * 201),
    ],
)
def test_a_faulty_field_is_named(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        request("Ada", **{field: value})
    assert [error["loc"] for error in refused.value.errors()] == [(field,)]


def test_a_store_that_does_not_answer_leaves_nothing_half_stored(world: World) -> None:
    world.event(seats=1)
    whole = world.store.commit

    def fails(writes: object) -> None:
        raise Unavailable("down")

    world.store.commit = fails  # type: ignore[method-assign,assignment]
    with pytest.raises(Unavailable):
        world.register("Ada")
    world.store.commit = whole  # type: ignore[method-assign]
    assert (world.registrations(), world.tickets("forum:*")) == ([], 1)
    assert world.register("Ada").state == "confirmed", "the seat that was hinted at is still to be had"

"""An address that registers again: its owner is told, by mail; whoever typed it learns nothing, not even by the time.

What an answer takes is told by the calls to the store that it waits for: they are as many, of the same kinds, in the
same order.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from functions.registration import handlers
from functions.registration.events import repository
from functions.registration.registrations import register, seats
from functions.registration.registrations.documents import PERSONS, person_id
from shared.contracts.registration import MailWanted, RegisteredAgain
from shared.ports import Document
from tests.functions.browser import platform, words
from tests.functions.registration_world import World
from tests.functions.test_registration_pages import LINA, PageWorld
from tests.interruptions import Interrupted

CALLS = ("get", "get_many", "query", "count", "commit")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def pages(tmp_path: Path) -> PageWorld:
    return PageWorld(tmp_path)


@pytest.fixture
def standing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process has read a moment ago it believes throughout the test."""
    for module in (repository, seats):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: 0.0))


class Counted:
    """A store that notes what is asked of it."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.calls: list[tuple[str, str]] = []

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        if name not in CALLS:
            return real

        def call(first: Any, *others: Any, **options: Any) -> Any:
            self.calls.append((name, first if isinstance(first, str) else ""))
            return real(first, *others, **options)

        return call


def taken(world: World, name: str) -> tuple[object, list[tuple[str, str]]]:
    """What a form is answered, and the calls that it took."""
    store = Counted(world.store)
    for part in (world.service, world.service.seats, world.service._placing, world.service.events):
        part._store = store  # type: ignore[attr-defined]
    try:
        return world.ask(name), store.calls
    except Exception as error:
        return type(error), store.calls


EVENTS: dict[str, dict[str, Any]] = {
    "unlimited": {},
    "seats": {"seats": 40},
    "full": {"seats": 0},
    "full, no waitlist": {"seats": 0, "waitlist": False},
    "a quota": {"seats": 40, "categories": [{"id": "participant", "name": "P", "seats": 30}, {"id": "x", "name": "X"}]},
}


def known_and_new(
    world: World, monkeypatch: pytest.MonkeyPatch, verify: bool, kind: str
) -> list[tuple[object, list[tuple[str, str]]]]:
    world.event(verify_email=verify, seats=40)
    world.register("Ada")
    if verify:
        world.verify("Ada")
    event = world.event(verify_email=verify, **EVENTS[kind])
    world.service.seats.forget(event.capacities())
    from_the_first = SimpleNamespace(token_hex=lambda size: "0" * 2 * size)
    monkeypatch.setattr(seats, "secrets", from_the_first)  # tickets are read from a random place, sometimes the last
    for name in ("Warm", "Up"):
        taken(world, name)  # what a process has at hand
    return [taken(world, "Ada"), taken(world, "Eve")]


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("verify", [True, False])
def test_a_known_address_is_answered_as_a_new_one_and_costs_the_same(
    world: World, standing: None, monkeypatch: pytest.MonkeyPatch, verify: bool, kind: str
) -> None:
    known, new = known_and_new(world, monkeypatch, verify, kind)
    assert known == new
    assert world.names("confirmed").count("Ada") == 1


def test_the_calls_would_tell_if_the_answer_waited_for_more(
    world: World, standing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: looking up the registration before answering."""
    again = register._again

    def curious(event: Any, claim: Document, *others: Any) -> Any:
        world.service.find(claim.data["reference"])
        return again(event, claim, *others)

    monkeypatch.setattr(register, "_again", curious)
    known, new = known_and_new(world, monkeypatch, True, "seats")
    assert known[0] == new[0]
    assert known[1] != new[1]


@pytest.mark.parametrize("verify", [True, False])
def test_page_and_api_tell_a_stranger_nothing(pages: PageWorld, verify: bool) -> None:
    pages.event(verify_email=verify, seats=9)
    pages.fill_in()
    if verify:
        pages.verify("Lina")
    shown = []
    for email in ("lina@example.org", "new@example.org"):
        sent = pages.fill_in(email=email)
        page = pages.visitor.follow(sent)
        body = {name: value for name, value in LINA.items() if name != "consent"} | {"email": email, "consent": True}
        program = pages.visitor.post("/api/events/forum/registrations", json=body | {"category": "participant"})
        assert program.json
        told = {name: value for name, value in program.json.items() if name != "links"}
        shown.append((sent.status_code, words(page), program.status_code, told, set(program.json["links"])))
    assert shown[0] == shown[1]
    everybody = {one.reference for one in pages.registrations()}
    assert not [reference for reference in everybody if reference in str(shown)]
    assert "/r/" not in str(shown)


# -- the owner --


def mailed(world: World, kind: str) -> list[dict[str, Any]]:
    return [row.data["data"] for row in world.outbox(kind)]


def test_who_has_not_verified_yet_gets_the_link_again_with_the_reference_that_there_is(world: World) -> None:
    world.event(verify_email=True)
    reference = world.register("Ada").reference
    world.register("Ada")
    world.hear()
    first, second = mailed(world, "registration.received")
    assert (first["reference"], second["reference"]) == (reference, reference)
    assert first["verify_link"] == second["verify_link"]


def test_who_has_registered_is_told_what_there_is(world: World) -> None:
    world.event(seats=1)
    for name in ("Ada", "Bob"):
        world.register(name)
        world.ask(name)
        world.hear()
    waits = {one["reference"]: one["waits"] for one in mailed(world, "registration.repeated")}
    assert waits == {one.reference: one.given_name == "Bob" for one in world.registrations()}


def test_the_owner_hears_of_it_once_an_hour_however_often_it_comes(world: World) -> None:
    world.event()
    world.register("Ada")
    for _ in range(3):
        world.ask("Ada")
        world.hear()
    assert len(mailed(world, "registration.repeated")) == 1
    world.clock.pass_(hours=1)
    world.ask("Ada")
    world.hear()
    assert len(mailed(world, "registration.repeated")) == 2


def test_the_language_of_the_latest_form_counts_until_somebody_is_the_owner(world: World) -> None:
    world.event(verify_email=True)
    world.register("Ada", language="en")
    world.clock.pass_(minutes=1)
    world.ask("Ada", language="ar")
    world.hear()
    assert {one["registrant"]["language"] for one in mailed(world, "registration.received")} == {"en", "ar"}
    assert world.verify("Ada").language == "ar"
    assert mailed(world, "registration.confirmed")[0]["registrant"]["language"] == "ar"
    world.clock.pass_(hours=1)
    world.ask("Ada", language="fr")
    world.hear()
    assert mailed(world, "registration.repeated")[0]["registrant"]["language"] == "fr", "the mail about that form"
    assert world.registrations()[0].language == "ar", "a stranger may have sent it"


def test_forms_that_are_heard_of_in_another_order_leave_the_latest_language(world: World) -> None:
    world.event(verify_email=True)
    world.register("Ada", language="en")
    asked = []
    for language in ("ar", "fr"):
        world.clock.pass_(minutes=1)
        world.ask("Ada", language=language)
        asked += world.outbox(RegisteredAgain.type)
    newest_first = sorted({row.id: row for row in asked}.values(), key=lambda row: row.data["time"], reverse=True)
    for row in [*newest_first, newest_first[0]]:
        world.store.commit(world.service.on_registered_again(heard(row)))
        assert world.registrations()[0].language == "fr"


def heard(row: Document) -> Any:
    from shared.contracts.bus_events import message, parse

    sent = message(row.id, row.data)
    return parse(sent.data, dict(sent.attributes))


def test_what_ended_before_it_was_heard_of_mails_nothing_more(world: World) -> None:
    world.event()
    world.register("Ada")
    world.ask("Ada")
    world.service.cancel(world.manage("Ada"))
    world.hear()
    assert mailed(world, "registration.repeated") == []


@pytest.mark.parametrize("verify", [True, False])
def test_who_cancels_while_registering_again_is_registered_anew(world: World, verify: bool) -> None:
    """The claim that was seen is gone by the commit: a 2xx must not rest on it."""
    world.event(verify_email=verify)
    world.register("Ada")
    token, store = world.manage("Ada"), Interrupted(world.store)
    other = World(world.folder, world.clock)
    other.store = store  # type: ignore[assignment]
    other.service = other.new_service()
    store.once("commit", PERSONS, "before", lambda: world.service.cancel(token))
    other.ask("Ada")
    assert store.idle
    assert sorted(one.state for one in world.registrations()) == sorted(
        ["cancelled", "unverified" if verify else "confirmed"]
    )


def test_the_receipts_button_takes_the_same_whatever_became_of_the_registration(world: World) -> None:
    world.event()
    for name in ("Ada", "Bob"):
        world.register(name)
    world.service.cancel(world.manage("Bob"))
    costs = []
    for name in ("Ada", "Bob", "Eve"):
        store = Counted(world.store)
        world.service._store = store  # type: ignore[assignment]
        world.service.send_again("forum", person_id("forum", f"{name.lower()}@example.org"))
        costs.append(store.calls)
    assert costs == [[("commit", "")]] * 3


def test_the_bus_brings_it(tmp_path: Path) -> None:
    world = PageWorld(tmp_path)
    heard = handlers.intake(platform(tmp_path), world.service).handlers
    assert heard[RegisteredAgain] == world.service.on_registered_again
    assert heard[MailWanted] == world.service.on_mail_wanted

"""What is stored about a person can be shown and erased."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from infra import person, tallies, transfer
from shared.adapters.embedded.store import SqliteStore
from shared.formats.addresses import address_key
from shared.ports import Create, Delete
from tests.functions.registration_world import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("DATA", str(tmp_path))
    monkeypatch.delenv("PROJECT", raising=False)
    world = World(tmp_path)
    world.event()
    world.register("Jane")
    world.register("Janet")
    return world


def relay(world: World) -> None:
    world.store.commit([Delete("outbox", row.id, None) for row in world.store.query("outbox")])


def collections_about(world: World, address: str) -> set[str]:
    assert isinstance(world.store, SqliteStore)
    return {document.collection for document in person.about(world.store, address)}


def test_every_document_about_a_person_is_found_whatever_the_case(world: World) -> None:
    assert "registrations" in collections_about(world, "JANE@example.org")
    assert collections_about(world, "nobody@example.org") == set()


def test_nothing_is_erased_while_a_registration_is_alive(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert person.main(["jane@example.org", "--erase"]) == 1
    assert "is confirmed: cancel it first" in capsys.readouterr().err
    assert "registrations" in collections_about(world, "jane@example.org")


def test_after_cancelling_nothing_of_the_person_is_left_and_others_stay(world: World) -> None:
    world.service.cancel(world.manage("Jane"))
    relay(world)
    assert person.main(["jane@example.org", "--erase"]) == 0
    assert collections_about(world, "jane@example.org") == set()
    assert world.names("confirmed") == ["Janet"]


def test_who_never_verified_is_erased_and_the_seat_is_free_again(world: World) -> None:
    world.event(id="hall", verify_email=True, seats=3)
    world.register("Tom", event="hall")
    relay(world)
    assert world.tickets("hall:*") == 2
    assert person.main(["tom@example.org", "--erase"]) == 0
    assert collections_about(world, "tom@example.org") == set()
    world.keeper.tick()
    assert world.tickets("hall:*") == 3


def test_the_count_of_mails_under_the_hash_goes_too(world: World) -> None:
    world.store.commit([Create("mailboxes", address_key("Jane@example.org"), {"count": 1})])
    world.store.commit([Create("mailboxes", address_key("janet@example.org"), {"count": 1})])
    assert isinstance(world.store, SqliteStore)
    found = {f"{document.collection}/{document.id}" for document in person.about(world.store, "jane@example.org")}
    assert f"mailboxes/{address_key('jane@example.org')}" in found
    assert f"mailboxes/{address_key('janet@example.org')}" not in found


def test_a_mail_that_is_on_its_way_is_not_lost(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.service.cancel(world.manage("Jane"))
    assert person.main(["jane@example.org", "--erase"]) == 1
    assert "is on its way: try again in a minute" in capsys.readouterr().err


def test_a_dead_letter_is_found_by_what_it_says_and_erased(world: World) -> None:
    data = base64.b64encode(b'{"registrant": {"email": "tom@example.org"}}').decode()
    world.store.commit([Create("dead_letters", "d1", {"state": "open", "data": data})])
    assert collections_about(world, "Tom@example.org") == {"dead_letters"}
    assert person.main(["tom@example.org", "--erase"]) == 0
    assert collections_about(world, "tom@example.org") == set()


def test_an_inquiry_is_left_to_the_desk(world: World) -> None:
    world.store.commit([Create("inquiries", "i1", {"requester": {"email": "tom@example.org"}})])
    assert isinstance(world.store, SqliteStore)
    with pytest.raises(transfer.NotMoved, match="inquiries/i1 is erased or changed at the desk"):
        person.erase(world.store, list(person.about(world.store, "tom@example.org")))


def test_who_is_erased_is_counted_no_more(world: World) -> None:
    world.service.cancel(world.manage("Jane"))
    relay(world)
    assert world.service.counts(["forum"])["forum"]["cancelled"] == 1
    assert person.main(["jane@example.org", "--erase"]) == 0
    assert world.service.counts(["forum"])["forum"]["cancelled"] == 0
    assert tallies.main([]) == 0

"""An event that no list shows the public is an event like all others to its staff, its people and the clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from functions.registration.events.models import EventDefinition
from functions.registration.events.repository import Catalogue
from tests.functions.browser import words
from tests.functions.registration_world import World
from tests.functions.test_event_organisations import browser
from tests.functions.test_registration_pages import PageWorld

MAILED = ("registration.expired", "registration.confirmed", "registration.reminder_due")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def what_the_clock_does(world: World, listed: bool) -> list[str]:
    """Who is told what, of a hold that lapses, a registration that expires, a seat that comes back and a reminder."""
    world.event(listed=listed, verify_email=True, seats=4, verify_within_hours=1)
    for name in ("Ada", "Bob", "Cem", "Dia"):
        world.register(name)
        world.verify(name)
    for name in ("Eva", "Fay"):
        world.register(name)
    world.verify("Eva")  # waits
    world.clock.pass_(hours=2)
    world.service.cancel(world.manage("Dia"))
    world.keeper.tick()
    world.clock.pass_(days=29)
    world.keeper.tick()
    told = [(row.data["type"], row.data["data"]) for type in MAILED for row in world.outbox(type)]
    return sorted(f"{type} {data['registrant']['given_name']}" for type, data in told)


def test_the_clock_does_for_it_what_it_does_for_a_listed_one(tmp_path: Path) -> None:
    for name in ("unlisted", "listed"):
        (tmp_path / name).mkdir()
    unlisted, listed = (World(tmp_path / name) for name in ("unlisted", "listed"))
    told = what_the_clock_does(unlisted, listed=False)
    assert told == what_the_clock_does(listed, listed=True)
    assert "registration.expired Fay" in told
    assert "registration.confirmed Eva" in told
    assert [f"registration.reminder_due {name}" for name in ("Ada", "Bob", "Cem", "Eva")] == told[-4:]


def test_a_clock_that_read_the_public_list_would_be_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""

    def coming(catalogue: Catalogue, now: datetime) -> Iterator[EventDefinition]:
        return iter(catalogue.coming(now, None, 50))

    monkeypatch.setattr(Catalogue, "upcoming", coming)
    assert not [line for line in what_the_clock_does(world, listed=False) if "reminder_due" in line]


@pytest.mark.parametrize("over", [False, True])
def test_its_staff_have_its_page_its_people_and_its_lists(world: World, over: bool) -> None:
    world.event("quiet", listed=False, title="Quiet talk")
    world.register("Ada", event="quiet")
    if over:
        world.clock.pass_(days=60)
    staff = browser(world, "who")
    assert "Quiet talk Not listed" in words(staff.get("/desk/events"))
    assert "ada@example.org" in words(staff.get("/desk/events/quiet"))
    assert "ada@example.org" in staff.get("/desk/events/quiet/registrations.csv").text
    assert staff.get("/desk/events/quiet/registrations.xlsx").status_code == 200


def test_people_with_its_address_register_and_nobody_else_sees_it(tmp_path: Path) -> None:
    world = PageWorld(tmp_path)
    world.event("quiet", listed=False, title="Quiet talk")
    assert world.fill_in("quiet").status_code == 303
    assert world.names("confirmed") == ["Lina"]
    for path in ("/", "/events", "/api/events"):
        assert "Quiet talk" not in world.visitor.get(path).text

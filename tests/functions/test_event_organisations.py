"""An event belongs to organisations: for staff of all others it does not exist."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from functions.registration import main, toml_files
from functions.registration.desk import events
from functions.registration.events.repository import EVENTS
from shared.ports import Create, Replace
from shared.staff.gate import DeskGate
from shared.web.site import Site
from tests.functions.browser import Browser, platform, words
from tests.functions.registration_world import World
from tests.functions.signed_in import signed_in

EVENT = """[[events]]
id = "x"
title = "X"
summary = "X"
organiser = "WHO"
contact_email = "x@example.org"
mode = "virtual"
location = "Online"
timezone = "Europe/Zurich"
starts_at = "+5d 09:00"
ends_at = "+5d 10:00"
categories = [{ id = "all", name = "All" }]
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def browser(world: World, organisation: str) -> Browser:
    here = replace(platform(world.folder), store=world.store, clock=world.clock)
    site = Site(here, main.TEMPLATES, DeskGate())
    events.register(site, world.service)
    person = {"name": "A", "organisation": organisation, "role": "administrator", "languages": ["en"], "queues": []}
    email = f"admin@{organisation}.test"
    if world.store.get("staff", email) is None:
        world.store.commit([Create("staff", email, person)])
    return signed_in(here, Browser(site), email)


# -- content --


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", 'event 1 (x): organisations: is missing; add the line organisations = ["who"]'),
        ("organisations = []", "organisations: is missing"),
        ('organisations = ["who", "wo"]', "there is no organisation 'wo'; correct it or import it first"),
        ('organisations = ["who", "who"]', "organisations names one twice"),
        ('organisations = ["../x"]', "organisations.0: "),
    ],
)
def test_a_file_must_say_whose_event_it_is(world: World, tmp_path: Path, line: str, told: str) -> None:
    world.store.commit([Create("organisations", "who", {})])
    (tmp_path / "events.toml").write_text(EVENT + line)
    with pytest.raises(toml_files.BadContent) as refused:
        toml_files.read(tmp_path / "events.toml", world.store, world.clock.now())
    assert told in str(refused.value)


def test_a_file_that_says_it_is_taken(world: World, tmp_path: Path) -> None:
    (tmp_path / "events.toml").write_text(EVENT + 'organisations = ["who", "wto"]')
    (event,) = toml_files.read(tmp_path / "events.toml", world.store, world.clock.now())
    assert event.organisations == ["who", "wto"]


def test_an_unknown_theme_is_told_and_one_that_comes_along_is_taken(world: World, tmp_path: Path) -> None:
    path = tmp_path / "events.toml"
    path.write_text(EVENT + 'organisations = ["who"]\ntheme = "forum"')

    def read(*coming: str) -> str | None:
        (event,) = toml_files.read(path, world.store, world.clock.now(), True, coming)
        return event.theme

    assert read() == "forum"  # the themes are still to come
    world.store.commit([Create("themes", "platform", {})])
    assert read("who", "themes/forum") == "forum"
    with pytest.raises(toml_files.BadContent, match="theme: there is no theme 'forum'; correct it or import it first"):
        read()


# -- the desk --


def test_an_event_exists_for_its_organisations_alone(world: World) -> None:
    world.event("ours", organisations=["who", "wto"])
    world.register("Anna", event="ours")
    paths = ["/desk/events/ours", "/desk/events/ours/registrations.csv", "/desk/events/ours/registrations.xlsx"]
    for organisation in ("who", "wto"):
        staff = browser(world, organisation)
        assert [staff.get(path).status_code for path in paths] == [200, 200, 200]
        assert "/desk/events/ours" in staff.get("/desk/events").text
    stranger = browser(world, "wipo")
    assert [stranger.get(path).status_code for path in paths] == [404, 404, 404]
    assert "/desk/events/ours" not in stranger.get("/desk/events").text
    assert "Your organisation has no events here." in words(stranger.get("/desk/events"))
    absent = words(stranger.get("/desk/events/none"))
    assert words(stranger.get("/desk/events/ours")) == absent, "it tells a stranger that the event exists"


def test_the_desk_lists_all_events_of_the_organisation_page_by_page_listed_or_not(world: World) -> None:
    starts = world.clock.now() + timedelta(days=3)
    for number in range(events.EVENTS_PAGE + 2):
        more = timedelta(days=number // 2)  # pairs begin at the same moment
        ends = starts + more + timedelta(hours=1)
        world.event(f"event-{number}", starts_at=starts + more, ends_at=ends, listed=number % 3 > 0)
    world.event("theirs", organisations=["wto"])
    staff = browser(world, "who")
    first = staff.get("/desk/events")
    following = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert following
    second = staff.get(following[1].replace("&amp;", "&"))
    seen = re.findall(r'href="/desk/events/(event-\d+|theirs)"', first.text + second.text)
    assert len(seen) == events.EVENTS_PAGE + 2
    assert set(seen) == {f"event-{number}" for number in range(events.EVENTS_PAGE + 2)}
    assert 'rel="next"' not in second.text
    assert "Not listed" in words(second)
    for after in ("x", "~", "a~b", "~~"):
        assert staff.get(f"/desk/events?after={after}").status_code == 200


def test_an_event_stored_before_events_had_organisations_is_nobodys_until_it_is_imported_again(world: World) -> None:
    event = world.event("old")
    document = world.store.get(EVENTS, "old")
    assert document
    older = {name: value for name, value in document.data.items() if name != "organisations"}
    world.store.commit([Replace(EVENTS, "old", older, document.version)])
    world.service = world.new_service()
    assert world.service.events.get("old").title == event.title, "the public still sees it"
    staff = browser(world, "who")
    assert staff.get("/desk/events/old").status_code == 404
    assert "/desk/events/old" not in staff.get("/desk/events").text
    toml_files.save(world.store, world.clock, [event])
    world.service = world.new_service()
    assert browser(world, "who").get("/desk/events/old").status_code == 200

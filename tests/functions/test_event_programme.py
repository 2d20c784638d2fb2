"""An event's days, its programme and what it leaves behind: from a content file to its page and to calendars."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest

from functions.registration import toml_files
from functions.registration.events.programme import MAX_DAYS
from shared.content_files import BadContent
from tests.functions.browser import words
from tests.functions.registration_world import NOON, World
from tests.functions.test_registration_pages import PageWorld

START = datetime(2027, 3, 26, 8, tzinfo=UTC)  # a Friday, 09:00 in Zurich; clocks go forward on the Sunday
FORUM: dict[str, Any] = {
    "starts_at": START,
    "ends_at": START + timedelta(days=3, hours=8),
    "sessions": [
        {"day": 1, "from": "09:00", "to": "10:30", "title": {"en": "Opening", "ar": "الافتتاح"}, "room": "Hall"},
        {"day": 4, "from": "10:00", "to": "12:00", "title": "Closing", "speakers": [{"name": "Ada", "role": "Chair"}]},
        {"day": 1, "from": "11:00", "to": "17:00", "title": "Round tables", "summary": "By region."},
        {"day": 2, "from": "14:00", "to": "18:00", "title": "Market"},
    ],
}


@pytest.fixture
def world(tmp_path: Path) -> PageWorld:
    return PageWorld(tmp_path)


def calendar(world: PageWorld, name: str = "Lina") -> icalendar.Calendar:
    return icalendar.Calendar.from_ical(world.visitor.get(f"/r/{world.manage(name)}/calendar.ics").data)


def occurrences(found: icalendar.Calendar) -> list[tuple[str, str]]:
    """From and to of each day, as a calendar shows them (RFC 5545, sections 3.8.4.4, 3.8.5.1 and 3.8.5.3)."""
    master, *exceptions = found.events
    rule, length = master.get("RRULE"), master.end - master.start
    excluded = [master["EXDATE"]] if "EXDATE" in master and not isinstance(master["EXDATE"], list) else []
    free = {one.dt for some in excluded for one in some.dts}
    moved = {one["RECURRENCE-ID"].dt: one for one in exceptions}
    shown = []
    for number in range(rule["COUNT"][0] if rule else 1):
        at = master.start + timedelta(days=number)
        if at not in free:
            starts, ends = (moved[at].start, moved[at].end) if at in moved else (at, at + length)
            shown.append((f"{starts:%m-%d %H:%M}", f"{ends:%H:%M}"))
    return shown


def test_a_calendar_has_each_day_by_itself(world: PageWorld) -> None:
    world.event(**FORUM)
    world.register("Lina")
    found = calendar(world)
    assert occurrences(found) == [
        ("03-26 09:00", "17:00"),
        ("03-27 14:00", "18:00"),
        ("03-29 10:00", "12:00"),
    ]
    assert len({entry["UID"] for entry in found.events}) == 1
    told = [str(entry["DESCRIPTION"]) for entry in found.events]
    assert told[0].startswith("09:00–10:30 Opening · Hall\n11:00–17:00 Round tables\n\nhttps://")
    assert told[2].startswith("10:00–12:00 Closing · Ada\n")


def test_the_mail_has_the_days_too_and_those_who_wait_have_none(world: PageWorld) -> None:
    world.event(**FORUM, seats=1)
    world.register("Lina")
    world.register("Omar")
    (confirmed,) = world.outbox("registration.confirmed")
    (waiting,) = world.outbox("registration.waitlisted")
    assert [len(day["sessions"]) for day in confirmed.data["data"]["event"]["days"]] == [2, 1, 1]
    assert not waiting.data["data"]["event"]["days"]


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ("2027-03-28T17:00+02:00", [("03-26 09:00", "17:00"), ("03-27 09:00", "17:00"), ("03-28 09:00", "17:00")]),
        ("2027-03-27T15:00+01:00", [("03-26 09:00", "15:00"), ("03-27 09:00", "15:00")]),
        ("2027-03-26T12:00+01:00", []),
        ("2027-03-27T02:00+01:00", []),  # over midnight
        ((START + timedelta(days=MAX_DAYS, hours=8)).isoformat(), []),
    ],
)
def test_without_a_programme_days_have_the_hours_of_the_event(
    world: PageWorld, ends: str, expected: list[tuple[str, str]]
) -> None:
    """What is no row of days stays one stretch of time. Hours are those of the zone, whose clocks may change."""
    event = world.event(starts_at=START, ends_at=datetime.fromisoformat(ends))
    world.register("Lina")
    found = calendar(world)
    if expected:
        assert occurrences(found) == expected
    else:
        (entry,) = found.events
        assert (entry.start, entry.end, "RRULE" in entry) == (event.starts_at, event.ends_at, False)


def test_the_page_shows_programme_place_and_papers(world: PageWorld) -> None:
    world.event(
        **FORUM,
        place={"address": "Forum square 1", "accessibility": "No steps.", "link": "https://maps.example.org/1"},
        practical="Bring your **badge** <script>alert(1)</script>",
        documents=[{"title": "Concept note", "url": "https://docs.example.org/1", "format": "PDF, 1 MB"}],
    )
    page = world.visitor.get("/events/forum")
    assert "Programme Friday, 26 March 2027 09:00 – 10:30 Opening Hall 11:00 – 17:00 Round tables" in words(page)
    assert "Closing Ada · Chair" in words(page)
    assert "Forum square 1 Access No steps. Open the place in a map" in words(page)
    assert "<strong>badge</strong> &lt;script&gt;" in page.text
    assert '<a href="https://docs.example.org/1">Concept note</a>' in page.text
    assert "All times on this page: UTC+01:00/UTC+02:00, Zurich" in words(page)
    assert "الافتتاح" in world.visitor.get("/events/forum?lang=ar").text


def test_a_past_edition_shows_what_came_of_it_and_before_it_does_not(world: PageWorld) -> None:
    report = {"kind": "report", "title": "The report", "url": "https://docs.example.org/r"}
    world.event(outcome="All agreed.", figures=[{"value": "70+", "label": "speakers"}], documents=[report])
    assert "The report" not in world.visitor.get("/events/forum").text
    world.clock.forward(days=60)  # type: ignore[attr-defined]
    assert "Outcome All agreed. speakers 70+ Report The report" in words(world.visitor.get("/events/forum"))


PLAN = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 32"><path d="M0 0h64v32z"/></svg>'


def test_a_plan_of_the_place_is_a_picture_of_its_own(world: PageWorld) -> None:
    world.event(place={"plan": PLAN, "plan_shows": {"en": "Two streets", "ar": "شارعان"}})
    page = world.visitor.get("/events/forum?lang=ar")
    (address,) = re.findall(r'src="(/events/forum/plan[^"]*)" alt="شارعان" width="64" height="32"', page.text)
    shown = world.visitor.get(address)
    assert (shown.content_type, shown.text) == ("image/svg+xml", PLAN)
    assert shown.headers["Content-Security-Policy"].endswith("sandbox")
    assert "immutable" in shown.headers["Cache-Control"]
    world.event("talk")
    assert world.visitor.get("/events/talk/plan").status_code == 404


@pytest.mark.parametrize(
    ("plan", "fault"),
    [
        ('"plan.svg"', "plan_shows"),
        ('"missing.svg"', "the picture missing.svg cannot be read"),
        ("\"\"\"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1' onload='x()'/>\"\"\"", "runs a script"),
    ],
)
def test_a_plan_that_cannot_be_shown_to_all_is_refused(tmp_path: Path, plan: str, fault: str) -> None:
    world, file = World(tmp_path), tmp_path / "forum.toml"
    (tmp_path / "plan.svg").write_text(PLAN)
    file.write_text(f"{EVENT}[events.place]\nplan = {plan}\n")
    with pytest.raises(BadContent) as refused:
        toml_files.read(file, world.store, NOON)
    assert fault in str(refused.value)


# -- from a file --

EVENT = """
[[events]]
id = "forum"
title = "Forum"
summary = "A forum."
organiser = "WHO"
organisations = ["who"]
contact_email = "forum@example.org"
mode = "in_person"
location = "Geneva"
timezone = "Europe/Zurich"
starts_at = 2027-03-02T09:00:00+01:00
ends_at = 2027-03-03T17:00:00+01:00
categories = [{ id = "all", name = "All" }]
"""


@pytest.mark.parametrize(
    ("sessions", "fault"),
    [
        ('{ day = 1, from = "08:00", to = "09:30", title = "Early" }', "sessions.1: day 1, 08:00 to 09:30, is not"),
        ('{ day = 2, from = "16:00", to = "17:30", title = "Late" }', "sessions.1: day 2, 16:00 to 17:30, is not"),
        ('{ day = 3, from = "09:00", to = "10:00", title = "After" }', "sessions.1: day 3, 09:00 to 10:00, is not"),
        ('{ day = 1, from = "11:00", to = "10:00", title = "Back" }', "'to' must be later than 'from'"),
        ('{ day = 1, from = "9 am", to = "10:00", title = "Words" }', "sessions.0.from:"),
        ('{ day = 0, from = "09:00", to = "10:00", title = "None" }', "sessions.0.day:"),
        ('{ day = 1, from = "09:00", to = "10:00" }', "sessions.0.title: Field required"),
    ],
)
def test_a_session_outside_the_event_is_refused(tmp_path: Path, sessions: str, fault: str) -> None:
    world, file = World(tmp_path), tmp_path / "forum.toml"
    file.write_text(f"{EVENT}sessions = [{sessions}]\n")
    with pytest.raises(BadContent) as refused:
        toml_files.read(file, world.store, NOON)
    assert fault in str(refused.value)


def test_what_is_exported_can_be_imported(tmp_path: Path) -> None:
    world = World(tmp_path)
    event = world.event(**FORUM, place={"address": "Here"}, figures=[{"value": "3", "label": "days"}])
    file = tmp_path / "events.toml"
    file.write_text(toml_files.export(world.store))
    assert toml_files.save(world.store, world.clock, toml_files.read(file, world.store, NOON)) == 0
    (again,) = toml_files.read(file, world.store, NOON)
    assert (again.sessions, again.place, again.figures) == (event.sessions, event.place, event.figures)

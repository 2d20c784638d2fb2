"""The list of events, searched and filtered, and the same as a calendar and a feed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import icalendar
import pytest

from functions.registration import toml_files
from functions.registration.events import repository
from functions.registration.events.repository import definition, stored
from functions.registration.events.search import MAX_TERMS, Wanted, terms_of
from shared.adapters.embedded.store import SqliteStore
from shared.ports import Create, Replace, every
from tests.functions.browser import words
from tests.functions.test_paging import fill, link, shown, walk
from tests.functions.test_registration_pages import PageWorld

ATOM = "{http://www.w3.org/2005/Atom}"


def organisation(id: str) -> dict[str, object]:
    return {
        "id": id, "name": {"en": id.upper()}, "short_name": id.upper(), "timezone": "UTC",
        "working_hours": {"monday": [{"from": "09:00", "to": "10:00"}]}, "focal_point": f"a@{id}.example",
        "queues": [{"id": "general", "name": {"en": "General"}}],
    }  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> PageWorld:
    """It is 23 November 2026."""
    made = PageWorld(tmp_path)
    made.store.commit([Replace("organisations", id, organisation(id), None) for id in ("who", "wto")])
    for id, start, more in (
        ("forum", datetime(2027, 2, 27, 9, tzinfo=UTC), {"title": {"en": "Production forum", "ar": "منتدى الإنتاج"}}),
        ("tariffs", datetime(2027, 2, 3, 9, tzinfo=UTC), {"title": "Tariffs", "organisations": ["wto"]}),
        ("online", datetime(2027, 4, 1, 9, tzinfo=UTC), {"title": "Café talk", "mode": "virtual", "languages": ["fr"]}),
        ("history", datetime(2025, 2, 3, 9, tzinfo=UTC), {"title": "Production of old"}),
    ):
        ends = start + timedelta(days=3, hours=5) if id == "forum" else start + timedelta(hours=2)
        made.event(id, summary="Yearly.", starts_at=start, ends_at=ends, **more)
    made.event("hidden", title="Production in secret", listed=False)
    return made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["tariffs", "forum", "online", "history"]),
        ("q=production", ["forum", "history"]),
        ("q=PRODUC", ["forum", "history"]),
        ("q=cafe", ["online"]),
        ("q=إنتاج", []),
        ("q=الإنتاج", ["forum"]),
        ("q=production+forum", ["forum"]),
        ("q=nothing+of+the+kind", []),
        ("organisation=wto", ["tariffs"]),
        ("organisation=who&mode=in_person", ["forum", "history"]),
        ("mode=virtual", ["online"]),
        ("language=fr", ["online"]),
        ("month=2027-02", ["tariffs", "forum"]),
        ("month=2027-03", ["forum"]),
        ("month=2027-03&q=tariffs", []),
        ("q=production&month=2025-02&organisation=who&language=en&mode=in_person", ["history"]),
        ("organisation=nobody&mode=x&month=2027-99&language=!!", ["tariffs", "forum", "online", "history"]),
        ("q=%00%0a", ["tariffs", "forum", "online", "history"]),
    ],
)
def test_what_is_asked_for_is_found(world: PageWorld, query: str, found: list[str]) -> None:
    assert shown([world.visitor.get(f"/events?{query}")]) == found


def test_filters_stand_on_the_page_and_each_can_be_taken_off(world: PageWorld) -> None:
    page = world.visitor.get("/events?organisation=who&q=production")
    assert '<option value="who" selected>WHO</option>' in page.text
    assert "Organisation: WHO" in words(page)
    assert 'href="/events?organisation=who"' in page.text
    assert 'href="/events?q=production"' in page.text
    nothing = words(world.visitor.get("/events?q=nothing&lang=ar"))
    assert "لا توجد فعالية تستوفي كل ذلك" in nothing


def test_a_search_goes_on_where_it_ended(world: PageWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many events one request reads so many; the next one goes on from there, and nothing is passed over."""
    monkeypatch.setattr(repository, "MAX_READ", 20)
    start = datetime(2027, 6, 1, tzinfo=UTC)
    model = world.event("first", title="Talk", starts_at=start, ends_at=start + timedelta(hours=1))
    copies = []
    for number in range(70):
        at = start + timedelta(days=number)
        changes = {"id": f"talk-{number:02}", "starts_at": at, "ends_at": at + timedelta(hours=1)}
        changes |= {"mode": "virtual"} if number in (3, 44, 69) else {}
        copies.append(model.model_copy(update=changes))
    fill(world.store, [Create("events", event.id, stored(event)) for event in copies])
    reads = []
    query = SqliteStore.query

    def counted(self: SqliteStore, *args: object, **options: object) -> object:
        found = query(self, *args, **options)  # type: ignore[arg-type]
        reads.append(len(found))
        return found

    monkeypatch.setattr(SqliteStore, "query", counted)
    pages = walk(world.visitor, "/events?q=talk&mode=virtual", link("Later events"))
    assert max(reads) <= 20
    assert shown(pages) == ["online", "talk-03", "talk-44", "talk-69"]
    assert any("there are more events to search" in words(page) for page in pages)


def test_terms_are_few_and_name_no_more_than_what_is_public(world: PageWorld) -> None:
    prose = " ".join(f"word{number}" for number in range(2000))
    long = world.event("long", title="Long", description=prose)
    assert len(terms_of(long)) == MAX_TERMS
    assert world.service.events.get("long") == long.model_copy(update={"kept": world.service.events.get("long").kept})
    assert Wanted(text="a the procurement of b").terms[0] == "word:procurement"


def test_events_from_before_there_were_terms_are_found_once_they_are_listed_afresh(world: PageWorld) -> None:
    for document in world.store.query("events"):
        data = {name: value for name, value in document.data.items() if name != "terms"}
        world.store.commit([Replace("events", document.id, data, document.version)])
    assert shown([world.visitor.get("/events")]) == ["tariffs", "forum", "online", "history"]
    assert shown([world.visitor.get("/events?q=production")]) == []
    events = list(map(definition, every(world.store, "events")))
    assert [toml_files.save(world.store, world.clock, events) for _ in range(2)] == [5, 0]
    assert shown([world.visitor.get("/events?q=production")]) == ["forum", "history"]


# -- feeds --


def test_the_calendar_has_the_public_events_to_come(world: PageWorld) -> None:
    world.event("online", title="Café talk", mode="virtual", join_link="https://meet.example.org/secret")
    answer = world.visitor.get("/events/calendar.ics")
    assert answer.content_type == "text/calendar; charset=utf-8"
    found = icalendar.Calendar.from_ical(answer.data)
    names = [str(entry["SUMMARY"]) for entry in found.events if "RECURRENCE-ID" not in entry]
    assert sorted(names) == ["Café talk", "Production forum", "Tariffs"]
    assert len([entry for entry in found.events if entry["UID"] == "event-forum@onestop.test"]) > 1
    assert "secret" not in answer.text.lower()
    assert not [entry for entry in found.events if "ATTENDEE" in entry]
    only = icalendar.Calendar.from_ical(world.visitor.get("/events/calendar.ics?organisation=wto&lang=ar").data)
    assert [str(entry["SUMMARY"]) for entry in only.events] == ["Tariffs"]


def test_the_feed_is_atom(world: PageWorld) -> None:
    answer = world.visitor.get("/events/feed.atom?lang=ar")
    assert answer.content_type == "application/atom+xml; charset=utf-8"
    root = ElementTree.fromstring(answer.text)
    entries = {entry.findtext(f"{ATOM}id"): entry for entry in root.findall(f"{ATOM}entry")}
    assert set(entries) == {f"https://onestop.test/events/{id}" for id in ("forum", "tariffs", "online")}
    forum = entries["https://onestop.test/events/forum"]
    assert forum.findtext(f"{ATOM}title") == "منتدى الإنتاج"
    for place in (root, forum):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", place.findtext(f"{ATOM}updated") or "")
    assert forum.find(f"{ATOM}author/{ATOM}name") is not None
    assert 'type="application/atom+xml"' in world.visitor.get("/events").text


@pytest.mark.parametrize("path", ["/events/calendar.ics", "/events/feed.atom"])
def test_a_feed_may_be_kept_until_something_changes(world: PageWorld, path: str) -> None:
    first = world.visitor.get(f"{path}?lang=en")
    assert first.headers["Cache-Control"] == "public, max-age=900"
    assert "Set-Cookie" not in first.headers
    tag = {"If-None-Match": first.headers["ETag"]}
    world.clock.forward(hours=1)  # type: ignore[attr-defined]
    assert world.visitor.get(f"{path}?lang=en", headers=tag).status_code == 304
    world.event("tariffs", title="Tariffs, moved")
    again = world.visitor.get(f"{path}?lang=en", headers=tag)
    assert again.status_code == 200
    assert "Tariffs\\, moved" in again.text or "Tariffs, moved" in again.text

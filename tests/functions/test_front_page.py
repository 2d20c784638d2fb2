"""The front page: what one can do, what comes next, who helps with what, and one search over events and activities."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.ports import Replace
from tests.functions.browser import Browser, words
from tests.functions.inquiry_sites import new_world
from tests.functions.test_event_search import organisation
from tests.functions.test_registration_pages import PageWorld


@pytest.fixture
def world(tmp_path: Path) -> PageWorld:
    made = PageWorld(tmp_path)
    helps = {"helps_with": [{"en": "Regulators", "ar": "الجهات التنظيمية"}, {"en": "Licences"}]}
    made.store.commit([Replace("organisations", "who", organisation("who") | helps, None)])
    made.store.commit([Replace("organisations", "wto", organisation("wto"), None)])
    return made


def test_a_card_tells_dates_place_seats_and_organisations(world: PageWorld) -> None:
    world.event(title="Hall", seats=7, location="Geneva", organisations=["who", "wto"])
    told = words(world.visitor.get("/"))
    assert re.search(r"23 December 2026 Hall Geneva 7 seats left Registration is open WHO WTO", told)


def test_organisations_tell_what_they_help_with(world: PageWorld) -> None:
    page = world.visitor.get("/")
    assert "Who helps with what WHO WHO Regulators Licences" in words(page)
    assert 'href="/activities?organisation=who"' in page.text
    assert 'href="/activities?organisation=wto"' not in page.text, "it says nothing of what it helps with"
    assert "الجهات التنظيمية" in world.visitor.get("/?lang=ar").text


def test_one_field_searches_events_and_activities(world: PageWorld, tmp_path: Path) -> None:
    """Either list leads on to the other with the same words, though neither slice knows the other."""
    page = world.visitor.get("/")
    (form,) = re.findall(r'<form[^>]+role="search">.*?</form>', page.text, re.DOTALL)
    assert re.findall(r'formaction="([^"]+)"', form) == ["/events", "/activities"]
    (field,) = re.findall(r'name="(\w+)"', form)
    assert world.visitor.get(f"/?{field}=fair+%26+free").headers["Location"].endswith("/events?q=fair+%26+free")
    events = world.visitor.get(f"/events?{field}=fair+%26+free")
    assert 'href="/activities?q=fair%20%26%20free"' in events.text
    (tmp_path / "other").mkdir()
    activities = Browser(new_world(tmp_path / "other").web)
    found = activities.get(f"/activities?{field}=fair+%26+free")
    assert 'href="/events?q=fair%20%26%20free"' in found.text
    assert "Look for the same words" not in activities.get("/activities").text

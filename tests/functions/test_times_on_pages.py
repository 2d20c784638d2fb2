"""Every page that shows a time shows all of them in one zone, and names it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from werkzeug.test import TestResponse

from functions.inquiries.casework.models import InquiryRequest
from functions.inquiries.casework.recipients import LINK_PURPOSE
from infra import catalogues
from shared.keys.links import Link
from shared.ports import Replace
from shared.web.times import Times
from tests.functions.browser import Browser
from tests.functions.desks import Desks
from tests.functions.inquiry_sites import REQUEST, new_world
from tests.functions.test_registration_pages import PageWorld
from tests.functions.test_rights_matrix import cells

CITIES = {"Asia/Tokyo": "Tokyo", "Asia/Riyadh": "Riyadh", "UTC": "UTC"}


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    catalogues.compile_all()


def faults(page: TestResponse, zone: str) -> Iterator[str]:
    """What is wrong with the times of a page that should have them all in ``zone``."""
    shown = re.findall(r'<time datetime="([^"]+)">([^<]*)</time>', page.text)
    named = {name.rpartition(", ")[2] for name in re.findall(r'<span class="zone">([^<]*)</span>', page.text)}
    if named != ({CITIES[zone]} if shown else set()):
        yield f"names {sorted(named)} for {len(shown)} times"
    for instant, text in shown:
        if f"{datetime.fromisoformat(instant).astimezone(ZoneInfo(zone)):%H:%M}" not in text:
            yield f"{instant} is told as {text}"
    beside = re.sub(
        r"<time.*?</time>|<span class=\"zone\".*?</span>|<textarea.*?</textarea>", "", page.text, flags=re.DOTALL
    )
    if found := re.search(r"\b\d\d:\d\d\b", re.sub(r"<[^>]*>", "", beside)):
        yield f"{found[0]} is no <time>"


def desk_pages(folder: Path) -> Iterator[TestResponse]:
    """All pages of an administrator whose organisation, and some of whose events, are far from Geneva."""
    desks = Desks(folder)
    store = desks.platform.store
    wipo = store.get("organisations", "wipo")
    assert wipo
    store.commit([Replace("organisations", "wipo", {**wipo.data, "timezone": "Asia/Tokyo"}, None)])
    browser = desks.browser(desks.staff["wipo", "administrator"])
    actor = ("wipo", "administrator")
    paths = {cell.path for cell in cells(desks) if cell.method == "GET" and cell.actor == actor}
    for path in sorted(path for path in paths if path.startswith("/desk")) + [
        f"/desk/mail?state={state}" for state in ("failed", "suppressed", "queued", "sent", "merged", "dead")
    ]:
        page = browser.get(path)
        if page.status_code == 200 and page.mimetype == "text/html":
            yield page


def event_pages(folder: Path) -> Iterator[TestResponse]:
    """From the event's page to the cancelled registration."""
    world = PageWorld(folder)
    world.event(timezone="Asia/Riyadh", verify_email=True, seats=1)
    world.event("soon", timezone="Asia/Riyadh", registration_opens_at=world.clock.now().replace(year=2027))
    yield from (world.visitor.get(path) for path in ("/events/forum", "/events/soon", "/events/forum/register"))
    yield world.visitor.follow(world.fill_in())
    link = f"/r/{world.manage('Lina')}"
    yield world.visitor.get(link)
    verify = world.tokens.sign("verify", world.registrations()[0].reference)
    yield world.visitor.get(f"/r/{verify}/verify")
    world.verify("Lina")
    yield from (world.visitor.get(f"{link}{page}") for page in ("", "/correct", "/cancel"))
    world.service.cancel(world.manage("Lina"))
    yield world.visitor.get(link)


def test_desk_pages_have_the_zone_of_the_organisation(tmp_path: Path) -> None:
    with_times = set()
    for page in desk_pages(tmp_path):
        assert not list(faults(page, "Asia/Tokyo")), page.request.full_path
        if "<time" in page.text:
            with_times.add(page.request.path.split("/")[2])
    assert with_times == {"inquiries", "events", "quarantine", "mail"}


def test_pages_about_an_event_have_its_zone(tmp_path: Path) -> None:
    with_times = 0
    for page in event_pages(tmp_path):
        assert page.status_code == 200
        assert not list(faults(page, "Asia/Riyadh")), page.request.path
        with_times += "<time" in page.text
    assert with_times >= 8


def test_the_page_of_a_request_tells_the_same_time_whoever_leads(tmp_path: Path) -> None:
    world = new_world(tmp_path)
    received = []
    visitor = Browser(world.web)
    reference = world.service.requests.receive(InquiryRequest.model_validate(REQUEST)).reference
    link = f"/i/{Link(reference).token(world.platform.tokens, LINK_PURPOSE)}"
    for step in ("received", "routed"):
        page = visitor.get(link)
        assert page.status_code == 200, step
        assert not list(faults(page, "UTC")), step
        received.append(re.findall(r"<time.*?</time>", page.text))
        world.route()
    assert received[0] == received[1]
    assert "being decided now" not in page.text


def test_both_lists_of_the_desk_tell_times_alike(tmp_path: Path) -> None:
    desks = Desks(tmp_path)
    browser = desks.browser(desks.staff["who", "officer"])
    for path in ("/desk/inquiries", "/desk/events/event-of-who-alone"):
        text = browser.get(path).text
        assert re.search(r"<time[^>]*>(?!\d{4}-)[^<]+, \d\d:\d\d</time>", text), path
        assert '<span class="zone">UTC+01:00, Zurich</span>' in text, path


@pytest.mark.parametrize("name", ["note", "_named"])
def test_the_walk_sees_a_page_that_does_not_name_its_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Negative controls."""
    monkeypatch.setattr(Times, name, lambda *_: "")
    pages = event_pages(tmp_path) if name == "_named" else desk_pages(tmp_path)
    zone = "Asia/Riyadh" if name == "_named" else "Asia/Tokyo"
    assert any(list(faults(page, zone)) for page in pages)


def test_the_walk_sees_a_page_in_another_zone(tmp_path: Path) -> None:
    assert any(list(faults(page, "UTC")) for page in event_pages(tmp_path))

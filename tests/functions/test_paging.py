"""Lists end where their data end: nothing is left out in silence, and no page grows with what the store holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from functions.inquiries.web import api as inquiry_api
from functions.registration.events.repository import stored
from shared.ports import Create, Store, Write, every
from shared.web import paging
from tests.functions.browser import Browser, words
from tests.functions.inquiry_sites import WHO_HEAD, World, new_world
from tests.functions.test_registration_pages import PageWorld

MANY = 1001  # more than any one query reads


def fill(store: Store, writes: list[Write]) -> None:
    for start in range(0, len(writes), 500):
        store.commit(writes[start : start + 500])


@pytest.fixture
def events(tmp_path: Path) -> PageWorld:
    """70 events to come, one running, 70 past."""
    world = PageWorld(tmp_path)
    now = world.clock.now()
    model = world.event("running", starts_at=now - timedelta(days=9), ends_at=now + timedelta(hours=9))
    writes: list[Write] = []
    for number in range(1, 71):
        for name, start in (
            (f"next-{number:02}", now + timedelta(days=number)),
            (f"past-{number:02}", now - timedelta(days=number)),
        ):
            times = {"starts_at": start, "ends_at": start + timedelta(hours=1)}
            writes.append(Create("events", name, stored(model.model_copy(update={"id": name, **times}))))
    fill(world.store, writes)
    return world


def walk(browser: Browser, path: str, more: Callable[[TestResponse], str | None]) -> list[TestResponse]:
    pages = [browser.get(path)]
    while following := more(pages[-1]):
        pages.append(browser.get(following))
        assert len(pages) < 50
    return pages


def link(label: str) -> Callable[[TestResponse], str | None]:
    def found(page: TestResponse) -> str | None:
        match = re.search(rf'rel="next" href="([^"]+)">{label}<', page.text)
        return match[1].replace("&amp;", "&") if match else None

    return found


def shown(pages: list[TestResponse]) -> list[str]:
    return [id for page in pages for id in re.findall(r'<h3><a href="/events/([\w-]+)"', page.text)]


def test_later_and_earlier_events_are_a_link_away(events: PageWorld) -> None:
    later = walk(events.visitor, "/events", link("Later events"))
    earlier = walk(events.visitor, "/events", link("Earlier events"))
    assert [id for id in shown(later) if not id.startswith("past")] == [
        "running", *(f"next-{number:02}" for number in range(1, 71)),
    ]  # fmt: skip
    assert [id for id in shown(earlier) if id.startswith("past")] == [f"past-{number:02}" for number in range(1, 71)]
    assert len(later) == len(earlier) == 3
    assert "No event is planned" not in words(earlier[-1])
    assert 'href="/events"' in later[-1].text
    assert events.visitor.get("/events?after=nonsense&before=~").status_code == 200


def test_the_front_page_names_the_next_ones(events: PageWorld) -> None:
    assert shown([events.visitor.get("/")]) == ["running", "next-01", "next-02"]


def test_the_api_says_where_the_next_page_is(events: PageWorld) -> None:
    def following(page: TestResponse) -> str | None:
        assert page.json
        return page.json["next"] and str(page.json["next"]).removeprefix("https://onestop.test")

    pages = walk(events.visitor, "/api/events", following)
    found = [event["id"] for page in pages for event in page.get_json()["events"]]
    assert len(pages) == 6
    assert sorted(found) == sorted(document.id for document in events.store.query("events", limit=1000))
    assert len(set(found)) == len(found) == 141
    assert found.index("past-70") < found.index("running") < found.index("next-70")


@pytest.fixture
def inquiries(tmp_path: Path) -> World:
    world = new_world(tmp_path)
    inquiry_api.register(world.web, world.service)
    return world


def copies(store: Store, kind: str, key: str, name: Callable[[int], str]) -> None:
    sample = next(every(store, kind)).data
    fill(store, [Create(kind, name(n), sample | {key: name(n)}) for n in range(MANY)])


def test_all_activities_are_found(inquiries: World) -> None:
    before = len(inquiries.service.content.activities)
    copies(inquiries.platform.store, "activities", "id", "more-{:04}".format)
    inquiries.platform.clock.forward(minutes=2)  # type: ignore[attr-defined]
    assert len(inquiries.service.content.activities) == before + MANY
    browser = Browser(inquiries.web)
    pages = walk(browser, "/activities?kind=&q=", link("Next page"))
    ids = re.findall(r'<h2><a href="/activities/([\w-]+)"', "".join(page.text for page in pages))
    assert len(set(ids)) == len(ids) == before + MANY
    assert f"{before + MANY} of {before + MANY} activities" in words(pages[0])
    assert browser.get("/activities/more-1000").status_code == 200
    following: str | None = "/api/activities"
    found: list[str] = []
    while following:
        answer = browser.get(following.removeprefix("https://onestop.test")).get_json()
        found += [activity["id"] for activity in answer["activities"]]
        following = answer["next"]
    assert sorted(found) == sorted(ids)


def test_all_staff_are_there(inquiries: World) -> None:
    store = inquiries.platform.store
    member = store.get("staff", WHO_HEAD)
    assert member
    names = [f"z{number:04}@who.example" for number in range(MANY)]
    fill(store, [Create("staff", name, member.data | {"email": name}) for name in names])
    assert names[-1] in {person.email for person in inquiries.service.content.staff("who")}
    assert names[-1] in inquiries.service.content.items()["staff"]


def test_all_organisations_are_there(inquiries: World) -> None:
    copies(inquiries.platform.store, "organisations", "id", "z{:04}".format)
    inquiries.platform.clock.forward(minutes=2)  # type: ignore[attr-defined]
    assert "z1000" in inquiries.service.content.organisations


def test_the_figures_of_the_desk_count_all(inquiries: World) -> None:
    store = inquiries.platform.store
    reference = inquiries.receive()
    part = store.get("assignments", f"{reference}:who")
    assert part
    mine = part.data | {"assignee": WHO_HEAD, "late": True, "backlog": None}
    fill(store, [Create("assignments", f"ZZZZ-{n:04}:who", mine | {"inquiry": f"ZZZZ-{n:04}"}) for n in range(30)])
    page = words(inquiries.member(WHO_HEAD).get("/desk"))
    assert re.search(r"30 late 3[01] with me \d+ with nobody 31 waiting in all", page), page[:300]


@pytest.mark.parametrize("text", ["", "0", "-1", "two", "²", "9" * 5000, "1.5", "1\x00"])
def test_anything_else_is_the_first_page(text: str) -> None:
    assert paging.number(text) == 1


def test_a_mark_leads_back() -> None:
    assert paging.cursor(paging.mark(("2027-01-01T00:00:00.000000Z", "forum"))) == (
        "2027-01-01T00:00:00.000000Z",
        "forum",
    )
    assert paging.mark(None) == ""
    assert paging.cursor("") is paging.cursor("x") is paging.cursor("x~") is None

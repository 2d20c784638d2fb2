"""The list of inquiries as somebody looks at it: filters as tags, columns, orders, density, and what is new in it."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from infra import catalogues
from shared.ports import utc_text
from shared.staff import sessions
from tests.functions.browser import Browser, forms, press, words
from tests.functions.desks import Desks
from tests.functions.inquiry_sites import WHO_HEAD, WHO_OFFICER, World, new_world
from tests.functions.test_desk import references

ORDERED = re.compile(r'<th scope="col"[^>]*><a href="([^"]+)">([^<]+)')


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    catalogues.compile_all()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return new_world(tmp_path)


@pytest.fixture
def browser(world: World) -> Browser:
    return world.member(WHO_HEAD)


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> Desks:
    return Desks(tmp_path_factory.mktemp("desks"))


def tags(page: TestResponse) -> dict[str, str]:
    """What each tag says, and where its link leads."""
    found = re.findall(r'<a class="tag" href="([^"]+)">(.*?)</a>', page.text, re.DOTALL)
    said = {re.sub(r"<[^>]+>|\s+", " ", text): unescape(address) for address, text in found}
    return {re.sub(r"\s+", " ", text).replace("Remove the filter:", "").strip(" ×"): at for text, at in said.items()}


def heads(page: TestResponse) -> list[str]:
    return re.findall(r"<th scope=\"col\"[^>]*>(?:<a[^>]*>)?([^<]+)", page.text)


def fresh(page: TestResponse) -> str:
    (address,) = re.findall(r'data-fresh="([^"]+)"', page.text)
    return unescape(address)


def test_every_filter_is_a_tag_that_takes_it_away(world: World, browser: Browser) -> None:
    reference = world.receive()
    page = browser.get(
        "/desk/inquiries?q=procurement&state=closed&assignee=me&topic=government-procurement&late=1"
        "&queue=procurement&part=lead&country=KE&order=oldest"
    )
    assert [*tags(page)] == [
        "Words or reference: procurement",
        "State: Closed",
        "Assigned to: me",
        "Topic: Government procurement",
        "Target: Late only",
        "Queue: Procurement and supply",
        "Part: Lead",
        "Country: Kenya",
    ]
    assert "Nothing matches." in words(page)
    for said in ("State: Closed", "Assigned to: me", "Target: Late only", "Queue: Procurement and supply"):
        page = browser.get(tags(page)[said])
        assert said not in tags(page)
    assert references(page) == [reference]
    assert ("order", "oldest") in forms(page)[0].fields
    (all,) = re.findall(r'href="([^"]+)">Remove all filters', page.text)
    assert unescape(all) == "/desk/inquiries?order=oldest"


def test_columns_are_chosen_and_stay_while_one_goes_on(world: World, browser: Browser) -> None:
    for number in range(51):
        world.receive(subject=f"Request {number}")
    assert [head.strip() for head in heads(browser.get("/desk/inquiries"))][-5:] == [
        "From",
        "State",
        "Assigned to",
        "Received",
        "Answer by",
    ]
    sent = forms(browser.get("/desk/inquiries"))[0]
    assert ("columns", "subject") in sent.fields
    page = browser.get("/desk/inquiries?columns=subject&columns=language&columns=updated&density=dense")
    assert [head.strip() for head in heads(page)][-3:] == ["Subject", "Changed", "Language"]
    assert "Wanjiru Kamau" not in words(page)
    assert 'data-rows="dense"' in page.text
    (next,) = re.findall(r'rel="next" href="([^"]+)"', page.text)
    assert [head.strip() for head in heads(browser.get(unescape(next)))][-3:] == ["Subject", "Changed", "Language"]
    assert len(references(browser.get(unescape(next)))) == 1


def test_the_heads_order_by_what_an_index_serves(world: World, browser: Browser) -> None:
    made = []
    for number in range(3):
        made.append(world.receive(subject=f"Request {number}"))
        world.platform.clock.forward(minutes=1)  # type: ignore[attr-defined]
    page = browser.get("/desk/inquiries?columns=subject,received,due,updated")
    assert re.search(r'aria-sort="descending"><a[^>]*>Received', page.text)
    ordered = dict(reversed(pair) for pair in ORDERED.findall(page.text))
    assert ordered.keys() == {"Received", "Answer by", "Changed"}
    assert references(browser.get(unescape(ordered["Received"]))) == made
    down = browser.get(unescape(ordered["Changed"]))
    assert references(down) == made
    assert 'aria-sort="ascending"' in down.text
    found = browser.get("/desk/inquiries?q=procurement")
    assert not ORDERED.search(found.text), "a search is newest first"


@pytest.mark.parametrize("order", ["newest", "oldest", "target", "far", "changed", "still"])
def test_every_order_shows_all(world: World, browser: Browser, order: str) -> None:
    made = {world.receive(), world.receive()}
    assert set(references(browser.get(f"/desk/inquiries?order={order}"))) == made


def test_what_there_is_not_is_told_or_left_out(browser: Browser) -> None:
    assert browser.get("/desk/inquiries?state=nonsense").status_code == 422
    assert browser.get("/desk/inquiries?order=nonsense&columns=%00&density=%00&view=%00&from=~").status_code == 200


def test_an_organisation_without_inquiries_is_told_where_they_come_from(browser: Browser) -> None:
    assert "Your organisation has no inquiries yet." in words(browser.get("/desk/inquiries"))
    assert "Nothing matches." in words(browser.get("/desk/inquiries?late=1"))


def test_a_viewer_sees_the_list_and_nothing_to_act_with(world: World) -> None:
    reference = world.receive()
    viewer = world.member("greta.olsen@who.example")
    page = viewer.get("/desk/inquiries")
    assert references(page) == [reference]
    refused = viewer.get("/desk/inquiries/closing")
    assert (refused.status_code, "Your role does not allow this." in words(refused)) == (403, True)


# -- what is new --


def test_what_came_or_changed_since_the_page_was_opened_is_counted(world: World, browser: Browser) -> None:
    old = world.receive()
    world.platform.clock.forward(minutes=1)  # type: ignore[attr-defined]
    address = fresh(browser.get("/desk/inquiries?order=oldest"))
    assert browser.get(address).text.strip() == ""
    world.platform.clock.forward(minutes=1)  # type: ignore[attr-defined]
    world.receive()
    piece = browser.get(address)
    assert "1 inquiry has come or changed since this page was opened." in words(piece)
    assert '<a href="/desk/inquiries?order=oldest">' in piece.text
    assert "<html" not in piece.text
    press(browser, browser.get(f"/desk/inquiries/{old}"), "/note", note="Mine.")
    assert "2 inquiries have come or changed" in words(browser.get(address))
    closed = fresh(browser.get("/desk/inquiries?state=closed"))
    assert browser.get(closed).text.strip() == "", "as it is filtered"


def test_what_is_new_is_counted_as_the_list_is_filtered(world: World, browser: Browser) -> None:
    address = fresh(browser.get("/desk/inquiries?state=assigned&part=lead&topic=government-procurement&country=KE"))
    world.platform.clock.forward(minutes=1)  # type: ignore[attr-defined]
    world.receive()
    world.receive(country="UG")
    assert "1 inquiry has come or changed" in words(browser.get(address))


def test_asked_again_it_says_that_nothing_has_changed(world: World, browser: Browser) -> None:
    address = fresh(browser.get("/desk/inquiries"))
    first = browser.get(address)
    again = browser.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    world.platform.clock.forward(minutes=1)  # type: ignore[attr-defined]
    world.receive()
    assert browser.get(address, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize("since", ["", "now", "2026-11-23", "2026-11-23T09:00:00", "%00"])
def test_without_an_instant_nothing_is_new(world: World, browser: Browser, since: str) -> None:
    world.receive()
    piece = browser.get(f"/desk/inquiries/new?since={since}")
    assert (piece.status_code, piece.text.strip()) == (200, "")


def test_what_is_new_is_counted_for_a_day_at_most(world: World, browser: Browser) -> None:
    """However old the page is, and whatever somebody writes into the address."""
    world.receive()
    world.platform.clock.forward(hours=25)  # type: ignore[attr-defined]
    browser = world.member(WHO_HEAD)
    assert browser.get("/desk/inquiries/new?since=2020-01-01T00:00:00Z").text.strip() == ""


def test_a_search_is_not_watched(world: World, browser: Browser) -> None:
    assert "data-fresh" not in browser.get("/desk/inquiries?q=water").text


def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(world: World) -> None:
    """Else whoever leaves the desk open would never be signed out."""

    def idle(headers: dict[str, str]) -> int:
        browser = world.member(WHO_OFFICER)
        world.platform.clock.forward(minutes=6)  # type: ignore[attr-defined]
        browser.get("/desk/inquiries")
        for _ in range(int(sessions.IDLE / timedelta(minutes=30)) + 1):
            browser.get(f"/desk/inquiries/new?since={utc_text(world.platform.clock.now())}", headers=headers)
            world.platform.clock.forward(minutes=30)  # type: ignore[attr-defined]
        return browser.get("/desk/inquiries").status_code

    assert idle({sessions.UNATTENDED: "1"}) == 303
    assert idle({}) == 200, "the negative control"


def test_counting_what_is_new_leaves_no_entry_in_the_audit_trail(world: World, browser: Browser) -> None:
    address, before = fresh(browser.get("/desk/inquiries")), world.platform.store.count("audit")
    browser.get(address)
    assert world.platform.store.count("audit") == before


# -- the other lists of the desk --


@pytest.mark.parametrize("path", ["/desk/quarantine", "/desk/events", "/desk/mail", "/desk/mail?state=sent"])
@pytest.mark.parametrize("role", ["administrator", "viewer"])
def test_every_list_has_columns_density_and_says_what_it_lacks(desks: Desks, path: str, role: str) -> None:
    browser, first = desks.browser(desks.staff["wto", role]), path.split("?")[0].rpartition("/")[2]
    page = browser.get(path)
    if role == "viewer" and first == "mail":
        assert (page.status_code, "Your role does not allow this." in words(page)) == (403, True)
        return
    kept = forms(page)[0]
    shown = [value for name, value in kept.fields if name == "columns"]
    assert len(shown) > 2
    query = f"{path}{'&' if '?' in path else '?'}columns={shown[0]}&density=dense"
    chosen = browser.get(query)
    assert [head for head in heads(chosen) if head.strip()][:1] == [head for head in heads(page) if head.strip()][:1]
    assert len(heads(chosen)) < len(heads(page)) or not heads(page)
    assert ("density", "dense") in forms(chosen)[0].fields
    beyond = browser.get(f"{query}&after=0000-01-01T00:00:00.000000Z~a")
    assert beyond.status_code == 200
    assert "There is nothing more." in words(beyond)


@pytest.mark.parametrize(("path", "order"), [("/desk/quarantine", "oldest"), ("/desk/events", "earliest")])
def test_every_list_is_read_from_both_ends(desks: Desks, path: str, order: str) -> None:
    browser = desks.browser(desks.staff["who", "administrator"])
    one, other = (
        re.findall(rf'href="({path}/[^"?/]+)"', browser.get(at).text) for at in (path, f"{path}?order={order}")
    )
    assert len(one) > 2
    assert one == other[::-1]


def test_held_mail_ends_where_there_is_no_more(desks: Desks) -> None:
    browser = desks.browser(desks.staff["who", "administrator"])
    assert 'rel="next"' not in browser.get("/desk/quarantine").text

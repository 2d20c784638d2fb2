"""The navigation of the desk on every page that somebody who has signed in can be shown, errors included."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest
from werkzeug.test import TestResponse

from shared.staff.navigation import PARTS
from shared.staff.permissions import GRANTED, ROLES
from shared.staff.sessions import COOKIE
from tests.functions.browser import Browser, words
from tests.functions.desks import Desks
from tests.functions.signed_in import csrf_token
from tests.functions.test_rights_matrix import EXPECTED, cells, routes

Navigation = list[tuple[str, str]]  # address, label


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> Desks:
    return Desks(tmp_path_factory.mktemp("desks"))


def navigation(page: TestResponse) -> tuple[Navigation, dict[str, str]]:
    """The links of the page's main navigation, and which of them are current as what."""
    found = re.search(r'<nav class="main-nav".*?</nav>', page.text, re.DOTALL)
    assert found, page.request.path
    links = re.findall(r'<a href="([^"]*)"(?: aria-current="([^"]*)")?>([^<]*)</a>', found[0])
    return [(path, unescape(label)) for path, _, label in links], {path: how for path, how, _ in links if how}


def pages(desks: Desks, role: str) -> Iterator[TestResponse]:
    """Every answer of a GET route of a desk that is a page, refusals included, and pages that no route has."""
    browser = desks.browser(desks.staff["who", role])
    paths = {cell.path for cell in cells(desks) if cell.method == "GET" and cell.actor == ("who", role)}
    missing = {"/desk/nothing", "/desk/events/nothing/here", "/desk/mail/nothing", "/desk/sign-in/too-old"}
    for path in sorted(path for path in paths | missing if path.startswith("/desk")):
        page = browser.get(path)
        if page.data.startswith(b"<!doctype html>"):  # no file, no piece of a page
            yield page


def expected_marks(path: str) -> dict[str, str]:
    """Its own part as the page, or as what the page belongs to."""
    below = {part.path: "true" for part in PARTS if part.path != "/desk" and path.startswith(f"{part.path}/")}
    return below | {part.path: "page" for part in PARTS if part.path == path}


@pytest.mark.parametrize("role", ROLES)
def test_every_desk_page_has_the_same_navigation(desks: Desks, role: str) -> None:
    expected = [(part.path, part.label) for part in PARTS if part.may in GRANTED[role]]
    statuses = set()
    for page in pages(desks, role):
        path = page.request.path
        assert navigation(page)[0] == expected, path
        may = next((part.may for part in PARTS if f"{path}/".startswith(f"{part.path}/") and part.path != "/desk"), "")
        marks = expected_marks(path) if not may or may in GRANTED[role] else {}
        assert navigation(page)[1] == marks, path
        statuses.add(page.status_code)
    assert {200, 404, 410} <= statuses
    assert role == "administrator" or 403 in statuses


def test_a_page_that_is_not_there_leads_where_it_says(desks: Desks) -> None:
    inside, outside = (
        desks.browser(desks.staff["who", "viewer"]).get("/desk/nothing"),
        desks.browser(None).get("/nothing"),
    )
    assert "start from what waits. Go to what waits" in words(inside)
    assert "start from the front page. Go to the front page" in words(outside)


def test_forms_that_are_refused_keep_the_navigation(desks: Desks) -> None:
    browser = desks.browser(desks.staff["who", "viewer"])
    expected = navigation(browser.get("/desk"))[0]
    token = csrf_token(desks.platform, browser)
    for path, form, status in [
        ("/desk/settings", {"csrf_token": "x"}, 403),  # out of date
        ("/desk/settings", {"csrf_token": token}, 403),  # of another role
        ("/desk/mail/retry", {"csrf_token": token}, 403),
        ("/desk/sign-in", {"csrf_token": token, "email": "x"}, 422),
        ("/desk", {"csrf_token": token}, 405),
    ]:
        page = browser.post(path, form)
        assert page.status_code == status, path
        assert navigation(page)[0] == expected, path
    browser.set_cookie(COOKIE, "")
    signed_in_since = browser.post("/desk/settings", {"csrf_token": token})
    assert "/desk" not in dict(navigation(signed_in_since)[0]), "signed out: nothing of the desk is shown"


def test_who_has_not_signed_in_sees_nothing_of_the_desk(desks: Desks) -> None:
    for path in ("/desk/sign-in", "/desk/nothing", "/desk/events/nothing/here"):
        assert not dict(navigation(Browser(desks).get(path))[0]).keys() & {part.path for part in PARTS}  # type: ignore[arg-type]


def test_the_navigation_asks_what_the_routes_ask(desks: Desks) -> None:
    """A link that leads to a refusal, or a part that nobody is led to, is a fault."""
    asked = {rule.rule: route.may for rule, method, route in routes(desks) if method == "GET"}
    assert {part.path: part.may for part in PARTS} == {part.path: asked[part.path] for part in PARTS}
    lists = {rule.partition(" ")[2] for rule in EXPECTED if re.fullmatch(r"GET /desk(/[a-z-]+)?", rule)}
    assert lists == {part.path for part in PARTS} | {"/desk/components"}, "to which the settings lead"


def test_the_walk_sees_a_desk_with_a_navigation_of_its_own(desks: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    monkeypatch.setattr(desks.sites["/desk/mail"].gate, "parts", PARTS[:3])
    with pytest.raises(AssertionError, match="/desk/mail"):
        test_every_desk_page_has_the_same_navigation(desks, "administrator")

"""What the functions framework would answer itself is answered by our sites."""

from __future__ import annotations

from urllib.robotparser import RobotFileParser

import pytest

from infra import entry
from shared.topology import load
from shared.web.site import SECURITY_HEADERS
from tests.house import House, opened
from tests.unit.test_infrastructure import RAW

HOSTS = ["a b", "a..b", "[::", "x:80:80", "x:port", "é", "x" * 400, "x/y", "<script>"]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/events", "text/html; charset=utf-8"),
        ("/desk", "text/html; charset=utf-8"),
        ("/api/events", "application/problem+json"),
        ("/api/activities", "application/problem+json"),
    ],
)
def test_a_host_that_is_none_is_refused_as_all_else(house: House, host: str, path: str, kind: str) -> None:
    answer = house.send("GET", path, [("Host", host)])
    assert (answer.status, answer.headers["Content-Type"]) == (400, kind)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if kind.startswith("text/html"):
        assert "Staff sign-in" in answer.text
        assert SECURITY_HEADERS.items() <= dict(answer.headers.items()).items()


@pytest.mark.parametrize(
    "host", ["register.example.org", "127.0.0.1:8080", "[::1]:8080", "localhost", "a.example.", ""]
)
def test_any_host_that_is_one_is_answered(house: House, host: str) -> None:
    assert house.send("GET", "/events", [("Host", host)]).status == 200


@pytest.mark.parametrize("path", ["/static/x", "/a%0Ab", "/favicon.png"])
@pytest.mark.parametrize("at", [target.id for target in load().targets if target.name != "events"])
def test_what_is_not_there_is_told_on_our_page(house: House, path: str, at: str) -> None:
    answer = house.send("GET", path, at=at)
    assert answer.status == 404
    assert "Content-Security-Policy" in answer.headers


def test_doubled_slashes_are_led_to_the_page_with_our_headers(house: House) -> None:
    answer = house.get("/events//open-briefing")
    assert (answer.status, answer.headers["Location"]) == (308, "/events/open-briefing")
    assert "Content-Security-Policy" in answer.headers


def test_robots_may_read_all_but_the_api_and_are_told_on_each_page_what_not_to_list(house: House) -> None:
    answer = house.get("/robots.txt")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    robots = RobotFileParser()
    robots.parse(answer.text.splitlines())
    for path in ("/", "/events", "/events/open-briefing", "/activities/x", "/contact", "/api"):
        assert robots.can_fetch("*", path), path
    assert not robots.can_fetch("*", "/api/events")
    for path in RAW["bearer_paths"]:  # a robot that may not read a page cannot see that it must not list it
        assert robots.can_fetch("*", path), path
        assert house.get(f"{path}token").headers["X-Robots-Tag"] == "noindex"


def test_a_browser_that_looks_for_an_icon_finds_ours(house: House) -> None:
    answer = house.get("/favicon.ico")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/svg+xml")


def test_without_taking_over_the_framework_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The negative control."""
    bare = entry.ROOT_MAIN.replace("take_over(current_app)\n", "")
    monkeypatch.setattr(entry, "ROOT_MAIN", bare)
    with opened(tmp_path_factory.mktemp("house")) as house:
        answer = house.get("/robots.txt")
    assert answer.status == 404
    assert "Content-Security-Policy" not in answer.headers

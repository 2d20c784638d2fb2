"""The one description of the API: made of what the routes declare, and true."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Response

from infra import openapi as maker
from shared import topology
from shared.web.api_reference import description
from shared.web.openapi import Operation
from shared.web.site import Route, Site
from shared.web.visit import Visit
from tests.declared import undeclared
from tests.functions.browser import Browser, platform
from tests.functions.inquiry_world import REQUEST as INQUIRY
from tests.fuzz.village import maps
from tests.house import House

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


def routes(house: House) -> Iterator[tuple[str, str, Route]]:
    for map in maps().values():
        for rule in map.iter_rules():
            if rule.rule.startswith("/api/"):
                for method in METHODS & set(rule.methods or ()):
                    yield method, re.sub(r"<(\w+)>", r"{\1}", rule.rule), rule.endpoint


def described() -> dict[tuple[str, str], Any]:
    paths = description.document()["paths"]
    return {(method.upper(), path): one for path, methods in paths.items() for method, one in methods.items()}


def test_the_description_is_made_of_the_declarations() -> None:
    assert description.FILE.read_text("utf-8") == maker.text(), "run `make build`: a declaration has changed"


def test_every_route_is_described_and_everything_described_is_a_route(house: House) -> None:
    assert sorted(described()) == sorted((method, path) for method, path, _ in routes(house))


def test_every_route_is_reached_where_the_topology_sends_it(house: House) -> None:
    for target in topology.load().targets:
        if target.name == "web":
            for rule in maps()[target.id].iter_rules():
                if rule.rule.startswith("/api/"):
                    assert house.target(rule.rule) == target.id, rule.rule


def test_parameters_and_answers_are_those_of_the_declaration(house: House) -> None:
    for method, path, route in routes(house):
        operation, one = route.operation, described()[method, path]
        assert operation
        assert {int(status) for status in one["responses"]} == {status for status, _ in operation.answers()}
        asked = {parameter["name"] for parameter in one["parameters"] if parameter["in"] == "query"}
        assert asked == {"lang", *(operation.query.model_fields if operation.query else ())}
        assert {f"{{{name}}}" for name in operation.parts} == set(re.findall(r"{\w+}", path))


def test_it_is_served_with_the_address_of_the_installation(house: House) -> None:
    answer = house.get("/api/openapi.json")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert '"servers": [{"url": "http://127.0.0.1:8080"}]' in answer.text


def test_waiting_and_moving_on_are_described(house: House) -> None:
    responses = described()["POST", "/api/events/{event}/registrations"]["responses"]
    assert {"201", "303", "400", "404", "410", "413", "414", "415", "422", "429", "500", "503"} <= set(responses)
    assert responses["303"]["headers"]["Location"]["required"]
    assert responses["429"]["headers"]["Retry-After"]["required"]
    assert set(responses["422"]["content"]) == {"application/problem+json", "text/html"}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/activities?page=0", "page"),
        ("/api/activities?page=two", "page"),
        ("/api/activities?page=100000", "page"),
        ("/api/activities?kind=party", "kind"),
        ("/api/activities?q=" + "x" * 201, "q"),
        ("/api/events?after=yesterday", "after"),
    ],
)
def test_a_parameter_that_is_none_is_refused_by_its_name(house: House, path: str, field: str) -> None:
    answer = house.get(path)
    assert (answer.status, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert f'"field": "{field}"' in answer.text


@pytest.mark.parametrize("attachments", [{}, "", [{"name": "a.txt", "content": "a.b"}], [{"name": "a.txt"}]])
def test_attachments_that_are_none_are_refused(house: House, attachments: Any) -> None:
    body = json.dumps({"attachments": attachments}).encode()
    answer = house.send("POST", "/api/inquiries", [("Content-Type", "application/json")], body)
    assert answer.status == 422
    assert "/attachments" in answer.text


@pytest.mark.parametrize("more", [0, 1])
def test_as_many_attachments_are_taken_as_the_document_says(house: House, more: int) -> None:
    schemas = json.loads(description.FILE.read_text("utf-8"))["components"]["schemas"]
    most = schemas["ApiInquiry"]["properties"]["attachments"]["maxItems"]
    file = {"name": "a.txt", "content": "cGxhaW4="}
    body = json.dumps(INQUIRY | {"attachments": [file] * (most + more)}).encode()
    answer = house.send("POST", "/api/inquiries", [("Content-Type", "application/json")], body)
    assert answer.status == (422 if more else 201), answer.text


# -- negative controls --

SMALL = Operation("small", "GET", "/api/small", "x", "x", dict[str, Any])


def test_a_route_of_the_api_that_says_nothing_does_not_start(tmp_path: Path) -> None:
    site = Site(platform(tmp_path), tmp_path)
    with pytest.raises(ValueError, match=r"/api/silent.*operation"):
        site.route("/api/silent", api=True)


@pytest.mark.parametrize(("status", "kind"), [(418, "application/json"), (200, "text/csv")])
def test_an_answer_that_was_not_declared_is_found(tmp_path: Path, status: int, kind: str) -> None:
    site = Site(platform(tmp_path), tmp_path)

    @site.operation(SMALL)
    def small(visit: Visit) -> Response:
        return Response("{}", status, content_type=kind)

    Browser(site).get("/api/small")
    assert undeclared == [f"GET /api/small: {status} {kind} is not declared"]
    undeclared.clear()


# -- the page --


def test_the_page_shows_all_that_the_document_says(house: House) -> None:
    page = house.get("/api")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    text = html.unescape(re.sub(r"<[^>]+>", "", page.text))
    for (method, path), one in described().items():
        assert f"{method} {path}" in text
        assert one["summary"] in text
        names = {parameter["name"] for parameter in one["parameters"]} | set(one["responses"])
        assert names <= set(text.split()), (path, names - set(text.split()))
    for name in description.document()["components"]["schemas"]:
        assert name in text or name.endswith("Form"), name


def test_the_page_asks_no_other_site_and_runs_nothing(house: House) -> None:
    page = house.get("/api")
    assert "<script" not in page.text
    assert " style=" not in page.text
    fetched = re.findall(r'(?:src|<link (?!rel="canonical")[^>]*href)="([^"]+)"', page.text)
    assert fetched
    assert all(link.startswith("/") for link in fetched)
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    names = re.findall(r'href="#([^"]+)"', page.text)
    assert names
    assert all(f'id="{name}"' in page.text for name in names)


def test_the_page_speaks_the_visitors_language(house: House) -> None:
    english, arabic = (house.get(f"/api?lang={language}").text for language in ("en", "ar"))
    for one in described().values():
        assert html.escape(one["summary"], quote=False) in english.replace("&#39;", "'")
        assert one["summary"] not in arabic
    assert 'dir="rtl"' in arabic

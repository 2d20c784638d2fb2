"""What the domain refuses, as ``Site`` answers it: once, for pages and for the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Response

import functions.inquiries.errors
import functions.registration.errors
import shared.idempotency  # noqa: F401 - has one of its own
from functions.registration.errors import Closed, Full, NoSeatKept, NotPossible
from shared import languages
from shared.errors import DomainError, FaultyFields
from shared.fields import TOO_LONG
from shared.web.openapi import Operation
from shared.web.site import Site
from shared.web.visit import Visit
from tests.functions.browser import Browser, platform

ERRORS = [Closed("soon"), Closed("past"), Full("forum"), NotPossible("cancelled")]


def kinds(of: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from kinds(kind)


def refusing(folder: Path, error: DomainError) -> Browser:
    site = Site(platform(folder), folder)

    def refuse(visit: Visit) -> Response:
        raise error

    site.route("/thing")(refuse)
    problems = {410: "It is over.", 422: "Fields are faulty."}
    site.operation(Operation("thing", "GET", "/api/thing", "Things", "One thing", dict, problems=problems))(refuse)
    return Browser(site)


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_a_program_is_told_status_type_and_title_in_its_language(tmp_path: Path, error: DomainError) -> None:
    answer = refusing(tmp_path, error).get("/api/thing", headers={"Accept-Language": "ar"})
    assert (answer.status_code, answer.content_type) == (error.status, "application/problem+json")
    assert answer.json["type"].endswith(f"/problems/{error.type}")
    assert answer.json["title"] == languages.translations("ar").gettext(error.title) != error.title


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_a_person_is_shown_a_page_that_says_it(tmp_path: Path, error: DomainError) -> None:
    answer = refusing(tmp_path, error).get("/thing")
    assert (answer.status_code, answer.mimetype) == (error.status, "text/html")
    assert error.title in answer.text


def test_faulty_fields_are_named_with_what_mends_them(tmp_path: Path) -> None:
    error = FaultyFields({"answers.diet": TOO_LONG}, max_length="2000")
    answer = refusing(tmp_path, error).get("/api/thing")
    assert answer.status_code == 422
    assert answer.json["errors"] == [
        {"pointer": "/answers/diet", "field": "answers.diet", "detail": "Too long: at most 2000 characters."}
    ]


def test_what_to_do_about_it_is_told_too(tmp_path: Path) -> None:
    answer = refusing(tmp_path, NoSeatKept("forum")).get("/api/thing")
    assert answer.json["detail"] == NoSeatKept.detail


@pytest.mark.parametrize("kind", [*kinds()], ids=lambda kind: kind.__name__)
def test_each_kind_says_what_http_is_to_tell(kind: type[DomainError]) -> None:
    assert 400 <= kind.status < 500
    if kind is not functions.registration.errors.Refusal:  # of which there are only kinds
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.type)

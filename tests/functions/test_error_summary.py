"""The errors of a form: above it, with the focus, in the order of the page, in the words that stand at the fields;
and the same on every form."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared import languages
from shared.fields import EMPTY
from tests.functions.browser import Browser
from tests.functions.inquiry_sites import new_world
from tests.functions.test_inquiry_pages import opened, press
from tests.functions.test_registration_pages import LINA, PageWorld

Form = Callable[..., TestResponse]
EVERYTHING = {"given_name": " ", "family_name": "x" * 201, "email": "x", "country": "XX", "organisation": "a\x00b"}
QUESTIONS = [
    {"id": "role", "label": "Your role", "required": True},
    {"id": "meal", "label": "Meal", "kind": "choice", "required": True, "options": [{"id": "a", "label": "A"}]},
    {"id": "days", "label": "Days", "kind": "choices", "required": True, "options": [{"id": "a", "label": "A"}]},
    {"id": "rules", "label": "I know the rules", "kind": "yes_no", "required": True},
    {"id": "notes", "label": "Notes", "kind": "long_text"},
]


def registration(folder: Path) -> Form:
    world = PageWorld(folder)
    world.event(questions=QUESTIONS, categories=[{"id": id, "name": id} for id in ("press", "public")])
    page = world.visitor.get("/events/forum/register")
    return lambda **fields: world.visitor.send(page, **{"answers.notes": "x" * 2001} | fields)


def correction(folder: Path) -> Form:
    world = PageWorld(folder)
    world.event(questions=QUESTIONS)
    answers = {"answers.role": "x", "answers.meal": "a", "answers.days[]": "a", "answers.rules": "on"}
    world.fill_in(**answers)
    page = world.visitor.get(f"/r/{world.manage('Lina')}/correct")
    empty = dict.fromkeys(answers, "")
    return lambda **fields: world.visitor.send(page, **empty | fields)


def contact(folder: Path) -> Form:
    world = new_world(folder)
    browser = Browser(world.web)
    return lambda **fields: browser.send(browser.get("/contact"), **fields)


def message(folder: Path) -> Form:
    world = new_world(folder)
    browser = Browser(world.web)
    page = opened(browser)
    return lambda **fields: press(browser, page, "/messages", text="x" * 20_001)


@pytest.fixture(params=[registration, correction, contact, message])
def form(request: pytest.FixtureRequest, tmp_path: Path) -> Form:
    made: Form = request.param(tmp_path)
    return made


def summary(page: TestResponse) -> list[tuple[str, str]]:
    """(id of the field, text) of the entries, in their order; the id is empty where there is no link."""
    box = re.search(r'<div class="error-summary"[^>]*>(.*?)</div>', page.text, re.DOTALL)
    assert box, page.text
    entries = re.findall(r"<li>\s*(?:<a href=\"#([^\"]+)\">)?(.*?)(?:</a>)?\s*</li>", box[1], re.DOTALL)
    return [(id, html.unescape(re.sub(r"<[^>]+>", "", text)).strip()) for id, text in entries]


def said(page: TestResponse) -> dict[str, str]:
    """What stands at each field, by its id, in the order of the page."""
    found = re.findall(r'id="(f-[\w-]+)-error"><span[^>]*>[^<]*</span>(.*?)</p>', page.text, re.DOTALL)
    return {id: html.unescape(text).strip() for id, text in found}


def test_the_summary_has_the_focus_and_tells_what_the_fields_tell_in_the_order_of_the_page(form: Form) -> None:
    page = form(**EVERYTHING)
    assert page.status_code == 422
    assert re.search(r'<div class="error-summary"[^>]* tabindex="-1" autofocus>', page.text)
    told, entries = said(page), summary(page)
    assert [id for id, _ in entries] == list(told)
    for id, text in entries:
        assert text.endswith(told[id]), id
        assert re.search(rf'<(input|select|textarea)[^>]* id="{id}"', page.text), f"nothing to go to at {id}"
        assert text == told[id] or text.endswith(f": {told[id]}"), "a general fault without the field's name"


def test_an_empty_field_is_told_in_words_of_its_own(tmp_path: Path) -> None:
    for number, make in enumerate((registration, contact)):
        (tmp_path / str(number)).mkdir()
        page = make(tmp_path / str(number))(**dict.fromkeys(EVERYTHING, ""))
        own = {id: text for id, text in said(page).items() if id.removeprefix("f-") in EMPTY}
        assert len(own) >= 4
        for id, text in own.items():
            assert text == EMPTY[id.removeprefix("f-")]
            assert (id, text) in summary(page)


@pytest.mark.parametrize("language", languages.available())
@pytest.mark.parametrize("value", ["", "  ", "x" * 300, "a\x00b", "a\nb", "XX", "@"], ids=repr)
def test_the_same_fault_has_the_same_words_on_both_forms(tmp_path: Path, value: str, language: str) -> None:
    both = []
    for make in (registration, contact):
        folder = tmp_path / make.__name__
        folder.mkdir()
        fields: dict[str, Any] = dict.fromkeys(EVERYTHING, value) | {"language": language}
        both.append(said(make(folder)(**fields, at=f"{PATHS[make]}?lang={language}")))
    shared = both[0].keys() & both[1].keys()
    assert {"f-email", "f-country", "f-consent"} <= shared
    assert {id: both[0][id] for id in shared} == {id: both[1][id] for id in shared}


PATHS = {registration: "/events/forum/register", contact: "/contact"}


def test_a_form_that_was_sent_before_is_told_the_same_on_both(tmp_path: Path) -> None:
    from tests.functions.test_inquiry_pages import send

    world, inquiries = PageWorld(tmp_path), new_world(tmp_path / "inquiries")
    world.event()
    page, browser = world.visitor.get("/events/forum/register"), Browser(inquiries.web)
    world.visitor.send(page, **LINA)
    contact_page = browser.get("/contact")
    send(browser, contact_page)
    again = world.visitor.send(page, **LINA | {"given_name": "Omar"})
    assert summary(again) == summary(send(browser, contact_page, subject="Another"))
    assert "Check it and send it once more" in summary(again)[0][1]

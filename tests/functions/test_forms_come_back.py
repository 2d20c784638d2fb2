"""A form that is not taken as it was sent comes back with all that was typed: without our cookie, from before keys were
changed, in another language, with files that no page can keep."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared.formats.countries import code_of
from tests.functions.browser import SETTINGS, Browser, Form, form_to, forms, words
from tests.functions.inquiry_sites import WHO_OFFICER, new_world
from tests.functions.test_inquiry_pages import TYPED, opened
from tests.functions.test_registration_pages import LINA, PageWorld


@dataclass
class Case:
    """A form that somebody writes into: where it is, what they type, and how many such things are kept."""

    browser: Browser
    page: TestResponse
    ending: str
    typed: dict[str, Any]
    count: Any

    def send(self, at: str = "", page: TestResponse | None = None, **others: Any) -> TestResponse:
        page = page or self.page
        index = form_to(page, self.ending)
        return self.browser.send(page, index, at or None, **(self.typed | others))

    def form(self, page: TestResponse) -> Form:
        return forms(page)[form_to(page, self.ending)]

    def holds_all(self, page: TestResponse) -> bool:
        fields = self.form(page).fields
        pairs = [(n, v) for n, given in self.typed.items() for v in (given if isinstance(given, list) else [given])]
        plain = {(n, code_of(v) if n == "country" else v) for n, v in fields}
        return all(pair in plain for pair in pairs)


def registration(folder: Path) -> Case:
    world = PageWorld(folder)
    asked = [{"id": "notes", "label": "Notes", "kind": "long_text"}]
    world.event(questions=asked)
    page = world.visitor.get("/events/forum/register")
    typed = LINA | {"full_name": "Lina Haddad", "answers.notes": "Two\nlines & <more>"}
    del typed["given_name"]
    return Case(world.visitor, page, "/register", typed, lambda: len(world.registrations()))


def correction(folder: Path) -> Case:
    world = PageWorld(folder)
    world.event()
    world.fill_in()
    page = world.visitor.get(f"/r/{world.manage('Lina')}/correct")
    changed = lambda: sum(r.organisation == "WTO <Geneva>" for r in world.registrations())  # noqa: E731
    return Case(world.visitor, page, "/correct", {"organisation": "WTO <Geneva>"}, changed)


def contact(folder: Path) -> Case:
    world = new_world(folder)
    browser = Browser(world.web)
    typed = {name: value for name, value in TYPED.items() if name not in ("language", "given_name")}
    typed["full_name"] = f"{TYPED['given_name']} {TYPED['family_name']}"
    return Case(browser, browser.get("/contact"), "/contact", typed, lambda: world.platform.store.count("inquiries"))


def message(folder: Path) -> Case:
    world = new_world(folder)
    browser = Browser(world.web)
    page = opened(browser)
    kept = lambda: world.platform.store.count("inquiry_messages") - 1  # noqa: E731
    return Case(browser, page, "/messages", {"text": "One <more>\nthing"}, kept)


CASES = [registration, correction, contact, message]


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    made: Case = request.param(tmp_path)
    return made


def answer(folder: Path) -> Case:
    world = new_world(folder)
    reference = world.receive()
    officer = world.member(WHO_OFFICER)
    page = officer.get(f"/desk/inquiries/{reference}")
    sent = lambda: len(world.announced("inquiry.answered"))  # noqa: E731
    return Case(officer, page, reference, {"text": "A long <answer>\nin lines", "after": "waiting"}, sent)


def dry_run(folder: Path) -> Case:
    officer = new_world(folder).member(WHO_OFFICER)
    typed = {"subject": "A <subject>", "message": "Two\nlines", "country": "CH"}
    return Case(officer, officer.get("/desk/routing"), "/routing", typed, lambda: 0)


@pytest.mark.parametrize("spoil", ["no cookie", "another cookie", "no token", "an old token"])
def test_a_form_without_our_cookie_comes_back_filled_in_and_passes_when_it_is_sent_again(
    case: Case, spoil: str
) -> None:
    if spoil.endswith("cookie"):
        case.browser.set_cookie("visitor", "" if spoil == "no cookie" else "0" * 32)
    spoilt = {"no token": {"csrf_token": ""}, "an old token": {"csrf_token": "of~another~key"}}.get(spoil, {})
    back = case.send(**spoilt)
    assert (back.status_code, case.count()) == (403, 0)
    assert "Please send it again" in words(back)
    assert case.holds_all(back)
    again = case.browser.send(back, form_to(back, case.ending))
    assert (again.status_code, case.count()) == (303, 1)


@pytest.mark.parametrize("make", [*CASES, answer, dry_run])
def test_a_change_of_language_keeps_what_was_typed_and_does_nothing_else(make: Any, tmp_path: Path) -> None:
    case: Case = make(tmp_path)
    button = re.search(
        r'<button form="kept" formaction="([^"]+\?lang=ar)"[^>]* name="shown_in" value="en"', case.page.text
    )
    assert button
    assert re.search(rf'<form id="kept"[^>]* method="post" action="{button[1].partition("?")[0]}["#]', case.page.text)
    back = case.send(at=button[1], shown_in="en")
    assert (back.status_code, case.count()) == (200, 0)
    assert 'dir="rtl"' in back.text
    assert case.holds_all(back)
    assert 'class="error' not in back.text
    assert case.browser.send(back, form_to(back, case.ending)).status_code < 400


@pytest.mark.parametrize("make", [*CASES, answer, dry_run])
def test_enter_in_a_field_sends_the_form_and_does_not_change_the_language(make: Any, tmp_path: Path) -> None:
    """The first button of a form is the one that Enter presses (HTML, 4.10.22.2)."""
    case: Case = make(tmp_path)
    first = re.search(r'<button form="kept"[^>]*>', case.page.text)
    assert first
    assert "formaction" not in first[0]
    assert "name=" not in first[0]


@pytest.mark.parametrize("make", [registration, contact])
def test_the_language_of_mails_follows_the_page_unless_it_was_chosen(make: Any, tmp_path: Path) -> None:
    case = make(tmp_path)
    at = f"{case.form(case.page).action}?lang=ar"
    assert ("language", "ar") in case.form(case.send(at=at, shown_in="en", language="en")).fields
    back = case.form(case.send(at=at.replace("=ar", "=en"), shown_in="ar", language="en"))
    assert ("language", "en") in back.fields


@pytest.mark.parametrize("make", [contact, message])
@pytest.mark.parametrize("why", ["language", "cookie", "fault"])
def test_files_that_a_page_cannot_keep_are_named(make: Any, why: str, tmp_path: Path) -> None:
    case = make(tmp_path)
    more: dict[str, Any] = {"attachments": (io.BytesIO(b"%PDF-1.7 plan"), "plan.pdf")}
    if why == "language":
        more["shown_in"] = "en"
    elif why == "cookie":
        more["csrf_token"] = ""
    else:
        more |= dict.fromkeys(("text", "subject"), "")
    back = case.send(**more)
    assert "choose them again: plan.pdf" in words(back)
    assert 'href="#f-attachments"' in back.text


def test_a_button_of_our_own_page_is_pressed_once_more_without_its_cookie(tmp_path: Path) -> None:
    world = PageWorld(tmp_path)
    world.event()
    world.fill_in()
    question = world.visitor.get(f"/r/{world.manage('Lina')}/cancel")
    world.visitor.set_cookie("visitor", "")
    fields = dict(forms(question)[0].fields)
    back = world.visitor.post(question.request.path, fields, headers={"Origin": SETTINGS.base_url})
    assert (back.status_code, world.registrations()[0].state) == (403, "confirmed")
    assert world.visitor.send(back).status_code == 303
    assert world.registrations()[0].state == "cancelled"


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": SETTINGS.base_url}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": SETTINGS.base_url}, False),
        ({"Origin": "https://elsewhere.example"}, False),
        ({}, False),
    ],
)
def test_what_staff_typed_is_kept_where_our_own_page_sent_it(
    tmp_path: Path, headers: dict[str, str], kept: bool
) -> None:
    """Another site's form never becomes a button at the desk that somebody might press."""
    world = new_world(tmp_path)
    reference = world.receive()
    officer = world.member(WHO_OFFICER)
    page = officer.get(f"/desk/inquiries/{reference}")
    form = forms(page)[form_to(page, "/answer")]
    officer.set_cookie("visitor", "")
    fields = dict(form.fields) | {"text": "A long answer"}
    back = officer.post(form.action.partition("#")[0], fields, headers=headers)
    assert back.status_code == 403
    assert ("A long answer" in back.text) is kept
    assert not world.announced("inquiry.answered")
    if kept:
        assert officer.send(back, send="1").status_code == 303
        assert len(world.announced("inquiry.answered")) == 1

"""Control characters and noncharacters do not enter, by no door: the answer names the field and the mend."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from werkzeug.test import TestResponse

from functions.inquiries.web import api
from functions.registration import toml_files as registration_content
from functions.registration.toml_files import BadContent
from shared.errors import FaultyFields
from shared.keys.links import Link
from shared.ports import Create, Replace
from tests.functions.browser import Browser, press, words
from tests.functions.inquiry_sites import REQUEST, WHO_HEAD, World, new_world
from tests.functions.test_registration_pages import PageWorld

MEND = "There is an invisible control character in it. Delete it, or type the text afresh."
BAD = ["\x0b", "\x00", "\x85", "\uffff", "\ufdd0", "\U0001fffe"]
QUESTIONS = [
    {"id": "diet", "label": "Diet"},
    {"id": "wishes", "label": "Wishes", "kind": "long_text"},
    {"id": "day", "label": "Day", "kind": "choice", "options": [{"id": "one", "label": "One"}]},
]
PERSON = {
    "given_name": "Ann",
    "family_name": "Tester",
    "email": "ann@example.org",
    "country": "CH",
    "category": "participant",
    "consent": True,
}


@pytest.fixture
def events(tmp_path: Path) -> PageWorld:
    world = PageWorld(tmp_path)
    world.event(questions=QUESTIONS)
    return world


@pytest.fixture
def inquiries(tmp_path: Path) -> World:
    world = new_world(tmp_path)
    api.register(world.web, world.service)
    return world


def faults(response: TestResponse) -> dict[str, str]:
    assert response.status_code == 422, response.text
    assert response.json
    return {error["field"]: error["detail"] for error in response.json["errors"]}


@pytest.mark.parametrize("bad", BAD, ids=ascii)
@pytest.mark.parametrize("field", ["full_name", "organisation", "answers.diet", "answers.wishes"])
def test_a_registration_by_program(events: PageWorld, field: str, bad: str) -> None:
    body: dict[str, Any] = PERSON | {"answers": {}}
    first, _, question = field.partition(".")
    body |= {"answers": {question: f"a{bad}b"}} if question else {first: f"a{bad}b"}
    path = "/api/events/forum/registrations"
    assert faults(events.visitor.post(path, json=body)) == {field: MEND}
    assert events.registrations() == []


@pytest.mark.parametrize("field", ["full_name", "answers.wishes"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_registration_by_form(events: PageWorld, field: str, language: str) -> None:
    events.visitor.get(f"/events?lang={language}")
    page = events.fill_in(**{field: "a\x0bb"})
    assert page.status_code == 422
    assert f'id="f-{field.replace(".", "-")}-error"' in page.text
    assert (MEND in words(page)) == (language == "en")
    assert events.registrations() == []


def test_a_correction(events: PageWorld) -> None:
    events.register("Ann")
    path = f"/r/{events.manage('Ann')}/correct"
    page = events.visitor.send(events.visitor.get(path), **{"answers.wishes": "a\uffffb"})
    assert page.status_code == 422
    assert MEND in words(page)
    assert events.registrations()[0].answers == {}


@pytest.mark.parametrize("half", ["\ud83d", "a\udfffb"], ids=ascii)
def test_halves_of_letters(events: PageWorld, inquiries: World, half: str) -> None:
    path = "/api/events/forum/registrations"
    for body in ({"given_name": half}, {"answers": {"wishes": half}}, {"email": f"{half}@example.org"}):
        assert len(faults(events.visitor.post(path, json=PERSON | body))) == 1
    for name in ("given_name", "message", "subject", "language", "country"):
        sent = Browser(inquiries.web).post("/api/inquiries", json=REQUEST | {name: half})
        assert list(faults(sent)) == [name]


@pytest.mark.parametrize("bad", BAD, ids=ascii)
@pytest.mark.parametrize("field", ["given_name", "organisation", "subject", "message"])
def test_an_inquiry(inquiries: World, field: str, bad: str) -> None:
    sent = Browser(inquiries.web).post("/api/inquiries", json=REQUEST | {field: f"a{bad}b"})
    assert faults(sent) == {field: MEND}
    browser = Browser(inquiries.web)
    asked = {name: value for name, value in REQUEST.items() if name not in ("topics", "consent")}
    page = browser.send(browser.get("/contact"), **asked | {field: f"a{bad}b", "consent": "on"})
    assert page.status_code == 422
    assert MEND in words(page)


def test_a_further_message(inquiries: World) -> None:
    reference = inquiries.receive()
    with pytest.raises(FaultyFields, match="text: There is an invisible"):
        inquiries.service.requests.add_message(Link(reference), "a\x0bb", "key")
    inquiries.service.requests.add_message(Link(reference), "a\r\n\tb\r\n", "key")
    texts = {message.text for message in inquiries.service.requests.status(Link(reference)).messages}
    assert texts == {REQUEST["message"], "a\n\tb"}


def test_staff_at_the_desk(inquiries: World) -> None:
    path = f"/desk/inquiries/{inquiries.receive()}"
    browser = inquiries.member(WHO_HEAD)
    for action, field, more in (
        ("answer", "text", {"send": "1"}),
        ("note", "note", {}),
        ("assign", "reason", {"to": WHO_HEAD}),
        ("hand-over", "because", {"organisation": "wto"}),
    ):
        page = press(browser, browser.get(path), f"/{action}", **more, **{field: "a\x0bb"})
        assert page.status_code == 422, action
        assert MEND in words(page), action
    assert browser.get("/desk/inquiries?q=a%0B%EF%BF%BFb%00").status_code == 200
    assert browser.get("/desk/inquiries.xlsx?q=a%0Bb").status_code == 200


def test_content_files(events: PageWorld, tmp_path: Path) -> None:
    path = tmp_path / "events.toml"
    path.write_text('[[events]]\nid = "x"\ntitle = "a\\u000Bb"\n', "utf-8")
    with pytest.raises(BadContent, match=r"title\..*invisible control character"):
        registration_content.read(path, events.store, events.clock.now())


def test_exports_survive_what_older_data_hold(events: PageWorld, inquiries: World) -> None:
    reference = inquiries.receive()
    store = inquiries.platform.store
    part = store.get("assignments", f"{reference}:who")
    assert part
    store.commit([Replace("assignments", part.id, part.data | {"subject": "old\x0b\uffff", "requester": "=1"}, None)])
    store.commit([Create("assignments", "OLDX-OLDX:who", part.data | {"inquiry": "OLDX-OLDX", "subject": ";=1"})])
    exported = inquiries.member(WHO_HEAD).get("/desk/inquiries.xlsx")
    sheet = load_workbook(io.BytesIO(exported.data)).active
    assert sheet is not None
    cells = {cell.value for row in sheet.iter_rows() for cell in row}
    assert {"old\ufffd\ufffd", "'=1", ";=1"} <= cells
    assert ";'=1" in inquiries.member(WHO_HEAD).get("/desk/inquiries.csv").text

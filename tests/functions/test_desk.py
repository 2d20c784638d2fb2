"""The desk as staff use it: what they see, what they may do, and what two of them do at once."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from openpyxl import load_workbook
from werkzeug.test import TestResponse

from functions.inquiries.casework import queries
from functions.inquiries.desk import inquiry_list
from functions.inquiries.files.attachments import Upload
from shared.ports import Create, Replace
from tests.functions.browser import Browser, Form, form_to, forms, press, words
from tests.functions.inquiry_sites import WHO_HEAD, WHO_OFFICER, World, new_world
from tests.functions.signed_in import csrf_token

WHO_VIEWER, WIPO, WTO = "greta.olsen@who.example", "helena.brandt@wipo.example", "focal@wto.example"


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = new_world(tmp_path)
    greta = made.platform.store.get("staff", WHO_VIEWER)
    assert greta
    person = greta.data | {"role": "viewer"}
    wto = greta.data | {"email": WTO, "organisation": "wto", "role": "focal_point", "queues": []}
    made.platform.store.commit([Replace("staff", WHO_VIEWER, person, None), Create("staff", WTO, wto)])
    return made


def has_form(page: TestResponse, ending: str) -> bool:
    return any(form.action.partition("#")[0].endswith(ending) for form in forms(page))


def references(page: TestResponse) -> list[str]:
    return list(dict.fromkeys(re.findall(r'href="/desk/inquiries/([A-Z0-9]{4}-[A-Z0-9]{4})"', page.text)))


# -- what staff see --


def test_the_first_page_shows_what_waits_for_me_and_what_is_late(world: World) -> None:
    reference = world.receive()
    view = world.service.reading.inquiry(_member(world, WHO_HEAD), reference)
    mine = next(part for part in view.assignments if part.organisation == "who")
    page = world.member(mine.assignee).get("/desk")
    assert reference in references(page)
    assert "<svg" in page.text
    assert "style=" not in page.text  # the policy allows no inline style


def test_a_confined_request_does_not_exist_for_other_organisations(world: World) -> None:
    secret = world.receive(
        (Upload("plan.txt", b"our plan"),), share_with="wipo", subject="Zanzibar plan", message="Zanzibar tender"
    )
    view = world.service.reading.inquiry(_member(world, WIPO), secret)
    file = view.messages[0].attachments[0].id
    paths = (f"/desk/inquiries/{secret}", f"/desk/inquiries/{secret}/files/{file}")
    lists = ("/desk", "/desk/inquiries", "/desk/inquiries?q=zanzibar", f"/desk/inquiries?q={secret}")
    exports = ("/desk/inquiries.csv", "/desk/inquiries.csv?q=zanzibar")
    owner = world.member(WIPO)
    assert [owner.get(path).status_code for path in paths] == [200, 200]
    assert all(secret in owner.get(path).text for path in (*lists[1:], *exports))
    for stranger in (world.member(WHO_HEAD), world.member(WTO)):
        assert [stranger.get(path).status_code for path in paths] == [404, 404]
        for path in (*lists, *exports):
            found = stranger.get(path)
            text = words(found) if found.mimetype == "text/html" else found.text
            assert secret not in text.replace(f"Words or reference: {secret}", ""), path  # what was searched for
            assert "Zanzibar" not in text, path
        sheet = load_workbook(io.BytesIO(stranger.get("/desk/inquiries.xlsx").data)).active
        assert sheet is not None
        assert sheet.max_row == 1


ACTIONS = ["take", "assign", "hand-over", "close", "reopen", "end-part", "resume-part", "answer", "note"]


@pytest.mark.parametrize("action", [*ACTIONS, "propose-erasure", "withdraw-erasure", "erase"])
def test_nobody_acts_on_what_their_organisation_does_not_have(world: World, action: str) -> None:
    secret = world.receive(share_with="wipo")
    version = world.service.reading.inquiry(_member(world, WIPO), secret).version
    stranger = world.member(WHO_HEAD)
    token = _token(world, stranger)
    values = {"version": version, "text": "x", "note": "x", "to": WHO_HEAD, "organisation": "wto", "reason": "x"}
    sent = stranger.post(f"/desk/inquiries/{secret}/{action}", values | {"csrf_token": token})
    assert sent.status_code == 404
    assert world.service.reading.inquiry(_member(world, WIPO), secret).version == version


@pytest.mark.parametrize("word", ["x", "!", "é", "a ?"])
def test_a_search_for_less_than_two_letters_says_so_and_lists_nothing(world: World, word: str) -> None:
    reference = world.receive()
    browser = world.member(WHO_HEAD)
    page = browser.get("/desk/inquiries", query_string={"q": word})
    assert references(page) == []
    assert "To search, write a word of at least two letters" in words(page)
    assert reference not in browser.get("/desk/inquiries.csv", query_string={"q": word}).text
    assert references(browser.get("/desk/inquiries?q=+")) == [reference]


def test_lists_filter_search_sort_and_page(world: World) -> None:
    made = []
    for number in range(53):
        world.platform.clock.forward(minutes=1)  # type: ignore[attr-defined]
        made.append(world.receive(subject=f"Request {number}", message=f"word{number} procurement tender"))
    browser = world.member(WHO_HEAD)
    first = browser.get("/desk/inquiries")
    assert references(first) == made[::-1][:50]
    following = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert following
    assert references(browser.get(following[1].replace("&amp;", "&"))) == made[::-1][50:]
    assert references(browser.get("/desk/inquiries?order=oldest"))[0] == made[0]
    assert references(browser.get("/desk/inquiries?q=word17")) == [made[17]]
    assert references(browser.get(f"/desk/inquiries?q={made[5]}")) == [made[5]]
    assert references(browser.get("/desk/inquiries?state=closed")) == []
    assert references(browser.get("/desk/inquiries?part=supporting")) == []
    assert len(references(browser.get("/desk/inquiries?topic=government-procurement"))) == 50
    assert references(browser.get("/desk/inquiries?topic=local-production")) == []
    assert browser.get("/desk/inquiries?state=nonsense").status_code == 422
    assert browser.get("/desk/inquiries?after=nonsense").status_code == 200


def test_a_search_that_has_read_enough_says_how_far_and_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both words are in many inquiries, and in few at once: those that have one are read, so many for each page."""
    monkeypatch.setattr(inquiry_list, "PAGE", 2)
    monkeypatch.setattr(queries, "MAX_SCANNED", 2)
    made = []
    for word in ("apple banana", "apple", "banana", "apple", "banana", "apple banana", "banana", "apple"):
        world.platform.clock.forward(minutes=1)  # type: ignore[attr-defined]
        made.append(world.receive(subject=word))
    browser, address, pages = world.member(WHO_HEAD), "/desk/inquiries?q=apple+banana", []
    while address:
        pages.append(browser.get(address))
        following = re.search(r'rel="next" href="([^"]+)"', pages[-1].text)
        address = following[1].replace("&amp;", "&") if following else ""
    assert [one for page in pages for one in references(page)] == [made[5], made[0]]
    assert "Searched back to 2026-11-23 10:06" in words(pages[0])
    assert "Nothing matches back to 2026-11-23 10:03" in words(pages[1])
    assert [("Search further back" in words(page)) for page in pages] == [True, True, False]


def test_a_search_looks_among_what_the_rarest_word_leads_to(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inquiry_list, "PAGE", 2)
    monkeypatch.setattr(queries, "MAX_SCANNED", 2)
    rare = world.receive(subject="extraordinarily zebra")
    for _ in range(5):
        world.receive(subject="extraordinarily long")
    assert references(world.member(WHO_HEAD).get("/desk/inquiries?q=extraordinarily+zebra")) == [rare]


def test_the_inquiry_page_says_why_it_came_here_and_what_happened(world: World) -> None:
    reference = world.receive()
    text = words(world.member(WHO_HEAD).get(f"/desk/inquiries/{reference}"))
    assert "WHO leads, with the support of WTO." in text
    assert "routed it" in text
    assert "We are drafting a procurement policy" in text


# -- roles --


def test_a_viewer_sees_everything_and_changes_nothing(world: World) -> None:
    reference = world.receive()
    viewer = world.member(WHO_VIEWER)
    page = viewer.get(f"/desk/inquiries/{reference}")
    assert page.status_code == 200
    assert forms(page) == []
    token, version = _token(world, viewer), world.service.reading.inquiry(_member(world, WHO_HEAD), reference).version
    for action in ("take", "answer", "close", "erase"):
        sent = viewer.post(
            f"/desk/inquiries/{reference}/{action}", {"csrf_token": token, "version": version, "text": "x"}
        )
        assert sent.status_code == 403
    assert viewer.post("/desk/inquiries/close", {"csrf_token": token}).status_code == 403
    assert world.service.reading.inquiry(_member(world, WHO_HEAD), reference).version == version


def test_an_officer_does_not_hand_over_or_erase(world: World) -> None:
    reference = world.receive()
    officer, head = world.member(WHO_OFFICER), world.member(WHO_HEAD)
    page = officer.get(f"/desk/inquiries/{reference}")
    assert has_form(page, "/take")
    assert not has_form(page, "/hand-over")
    assert has_form(head.get(f"/desk/inquiries/{reference}"), "/hand-over")
    for action in ("hand-over", "erase"):
        sent = officer.post(f"/desk/inquiries/{reference}/{action}", {"csrf_token": _token(world, officer)})
        assert sent.status_code == 403


# -- working on one inquiry --


def test_answer_with_a_canned_reply_a_preview_and_a_question(world: World) -> None:
    reference = world.receive()
    browser = world.member(WHO_OFFICER)
    page = browser.get(f"/desk/inquiries/{reference}")
    inserted = press(browser, page, reference, insert="1", canned="more-details", text="Good morning.", after="waiting")
    form = _form(inserted, "/answer")
    assert dict(form.fields)["text"].startswith("Good morning.\n\nDear Wanjiru Kamau,")
    shown = press(browser, inserted, reference, preview="1")
    assert "Preview" in words(shown)
    assert world.announced("inquiry.answered") == []
    sent = press(browser, shown, "/answer", send="1")
    assert "Your answer is on its way." in words(browser.follow(sent))
    [mail] = world.announced("inquiry.answered")
    assert mail["text"].startswith("Good morning.")
    assert mail["awaits_reply"] is True
    assert _state(world, reference) == "waiting"


def test_an_empty_answer_comes_back_and_sends_nothing(world: World) -> None:
    reference = world.receive()
    browser = world.member(WHO_OFFICER)
    for button, ending in (("send", "/answer"), ("preview", reference)):
        back = press(browser, browser.get(f"/desk/inquiries/{reference}"), ending, text="  ", **{button: "1"})
        assert back.status_code == 422
        assert "This field is required." in words(back)
    assert world.announced("inquiry.answered") == []


def test_a_refused_file_keeps_the_text(world: World) -> None:
    reference = world.receive()
    browser = world.member(WHO_OFFICER)
    page = browser.get(f"/desk/inquiries/{reference}")
    back = press(
        browser, page, "/answer", send="1", text="See attached.", attachments=(io.BytesIO(b"MZ\x90\x00"), "a.exe")
    )
    assert back.status_code == 422
    assert dict(_form(back, "/answer").fields)["text"] == "See attached."
    assert world.announced("inquiry.answered") == []


def test_two_at_once_the_second_is_told_and_keeps_the_text(world: World) -> None:
    reference = world.receive()
    world.platform.clock.forward(minutes=1)  # type: ignore[attr-defined]
    first, second = world.member(WHO_OFFICER), world.member(WHO_HEAD)
    one, two = (browser.get(f"/desk/inquiries/{reference}") for browser in (first, second))
    assert press(first, one, "/answer", text="The first answer.", send="1").status_code == 303
    late = press(second, two, "/answer", text="The second answer.", send="1")
    assert late.status_code == 409
    assert "What happened meanwhile: Lucas Ferreira answered" in words(late)
    assert dict(_form(late, "/answer").fields)["text"] == "The second answer."
    assert [mail["text"] for mail in world.announced("inquiry.answered")] == ["The first answer."]
    assert press(second, late, "/answer", send="1").status_code == 303  # having read it, they may
    assert len(world.announced("inquiry.answered")) == 2


def test_without_the_version_that_was_seen_nothing_is_done(world: World) -> None:
    """The negative control: the form's hidden field is what guards it."""
    reference = world.receive()
    browser = world.member(WHO_OFFICER)
    page = browser.get(f"/desk/inquiries/{reference}")
    for version in ("", "1"):
        assert press(browser, page, "/close", version=version).status_code == 409
    assert _state(world, reference) != "closed"
    assert press(browser, page, "/close").status_code == 303
    assert _state(world, reference) == "closed"


def test_take_give_close_and_reopen(world: World) -> None:
    reference = world.receive()
    head = world.member(WHO_HEAD)

    def act(action: str, **values: str) -> TestResponse:
        return press(head, head.get(f"/desk/inquiries/{reference}"), f"/{action}", **values)

    assert act("take").status_code == 303
    assert _part(world, reference).assignee == WHO_HEAD
    assert act("assign", to=WHO_OFFICER, reason="Knows the file").status_code == 303
    assert _part(world, reference).assignee == WHO_OFFICER
    assert act("assign", to="somebody@else.test").status_code == 422
    assert act("close").status_code == 303
    assert not has_form(head.get(f"/desk/inquiries/{reference}"), "/close")
    assert act("reopen").status_code == 303
    assert _state(world, reference) == "reopened"
    history = words(head.get(f"/desk/inquiries/{reference}"))
    assert "Amara Diallo assigned it → Lucas Ferreira" in history
    assert "Knows the file" in history


def test_the_rule_that_decided_is_marked_and_a_reader_is_told_why_there_is_no_form(world: World) -> None:
    reference = world.receive()
    page = world.member(WHO_HEAD).get(f"/desk/inquiries/{reference}")
    marked = re.findall(
        r'<li class="leads"><strong>[^<]+</strong> <span class="badge answered">Decided</span>', page.text
    )
    assert len(marked) == 1
    assert "Answer: in 2 days Wednesday, 11:00 with Li Wen" in words(page)
    assert "Your role reads inquiries" not in words(page)
    assert "Your role reads inquiries" in words(world.member(WHO_VIEWER).get(f"/desk/inquiries/{reference}"))


def test_handed_over_it_leaves_the_desk(world: World) -> None:
    reference = world.receive()
    head = world.member(WHO_HEAD)
    page = head.get(f"/desk/inquiries/{reference}")
    missing = press(head, page, "/hand-over", organisation="wipo")
    assert missing.status_code == 422
    done = press(head, missing, "/hand-over", organisation="wipo", because="A patent question")
    assert done.headers["Location"].endswith("/desk/inquiries")
    assert head.get(f"/desk/inquiries/{reference}").status_code == 404
    assert world.member(WIPO).get(f"/desk/inquiries/{reference}").status_code == 200


def test_notes_are_for_staff_only(world: World) -> None:
    reference = world.receive()
    browser = world.member(WHO_OFFICER)
    press(browser, browser.get(f"/desk/inquiries/{reference}"), "/note", note="Between us: file 12.")
    assert "Between us: file 12." in words(world.member(WTO).get(f"/desk/inquiries/{reference}"))
    link = world.announced("inquiry.received")[0]["recipients"][0]["link"].removeprefix("https://onestop.test")
    status = Browser(world.web).get(link)
    assert status.status_code == 200
    assert "Between us" not in status.text


def test_a_strangers_file_is_saved_and_never_shown(world: World) -> None:
    reference = world.receive((Upload("../../<b>x.html.txt", b"<script>alert(1)</script>"),))
    view = world.service.reading.inquiry(_member(world, WHO_HEAD), reference)
    file = view.messages[0].attachments[0]
    got = world.member(WHO_HEAD).get(f"/desk/inquiries/{reference}/files/{file.id}")
    assert got.headers["Content-Disposition"] == f'attachment; filename="{reference}-bx-html.txt"'
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in got.headers["Content-Security-Policy"]
    assert got.mimetype == "text/plain"


# -- exports --


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_exports_hold_no_formulas(world: World, start: str) -> None:
    attack = "=HYPERLINK(1)" if start in "\t\r" else f"{start}HYPERLINK(1)"
    world.receive(subject=attack, given_name=attack)
    browser = world.member(WHO_HEAD)
    rows = list(csv.reader(io.StringIO(browser.get("/desk/inquiries.csv").text.removeprefix("\ufeff"))))
    sheet = load_workbook(io.BytesIO(browser.get("/desk/inquiries.xlsx").data)).active
    assert sheet is not None
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert f"'{attack}" in rows[1]
    assert all(cell.data_type != "f" for cell in cells)
    assert not any(str(text).startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for text in row)
    assert any(str(cell.value) == f"'{attack}" for cell in cells)


def test_an_export_has_what_the_list_shows(world: World) -> None:
    mine = world.receive(subject="Only this")
    world.receive(subject="Other")
    browser = world.member(WHO_HEAD)
    rows = list(csv.DictReader(io.StringIO(browser.get("/desk/inquiries.csv?q=only").text.removeprefix("\ufeff"))))
    assert [row["Reference"] for row in rows] == [mine]


def test_an_export_is_in_the_readers_language(world: World) -> None:
    world.receive(language="fr")
    browser = world.member(WHO_HEAD)
    text = browser.get("/desk/inquiries.csv?lang=ar").text
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    told = [row[name] for name in ("الحالة", "البلد", "اللغة", "متأخر")]
    assert told == ["مُسنَد", "كينيا", "الفرنسية", "لا"]


def _member(world: World, email: str):  # type: ignore[no-untyped-def]
    found = world.service.content.person(email)
    assert found
    return found


def _part(world: World, reference: str):  # type: ignore[no-untyped-def]
    view = world.service.reading.inquiry(_member(world, WHO_HEAD), reference)
    return next(part for part in view.assignments if part.organisation == "who")


def _state(world: World, reference: str) -> str:
    state: str = world.service.reading.inquiry(_member(world, WHO_HEAD), reference).inquiry.state
    return state


def _form(page: TestResponse, ending: str) -> Form:
    return forms(page)[form_to(page, ending)]


def _token(world: World, browser: Browser) -> str:
    browser.get("/desk/settings")
    return csrf_token(world.platform, browser)

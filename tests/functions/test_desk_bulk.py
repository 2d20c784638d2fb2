"""Assigning and closing several inquiries at once: what is asked first, what is done, and what is left and named."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from functions.inquiries.desk.bulk import Bulk
from functions.notification.mails.composers import mails_for
from infra import catalogues
from shared.contracts.bus_events import BusEvent
from shared.contracts.inquiries import InquiryClosed
from shared.ports import Replace
from tests.functions.browser import Browser, form_to, press, words
from tests.functions.inquiry_sites import WHO_HEAD, WHO_OFFICER, World, new_world
from tests.functions.signed_in import csrf_token
from tests.functions.test_desk import WHO_VIEWER
from tests.payloads import NOW, every_inquiry_payload

SHARED = {"topics": ["trips-flexibilities"], "country": "UG"}  # a sample rule sends these to all three


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    catalogues.compile_all()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return new_world(tmp_path)


@pytest.fixture
def browser(world: World) -> Browser:
    return world.member(WHO_HEAD)


def boxes(page: TestResponse) -> dict[str, str]:
    """What each row of the list sends when it is ticked, by reference."""
    values = re.findall(r'name="selected" form="kept" value="([^"]+)"', page.text)
    return {value.partition("~")[0]: value for value in values}


def tick(browser: Browser, page: TestResponse, *references: str) -> TestResponse:
    """Press "Close those ticked" of the list, and come to the page that asks."""
    ticked = [boxes(page)[reference] for reference in references]
    (address,) = re.findall(r'formaction="([^"]+/closing[^"]*)"', page.text)
    form = form_to(page, unescape(address).replace("/closing", "/assign"))
    return browser.follow(browser.send(page, form, at=unescape(address), selected=ticked))


def state(world: World, reference: str) -> str:
    inquiry = world.platform.store.get("inquiries", reference)
    assert inquiry
    return str(inquiry.data["state"])


def write_a_note(world: World, reference: str) -> None:
    world.platform.clock.forward(minutes=1)  # type: ignore[attr-defined]
    other = world.member(WHO_OFFICER)
    press(other, other.get(f"/desk/inquiries/{reference}"), "/note", note="Mine, please.")


def test_closing_asks_first_and_says_what_will_happen(world: World, browser: Browser) -> None:
    one, two = world.receive(subject="Request one", language="fr"), world.receive(subject="Request two", language="ar")
    before = world.platform.store.get("inquiries", one)
    asked = tick(browser, browser.get("/desk/inquiries?state=assigned"), one, two)
    assert asked.status_code == 200
    text = words(asked)
    assert text.startswith("Inquiries Close 2 inquiries?")
    for shown in (one, two, "Request one", "Request two", "Wanjiru Kamau", "Arabic", "English", "Never answered"):
        assert shown in text
    assert "French" not in text, "there is no mail in French"
    assert world.platform.store.get("inquiries", one) == before
    done = words(browser.follow(press(browser, asked, "/desk/inquiries/close?state=assigned")))
    assert "2 inquiries are closed." in done
    assert {state(world, one), state(world, two)} == {"closed"}


def test_the_page_says_what_the_mail_says(world: World, browser: Browser) -> None:
    reference = world.receive()
    for language in ("en", "ar"):
        page = tick(browser, browser.get(f"/desk/inquiries?lang={language}"), reference)
        assert _mail(language) in words(page)


def test_what_cannot_be_closed_is_named_with_its_reason(world: World, browser: Browser) -> None:
    ours, led_by_others = world.receive(), world.receive(**SHARED)
    closed, changed = world.receive(), world.receive()
    shown = browser.get("/desk/inquiries")
    press(browser, browser.get(f"/desk/inquiries/{closed}"), "/close")
    write_a_note(world, changed)
    asked = tick(browser, shown, ours, led_by_others, closed, changed)
    text = words(asked)
    assert "Close 1 inquiry?" in text
    assert "These stay as they are" in text
    assert f"{led_by_others} Only the organisation that leads closes" in text
    assert f"{closed} This inquiry is closed." in text
    assert f"{changed} It has changed since it was shown to you." in text
    browser.follow(press(browser, asked, "/close?"))
    assert [state(world, one) == "closed" for one in (ours, led_by_others, changed)] == [True, False, False]


def test_what_changes_while_the_page_asks_is_named_and_left(world: World, browser: Browser) -> None:
    one, two = world.receive(), world.receive()
    asked = tick(browser, browser.get("/desk/inquiries"), one, two)
    write_a_note(world, two)
    done = words(browser.follow(press(browser, asked, "/close?")))
    assert "1 inquiry is closed." in done
    assert f"{two} It has changed since it was shown to you." in done
    assert (state(world, one), state(world, two) != "closed") == ("closed", True)


def test_without_the_look_at_what_was_shown_it_would_be_closed(
    world: World, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    monkeypatch.setattr(Bulk, "_as_shown", lambda self, me, one, refuse: self._service.reading.case(me, one.reference))
    with pytest.raises(AssertionError):
        test_what_changes_while_the_page_asks_is_named_and_left(world, browser)


def test_sent_twice_the_second_says_that_it_is_closed(world: World, browser: Browser) -> None:
    reference = world.receive()
    asked = tick(browser, browser.get("/desk/inquiries"), reference)
    first, second = (words(browser.follow(press(browser, asked, "/close?"))) for _ in range(2))
    assert "1 inquiry is closed." in first
    assert "0 inquiries are closed." in second
    assert f"{reference} This inquiry is closed." in second
    assert len(world.announced(InquiryClosed.type)) == 1


def test_ticked_twice_it_is_closed_once(world: World, browser: Browser) -> None:
    reference = world.receive()
    page = browser.get("/desk/inquiries")
    token, box = csrf_token(world.platform, browser), boxes(page)[reference]
    sent = browser.post("/desk/inquiries/close", {"csrf_token": token, "selected": [box, box]})
    assert words(browser.follow(sent)).count("This inquiry is closed") == 0
    assert len(world.announced(InquiryClosed.type)) == 1


@pytest.mark.parametrize("selected", ["", "selected=x", "selected=ABCD-EFGH~", "selected=~~&selected=%00"])
def test_nothing_to_close_leads_back(world: World, browser: Browser, selected: str) -> None:
    page = browser.get(f"/desk/inquiries/closing?topic=trips-flexibilities&{selected}")
    assert page.status_code == 200
    assert ">Close" not in page.text
    assert 'href="/desk/inquiries?topic=trips-flexibilities">Back to the list' in page.text
    told = "Your organisation does not have it any more." if selected else "Tick the inquiries"
    assert told in words(page)


def test_the_page_that_asks_has_an_address_of_its_own(world: World, browser: Browser) -> None:
    """Shown again, or in another language, it holds the same inquiries."""
    reference = world.receive()
    asked = tick(browser, browser.get("/desk/inquiries?order=oldest"), reference)
    arabic = re.search(r'href="(/desk/inquiries/closing[^"]*lang=ar)"', asked.text)
    assert arabic
    again = browser.get(unescape(arabic[1]))
    assert 'dir="rtl"' in again.text
    assert reference in words(again)
    browser.follow(press(browser, again, "/close?order=oldest"))
    assert state(world, reference) == "closed"


def test_assigning_several_leaves_what_changed_meanwhile(world: World, browser: Browser) -> None:
    one, two, three, closed = (world.receive(subject=f"Request {number}") for number in range(4))
    shown = browser.get("/desk/inquiries")
    press(browser, browser.get(f"/desk/inquiries/{closed}"), "/close")
    write_a_note(world, two)
    done = press(browser, shown, "/desk/inquiries/assign?", selected=list(boxes(shown).values()), to=WHO_HEAD)
    text = words(browser.follow(done))
    assert "2 inquiries are assigned." in text
    assert f"{two} It has changed since it was shown to you." in text
    assert f"{closed} This inquiry is closed. Reopen it first." in text
    found = {reference: world.platform.store.get("assignments", f"{reference}:who") for reference in (one, two, three)}
    assert [part.data["assignee"] == WHO_HEAD for part in found.values() if part] == [True, False, True]


def test_who_may_not_close_is_not_asked(world: World) -> None:
    store = world.platform.store
    greta = store.get("staff", WHO_VIEWER)
    assert greta
    store.commit([Replace("staff", WHO_VIEWER, greta.data | {"role": "viewer"}, None)])
    viewer = world.member(WHO_VIEWER)
    token = csrf_token(world.platform, viewer)
    assert viewer.get("/desk/inquiries/closing").status_code == 403
    for path in ("/desk/inquiries/closing", "/desk/inquiries/close"):
        assert viewer.post(path, {"csrf_token": token, "selected": "x"}).status_code == 403


def _mail(language: str) -> str:
    """What the mail to a requester of this language says first."""
    (closed,) = (payload for payload in every_inquiry_payload() if isinstance(payload, InquiryClosed))
    recipients = [closed.recipients[0].model_copy(update={"language": language})]
    (mail,) = mails_for(BusEvent("e", NOW, "", closed.model_copy(update={"recipients": recipients})))
    return str(mail.values["said"])

"""The public pages: activities, the contact form, and the requester's own page."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from functions.inquiries.casework.requester_actions import Requests
from functions.inquiries.web import contact_pages
from shared.errors import FaultyFields
from shared.settings import Limits
from shared.web.site import Site
from tests.functions.browser import SETTINGS, Browser, forms, words
from tests.functions.inquiry_sites import REQUEST, TEMPLATES, WHO_HEAD, WHO_OFFICER, World, new_world
from tests.functions.test_abuse import solve

TYPED = {name: value for name, value in REQUEST.items() if name not in ("consent", "topics")}
TYPED |= {"consent": "on", "topics[]": REQUEST["topics"]}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return new_world(tmp_path)


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser(world.web)


def send(browser: Browser, page: TestResponse | None = None, **others: Any) -> TestResponse:
    return browser.send(page or browser.get("/contact"), **(TYPED | others))


def opened(browser: Browser, **others: Any) -> TestResponse:
    """The status page that follows the form."""
    return browser.follow(send(browser, **others))


def press(browser: Browser, page: TestResponse, ending: str, **values: Any) -> TestResponse:
    found = next(n for n, form in enumerate(forms(page)) if form.action.endswith(ending))
    return browser.send(page, found, **values)


# -- activities --


def test_activities_are_filtered_by_shareable_addresses(browser: Browser) -> None:
    def shown(query: str = "") -> set[str]:
        return set(re.findall(r'href="/activities/([\w-]+)"', browser.get(f"/activities{query}").text))

    everything = shown()
    assert len(everything) >= 20
    for query in (
        "?organisation=wipo",
        "?topic=local-production",
        "?kind=event",
        "?audience=industry",
        "?q=regulatory",
    ):
        assert 0 < len(shown(query)) < len(everything), query
    assert shown("?q=xyzzy") == set()
    both = shown("?organisation=who&topic=local-production")
    assert both == shown("?organisation=who") & shown("?topic=local-production")
    assert shown("?topic=unknown") == set()


def test_the_filters_keep_what_was_chosen(browser: Browser) -> None:
    page = browser.get("/activities?organisation=wipo&q=patent")
    assert '<option value="wipo" selected>' in page.text
    assert 'name="q" value="patent"' in page.text


def test_an_activity_leads_to_a_form_that_is_filled_in(browser: Browser) -> None:
    page = browser.get("/activities/local-production-advice")
    assert "This is a sample activity" in words(page)
    assert 'href="/contact/need?activity=local-production-advice"' in page.text
    fields = forms(browser.get("/contact/need?activity=local-production-advice"))[0].fields
    assert ("topics[]", "local-production") in fields
    assert ("activity", "local-production-advice") in fields
    assert ("share_with", "who") in fields
    readers = browser.follow(
        browser.send(browser.get("/contact/need?activity=local-production-advice"), message="How?")
    )
    assert dict(forms(readers)[0].fields)["share_with"] == "who"
    assert dict(forms(browser.get("/contact?organisation=wto"))[0].fields)["share_with"] == "wto"
    assert dict(forms(browser.get("/contact?organisation=nobody"))[0].fields)["share_with"] == "all"
    assert browser.get("/activities/no-such").status_code == 404


# -- the contact form --


def test_a_form_sent_again_gets_its_answer_though_its_topic_is_gone(
    browser: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = browser.get("/contact")
    first = send(browser, form)

    def gone(*_: object) -> None:
        raise FaultyFields({"topics": "gone"})

    monkeypatch.setattr(Requests, "_check", gone)
    assert send(browser, form).headers["Location"] == first.headers["Location"]
    assert send(browser, form, submission="another").status_code == 422


def test_forms_without_a_submission_are_nobody_elses_repetition(browser: Browser, world: World) -> None:
    first, second = (send(browser, submission="", email=f"{name}@ministry.example") for name in ("ann", "bob"))
    assert (first.status_code, second.status_code) == (303, 303)
    assert world.platform.store.count("inquiries") == 2


def test_a_request_is_kept_and_its_page_opened(world: World, browser: Browser) -> None:
    page = opened(browser)
    assert "Thank you, your request is with us." in words(page)
    [event] = world.announced("inquiry.received")
    assert event["reference"] in words(page)
    assert event["subject"] == REQUEST["subject"]


def test_errors_stand_beside_their_fields_and_what_was_typed_stays(world: World, browser: Browser) -> None:
    back = send(
        browser, email="not an address", country="", consent="", **{"topics[]": ["local-production", "no-such"]}
    )
    assert back.status_code == 422
    for field in ("email", "country", "consent"):
        assert f'href="#f-{field}"' in back.text, field
    assert words(back).count("Choose your country.") == 2  # the country: in the summary and beside the field
    fields = forms(back)[0].fields
    assert ("message", REQUEST["message"]) in fields
    assert ("email", "not an address") in fields
    assert ("topics[]", "local-production") in fields
    again = browser.send(back, email="w.kamau@health.example", country="KE", consent="on", **{"topics[]": ["no-such"]})
    assert "Topics: Choose from the list." in words(again)
    assert world.platform.store.count("inquiries") == 0


def test_sent_twice_it_is_one_request(world: World, browser: Browser) -> None:
    page = browser.get("/contact")
    first, second = send(browser, page), send(browser, page)
    assert first.headers["Location"] == second.headers["Location"]
    assert world.platform.store.count("inquiries") == 1
    changed = send(browser, page, subject="Something else")
    assert changed.status_code == 422
    assert browser.send(changed).status_code == 303  # now meant as a new request
    assert world.platform.store.count("inquiries") == 2


def test_attachments_are_kept_by_their_content(world: World, browser: Browser) -> None:
    refused = send(browser, attachments=(io.BytesIO(b"MZ\x90\x00 a program"), "report.pdf"))
    assert refused.status_code == 422
    assert "report.pdf is not of a kind that we take: attach PDF" in words(refused)
    page = opened(browser, attachments=(io.BytesIO(b"%PDF-1.7 plan"), "plan.pdf"))
    link = re.search(r'href="(/i/[^"]+/files/\w+)"', page.text)
    assert link
    file = browser.get(link[1].replace("&amp;", "&"))
    assert file.data == b"%PDF-1.7 plan"
    reference = world.platform.store.query("inquiries")[0].id
    assert file.headers["Content-Disposition"] == f'attachment; filename="{reference}-plan.pdf"'


def test_too_much_is_refused_before_it_is_read(browser: Browser) -> None:
    page = browser.get("/contact")
    huge = send(browser, page, attachments=(io.BytesIO(b"x" * (contact_pages.MAX_BODY + 1)), "huge.txt"))
    assert huge.status_code == 413


def test_the_form_is_guarded(world: World) -> None:
    strict = replace(world.platform, settings=replace(SETTINGS, limits=Limits(visitor=2, seconds=2)))
    site = Site(strict, TEMPLATES)
    contact_pages.register(site, world.service)
    browser = Browser(site)
    fast = send(browser)
    assert "one more step" in words(fast)
    assert send(browser, fast, altcha=solve(fast)).status_code == 303
    assert send(browser).status_code == 429


# -- the requester's page --


def test_the_requester_follows_writes_closes_and_opens_again(world: World, browser: Browser) -> None:
    page = opened(browser)
    assert "being decided now" in words(page)
    world.route()
    address = page.request.path
    assert "World Health Organization" in words(browser.get(address))
    written = browser.follow(press(browser, browser.get(address), "/messages", text="One more thing."))
    assert "One more thing." in words(written)
    empty = press(browser, browser.get(address), "/messages", text=" ")
    assert empty.status_code == 422
    press(browser, browser.get(address), "/close")
    assert "This request is closed." in words(browser.get(address))
    press(browser, browser.get(address), "/reopen")
    assert "This request is closed." not in words(browser.get(address))
    press(browser, browser.get(address), "/erasure")
    asked = words(browser.get(address))
    assert "You asked for your data to be erased." in asked
    assert len(world.announced("inquiry.erasure_requested")) == 1


def test_an_erased_request_has_no_page(world: World, browser: Browser) -> None:
    page = opened(browser)
    world.route()
    reference = world.announced("inquiry.received")[0]["reference"]
    officer, head = world.service.content.person(WHO_OFFICER), world.service.content.person(WHO_HEAD)
    assert officer
    assert head
    version = world.service.reading.inquiry(head, reference).version
    world.service.endings.propose_erasure(officer, reference, version, "Asked on the telephone")
    version = world.service.reading.inquiry(head, reference).version
    world.service.endings.erase(head, reference, version)
    gone = browser.get(page.request.path)
    assert gone.status_code == 404
    assert "Wanjiru" not in gone.text


@pytest.mark.parametrize("token", ["x", "AAAA-AAAA", "AAAA-AAAA~~x"])
def test_a_forged_link_opens_nothing(browser: Browser, token: str) -> None:
    assert browser.get(f"/i/{token}").status_code == 404
    assert browser.get(f"/i/{token}/files/x").status_code == 404


def test_every_public_page_is_whole_in_arabic_too(browser: Browser) -> None:
    for path in ("/activities", "/activities/local-production-advice", "/contact"):
        page = browser.get(f"{path}?lang=ar")
        assert page.status_code == 200
        assert 'dir="rtl"' in page.text

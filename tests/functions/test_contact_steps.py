"""Asking for assistance step by step: nothing typed is lost on the way, and what is sent is sent once."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from functions.inquiries.casework.drafts import DRAFTS
from functions.inquiries.casework.models import InquiryRequest
from functions.inquiries.errors import DraftEnded
from functions.inquiries.web import contact_steps
from shared.ports import Replace, Store, Unavailable
from shared.settings import Limits
from shared.web.site import Site
from tests.functions.browser import SETTINGS, Browser, words
from tests.functions.inquiry_sites import REQUEST, TEMPLATES, World, new_world

NEED = {"subject": REQUEST["subject"], "message": REQUEST["message"], "topics[]": REQUEST["topics"]}
YOU = {
    name: REQUEST[name] for name in ("given_name", "family_name", "email", "country", "organisation", "requester_type")
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return new_world(tmp_path)


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser(world.web)


def at(browser: Browser, step: str, **typed: Any) -> TestResponse:
    """What answers the step's form."""
    return browser.send(browser.get(f"/contact/{step}"), **typed)


def to_the_check(browser: Browser) -> TestResponse:
    at(browser, "need", **NEED)
    at(browser, "readers", share_with="all")
    return browser.follow(at(browser, "you", **YOU))


def inquiries(world: World) -> int:
    return world.platform.store.count("inquiries")


def test_each_step_leads_to_the_next_and_the_last_to_the_status_page(world: World, browser: Browser) -> None:
    assert at(browser, "need", **NEED).location.endswith("/contact/readers")
    assert at(browser, "readers", share_with="all").location.endswith("/contact/you")
    check = browser.follow(at(browser, "you", **YOU))
    for typed in (REQUEST["subject"], REQUEST["message"], REQUEST["email"]):
        assert typed in check.text

    done = browser.follow(browser.send(check, consent="on"))
    assert "Thank you" in words(done)
    (inquiry,) = world.platform.store.query("inquiries")
    assert inquiry.data["topics"] == REQUEST["topics"]
    assert inquiry.data["requester"]["email"] == REQUEST["email"]


def test_the_last_page_tells_who_will_get_it(world: World, browser: Browser) -> None:
    check = to_the_check(browser)
    browser.send(check, consent="on")
    world.route()
    (inquiry,) = world.platform.store.query("inquiries")
    lead = world.service.content.organisations[inquiry.data["lead"]]
    assert f"{world.service.content.short_names[lead.id]} will lead" in words(check)


def test_a_faulty_step_comes_back_and_keeps_what_was_typed(browser: Browser) -> None:
    refused = at(browser, "need", subject="", message="Only this")
    assert refused.status_code == 422
    assert "Write a subject" in words(refused)
    assert "Only this" in browser.get("/contact/need").text  # kept all the same


def test_the_way_back_a_reload_and_another_language_lose_nothing(browser: Browser) -> None:
    to_the_check(browser)
    assert REQUEST["message"] in browser.get("/contact/need").text
    assert REQUEST["email"] in browser.get("/contact/you?lang=ar").text
    assert REQUEST["subject"] in browser.get("/contact/check").text


def test_a_change_leads_back_to_the_check(browser: Browser) -> None:
    to_the_check(browser)
    changed = browser.send(browser.get("/contact/need?then=check"), **NEED | {"subject": "Another subject"})
    assert changed.location.endswith("/contact/check")
    assert "Another subject" in browser.follow(changed).text


def test_no_step_is_shown_before_the_first_is_written(browser: Browser) -> None:
    for step in ("readers", "you", "check"):
        assert browser.get(f"/contact/{step}").location.endswith("/contact/need")


def test_what_lacks_something_is_not_sent(world: World, browser: Browser) -> None:
    at(browser, "need", **NEED)
    assert browser.get("/contact/check").location.endswith("/contact/you?then=check")
    unagreed = browser.send(to_the_check(browser))
    assert unagreed.status_code == 422
    assert inquiries(world) == 0


def test_sent_twice_it_is_one_inquiry(world: World, browser: Browser) -> None:
    check = to_the_check(browser)
    first, second = browser.send(check, consent="on"), browser.send(check, consent="on")
    assert first.location == second.location
    assert browser.get("/contact/check").location == first.location  # the way back too
    assert inquiries(world) == 1


def test_what_was_changed_in_another_window_is_shown_before_it_is_sent(world: World, browser: Browser) -> None:
    at(browser, "need", **NEED)
    at(browser, "readers", share_with="who")
    confined = browser.follow(at(browser, "you", **YOU))
    at(browser, "readers", share_with="all")
    refused = browser.send(confined, consent="on")
    assert refused.status_code == 409
    assert "changed in another window" in words(refused)
    assert inquiries(world) == 0
    browser.send(refused, consent="on")
    assert inquiries(world) == 1


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_the_last_page_names_the_draft_that_it_shows(
    world: World, browser: Browser, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """Another window changes it while the page is made, after one reading of it or another."""
    at(browser, "need", **NEED)
    at(browser, "readers", share_with="who")
    at(browser, "you", **YOU)
    drafts, readings = world.service.requests.drafts, count(1)
    find, store = drafts.find, world.platform.store

    def changed_meanwhile(token: str) -> Any:
        found = find(token)
        if next(readings) == moment:
            (kept,) = store.query(DRAFTS)
            values = kept.data["values"] | {"share_with": "all"}
            store.commit([Replace(DRAFTS, kept.id, kept.data | {"values": values}, kept.version)])
        return found

    with monkeypatch.context() as patch:
        patch.setattr(drafts, "find", changed_meanwhile)
        shown = browser.get("/contact/check")
    browser.send(shown, consent="on")
    agreed = "all" if "All organisations that can help" in shown.text else "who"
    assert {one.data["share_with"] for one in store.query("inquiries")} <= {agreed}


def test_a_cookie_that_leads_nowhere_does_not_go_round_the_limits(world: World) -> None:
    here = replace(world.platform, settings=replace(SETTINGS, limits=Limits(2, 0, 0, 0, 0)))
    site = Site(here, TEMPLATES)
    contact_steps.register(site, world.service)
    statuses = []
    for _ in range(3):
        stranger = Browser(site)
        stranger.set_cookie("draft", "nothing of ours")
        statuses.append(at(stranger, "need", **NEED).status_code)
    assert statuses == [303, 303, 429]


def test_nothing_that_was_typed_stays_in_the_draft_once_it_is_sent(world: World, browser: Browser) -> None:
    browser.send(to_the_check(browser), consent="on")
    (draft,) = world.platform.store.query(DRAFTS)
    assert set(draft.data) == {"sent", "expire_at"}
    assert REQUEST["message"] not in browser.get("/contact/need").text


def test_forgotten_it_is_gone(world: World, browser: Browser) -> None:
    page = to_the_check(browser)
    browser.send(page, 1)
    assert not world.platform.store.query(DRAFTS)
    assert REQUEST["message"] not in browser.get("/contact/need").text


def test_after_a_day_it_is_over(world: World, browser: Browser) -> None:
    check = to_the_check(browser)
    world.platform.clock.forward(hours=25)  # type: ignore[attr-defined]
    assert browser.get("/contact/check").location.endswith("/contact/need")
    assert browser.send(check, consent="on").status_code in (403, 410)
    assert inquiries(world) == 0


def test_another_browser_does_not_see_it(world: World, browser: Browser) -> None:
    to_the_check(browser)
    assert Browser(world.web).get("/contact/you").location.endswith("/contact/need")


# -- sent once, whatever happens in between --


class Breaking:
    """A store whose next commit of an inquiry is kept, but not answered."""

    def __init__(self, store: Store, forgets: bool) -> None:
        self._store, self._forgets, self.broken = store, forgets, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, writes: Any) -> None:
        kept = [write for write in writes if not (self._forgets and write.collection == DRAFTS)]
        self._store.commit(kept)
        if not self.broken and any(write.collection == "inquiries" for write in writes):
            self.broken = True
            raise Unavailable("no answer")


@pytest.mark.parametrize("forgets", [False, True], ids=["guarded", "unguarded"])
def test_an_answer_that_is_lost_makes_no_second_inquiry(
    world: World, monkeypatch: pytest.MonkeyPatch, forgets: bool
) -> None:
    """The negative control: where the draft does not learn that it was sent, the retry is a second inquiry."""
    requests, means = world.service.requests, world.service.requests._means
    token = requests.drafts.keep("", dict(NEED))
    request = InquiryRequest.model_validate(REQUEST)
    monkeypatch.setattr(requests, "_means", replace(means, store=Breaking(means.store, forgets)))
    with pytest.raises(Unavailable):
        requests.receive(request, draft=token)
    requests.receive(request, draft=token)
    assert inquiries(world) == (2 if forgets else 1)


def test_a_draft_that_is_over_is_not_sent(world: World) -> None:
    with pytest.raises(DraftEnded):
        world.service.requests.receive(InquiryRequest.model_validate(REQUEST), draft="no token")

"""Nobody is lured into another one's desk, kept out of their own, or made to send a form of another session."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from shared.keys.ids import key_of
from shared.ports import Create
from shared.settings import Limits
from shared.staff import members, sessions
from shared.staff import sign_in as pages
from shared.staff.gate import DeskGate
from shared.web.visit import Visit
from shared.wiring import Platform
from tests.functions.browser import SETTINGS, Browser, platform, words
from tests.functions.signed_in import csrf_token, signed_in
from tests.functions.test_staff_sign_in import AMINA, ask, desk, links, person, sign_in

EVE = "eve@who.test"


@pytest.fixture
def here(tmp_path: Path) -> Platform:
    """With the limits of an installation."""
    built = platform(tmp_path, replace(SETTINGS, limits=Limits()))
    for email in (AMINA, EVE):
        built.store.commit([Create(members.STAFF, email, person())])
    return built


def pester(here: Platform, times: int) -> list[TestResponse]:
    """Ask for Amina's link from as many networks."""
    site = desk(here)
    return [ask(here, Browser(site, address=f"198.{n // 200}.{n % 200}.9")) for n in range(times)]


# -- whose link it is --


def test_the_page_names_the_account_before_the_button(here: Platform) -> None:
    browser = Browser(desk(here))
    ask(here, browser)
    page = browser.get(links(here)[0])
    assert f"You sign in as {AMINA}" in words(page)
    assert browser.send(page, at=links(here)[0]).status_code == 303


def test_another_browser_must_type_the_address(here: Platform) -> None:
    ask(here, Browser(desk(here)))
    telephone, (link,) = Browser(desk(here)), links(here)
    page = telephone.get(link)
    assert AMINA not in page.text
    assert "a***@who.test" in words(page)
    for typed in ("", EVE, "a***@who.test"):
        refused = telephone.send(page, at=link, email=typed)
        assert refused.status_code == 422
        assert "another address" in words(refused)
    assert telephone.get("/desk").status_code == 303
    assert telephone.send(page, at=link, email=" AMINA@who.test ").status_code == 303
    assert AMINA in telephone.get("/desk").text


def test_nobody_is_lured_into_the_desk_of_who_sent_the_link(here: Platform) -> None:
    """Eve has her own link and sends it to Amina, who presses the button or types her own address."""
    ask(here, Browser(desk(here)), EVE)
    amina, (link,) = Browser(desk(here)), links(here)
    assert amina.send(amina.get(link), at=link).status_code == 422
    assert amina.send(amina.get(link), at=link, email=AMINA).status_code == 422
    assert here.store.count(sessions.SESSIONS) == 0


def test_without_the_browser_s_name_the_button_alone_would_do(here: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    monkeypatch.setattr(pages, "_browser", lambda visit: "any")
    ask(here, Browser(desk(here)), EVE)
    amina, (link,) = Browser(desk(here)), links(here)
    assert amina.send(amina.get(link), at=link).status_code == 303


# -- nobody is kept out --


def test_whoever_pesters_does_not_keep_the_owner_s_browser_out(here: Platform) -> None:
    browser = Browser(desk(here))
    sign_in(here, browser)
    here.clock.forward(hours=13)  # type: ignore[attr-defined]
    answers = pester(here, 60)
    assert {answer.status_code for answer in answers} == {200}
    before = len(links(here))
    asked = ask(here, browser)
    assert asked.status_code == 200
    assert len(links(here)) == before + 1
    link = links(here)[-1]
    assert browser.send(browser.get(link), at=link).status_code == 303


def test_nor_a_new_browser_which_has_the_link_that_was_mailed(here: Platform) -> None:
    for _ in range(7):
        pester(here, 40)
        here.clock.forward(minutes=7)  # type: ignore[attr-defined]
        new, link = Browser(desk(here)), links(here)[-1]
        assert ask(here, new).status_code == 200
        link = links(here)[-1]
        assert new.send(new.get(link), at=link, email=AMINA).status_code == 303


def test_a_mailbox_gets_few_links_however_many_ask(here: Platform) -> None:
    for _ in range(6):
        pester(here, 30)
        here.clock.forward(minutes=9, seconds=30)  # type: ignore[attr-defined]
    assert len(links(here)) <= 6


def test_while_a_link_holds_for_some_minutes_no_other_is_mailed_and_then_one_is(here: Platform) -> None:
    ask(here, Browser(desk(here)))
    ask(here, Browser(desk(here)))
    assert len(links(here)) == 1
    here.clock.forward(minutes=10, seconds=1)  # type: ignore[attr-defined]
    ask(here, Browser(desk(here)))
    assert len(links(here)) == 2


def test_a_used_link_stands_for_no_other(here: Platform) -> None:
    sign_in(here, Browser(desk(here)))
    sign_in(here, Browser(desk(here)))
    assert len(links(here)) == 2
    assert here.store.count(sessions.SESSIONS) == 2


def test_nor_one_that_was_ended_with_all_sessions(here: Platform) -> None:
    browser = Browser(desk(here))
    sign_in(here, browser)
    browser.post("/desk/sign-out/everywhere", {"csrf_token": csrf_token(here, browser)})
    ids = {row.id for row in here.store.query("outbox")}
    sign_in(here, Browser(desk(here)))  # within the same minute
    assert len({row.id for row in here.store.query("outbox")} - ids) == 1
    assert here.store.count(sessions.SESSIONS) == 1


def test_two_who_ask_at_the_same_moment_cause_one_mail(here: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, send = Browser(desk(here)), Browser(desk(here)), pages._send_link

    def another_is_faster(visit: Visit, *decided: str) -> None:
        monkeypatch.setattr(pages, "_send_link", send)
        second.send(second.get("/desk/sign-in"), email=AMINA)
        send(visit, *decided)

    page = first.get("/desk/sign-in")
    monkeypatch.setattr(pages, "_send_link", another_is_faster)
    assert first.send(page, email=AMINA).status_code == 200
    assert len(links(here)) == 1


def test_only_a_browser_that_has_signed_in_as_this_person_is_known(here: Platform) -> None:
    """The negative control of the cookie: another person's, a made-up one, one of another purpose change nothing."""
    mine, eve = Browser(desk(here)), Browser(desk(here))
    sign_in(here, mine)
    ask(here, eve, EVE)
    link = links(here)[-1]
    eve.send(eve.get(link), at=link)
    here.clock.forward(hours=13)  # type: ignore[attr-defined]
    pester(here, 1)
    value = f"0123456789abcdef:{key_of('known', AMINA)[:32]}"
    known = mine.cookie("known")
    changed = known[:-5] + ("B" if known[-5] == "A" else "A") + known[-4:]  # in the last letter two bits say nothing
    for cookie in (eve.cookie("known"), value, here.tokens.sign("csrf", value), changed):
        stranger = Browser(desk(here))
        stranger.set_cookie("known", cookie)
        before = len(links(here))
        ask(here, stranger)
        assert len(links(here)) == before
    ask(here, mine)
    assert len(links(here)) == before + 1


def test_a_known_browser_has_an_allowance_too(here: Platform) -> None:
    browser = Browser(desk(here))
    sign_in(here, browser)
    here.clock.forward(hours=13)  # type: ignore[attr-defined]
    before = len(links(here))
    assert {ask(here, browser).status_code for _ in range(20)} == {200}
    assert len(links(here)) == before + pages.LINKS_PER_HOUR


def test_the_answer_is_the_same_for_staff_and_for_nobody_however_often(here: Platform) -> None:
    for _ in range(3):
        known, unknown = ask(here, Browser(desk(here))), ask(here, Browser(desk(here)), "nobody@who.test")
        assert known.status_code == unknown.status_code == 200
        assert words(known).replace(AMINA, "") == words(unknown).replace("nobody@who.test", "")


# -- forms and sessions --


def test_a_form_s_token_is_of_its_session_alone(here: Platform) -> None:
    browser = Browser(desk(here))
    signed_in(here, browser, AMINA)
    mine = csrf_token(here, browser)
    assert browser.post("/desk", {"csrf_token": mine, "text": "x"}).status_code == 200
    signed_in(here, browser, EVE)  # the same browser, another session
    moved = browser.post("/desk", {"csrf_token": mine, "text": "to be kept"})
    assert moved.status_code == 409
    assert "to be kept" in moved.text
    assert "hello" not in moved.text
    assert browser.send(moved).text.strip() == f"hello {EVE} to be kept"
    stranger = Browser(desk(here))
    signed_in(here, stranger, EVE)
    assert stranger.post("/desk", {"csrf_token": mine}).status_code == 403
    stranger.set_cookie("visitor", browser.cookie("visitor"))
    assert stranger.post("/desk", {"csrf_token": mine}).status_code == 409


def test_a_token_from_before_signing_in_is_of_no_use_after(here: Platform) -> None:
    browser = Browser(desk(here))
    before = browser.get("/desk/sign-in").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    sign_in(here, browser)
    assert browser.post("/desk", {"csrf_token": before}).status_code == 409
    headers = {"Accept": "application/problem+json"}
    assert browser.post("/desk", {"csrf_token": before}, headers=headers).status_code == 403


def test_without_the_binding_it_would_be(here: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    monkeypatch.setattr(DeskGate, "session", lambda gate, visit: "")
    browser = Browser(desk(here))
    before = browser.get("/desk/sign-in").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    sign_in(here, browser)
    assert browser.post("/desk", {"csrf_token": before}).status_code == 200


@pytest.mark.parametrize(("base_url", "prefix"), [("https://onestop.test", "__Host-"), ("http://127.0.0.1:8080", "")])
def test_cookies_are_of_this_host_alone_where_it_is_secure(tmp_path: Path, base_url: str, prefix: str) -> None:
    built = platform(tmp_path, replace(SETTINGS, base_url=base_url))
    answer = Browser(desk(built)).get("/desk/sign-in?lang=ar")
    cookies = answer.headers.getlist("Set-Cookie")
    assert {cookie.partition("=")[0] for cookie in cookies} == {f"{prefix}visitor", f"{prefix}lang"}
    for cookie in cookies:
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        assert ("Secure" in cookie) is bool(prefix)
    transport = answer.headers.get("Strict-Transport-Security", "")
    assert ("includeSubDomains" in transport) is bool(prefix)

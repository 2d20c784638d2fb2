"""Limits, the form's guards, and the way through in busy times, with and without JavaScript."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import altcha
import pytest
from flask import Response
from werkzeug.test import TestResponse

from shared.contracts.visitors import InquiryCodeRequested
from shared.ports import Data
from shared.settings import BadSettings, Limits, from_environment
from shared.web.guards import form_guard
from shared.web.http.rate_limits import HOUR, Limiter
from shared.web.site import Site
from shared.web.visit import Visit
from shared.wiring import Platform
from tests.functions.browser import SETTINGS, Browser, platform, words

TEMPLATE = """
{% import "guards.html" as guards with context %}<main><form method="post" action="/form">
<input type="hidden" name="csrf_token" value="{{ visit.csrf_token }}"><input name="email" value="{{ email }}">
{{ guards.fields(guard, errors) }}</form>{% for name, message in errors.items() %}<p>{{ name }}: {{ message }}</p>
{% endfor %}</main>
"""
EMAIL = "official@ministry.test"


def here(folder: Path, **limits: int) -> Platform:
    wide = dict.fromkeys(Limits.__slots__, 0) | limits
    return platform(folder, replace(SETTINGS, limits=Limits(**wide)))


def form(built: Platform, folder: Path) -> Site:
    (folder / "form.html").write_text(TEMPLATE)
    site = Site(built, folder)

    @site.route("/form", "GET", "POST")
    def handle(visit: Visit) -> Response:
        email, errors = visit.request.form.get("email", ""), {}
        if visit.request.method == "POST":
            found = form_guard.form_errors(visit, email, "inquiries", InquiryCodeRequested)
            if not found:
                return Response("taken")
            errors = {error.field: error.message for error in found}
        return visit.page(
            "form.html", 422 if errors else 200, email=email, errors=errors, guard=form_guard.guard(visit, errors)
        )

    return site


def challenge(page: TestResponse) -> Data:
    import html

    found: Data = json.loads(html.unescape(page.text.partition('data-challenge="')[2].partition('"')[0]))
    return found


def solve(page: TestResponse) -> str:
    posed = altcha.Challenge.from_dict(challenge(page))
    solution = altcha.solve_challenge(posed)
    assert solution
    return altcha.Payload(posed, solution).to_base64()


def make_busy(site: Site, times: int = 1) -> None:
    for number in range(times):
        browser = Browser(site, address=f"198.51.100.{number}")
        assert browser.send(browser.get("/form"), email=EMAIL).text == "taken"


# -- limits --


def test_a_limit_is_exact_across_processes_that_share_the_store(tmp_path: Path) -> None:
    built = here(tmp_path)
    limiters = [Limiter(built.store, built.clock, "key") for _ in range(4)]
    passed: list[int] = []

    def use(limiter: Limiter) -> None:
        passed.extend(1 for _ in range(15) if limiter.take("post", "someone", 19) == 0)

    threads = [threading.Thread(target=use, args=(limiter,)) for limiter in limiters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 19


def test_counting_by_itself_each_process_would_let_too_many_pass(tmp_path: Path) -> None:
    """The negative control: the same use without a common store."""
    stores = [here(tmp_path / str(number)) for number in range(4)]
    limiters = [Limiter(built.store, built.clock, "key") for built in stores]
    assert sum(limiter.take("post", "someone", 19) == 0 for limiter in limiters for _ in range(15)) == 60


def test_the_uncounted_share_of_a_large_limit_is_a_twentieth_for_each_process(tmp_path: Path) -> None:
    built = here(tmp_path)
    limiters = [Limiter(built.store, built.clock, "key") for _ in range(2)]
    passed = sum(limiter.take("post", "someone", 100) == 0 for limiter in limiters for _ in range(200))
    assert passed == 100 + 2 * 5


def test_a_visitor_who_comes_once_costs_no_write(tmp_path: Path) -> None:
    built = here(tmp_path)
    limiter = Limiter(built.store, built.clock, "key")
    for number in range(50):
        limiter.take("post", f"visitor {number}", 120)
    assert built.store.count("limits") == 0


def test_a_new_window_begins_afresh_and_the_wait_is_told(tmp_path: Path) -> None:
    built = here(tmp_path)
    built.clock.forward(minutes=20)  # type: ignore[attr-defined]
    limiter = Limiter(built.store, built.clock, "key")
    assert [limiter.take("post", "someone", 1) for _ in range(2)] == [0, 2400]
    built.clock.forward(minutes=40)  # type: ignore[attr-defined]
    assert limiter.take("post", "someone", 1) == 0


def test_what_is_stored_names_nobody_and_expires(tmp_path: Path) -> None:
    built = here(tmp_path)
    Limiter(built.store, built.clock, "key").take("post", "203.0.113.7", 5)
    document = built.store.query("limits")[0]
    assert "203.0" not in f"{document}"
    assert document.data["expire_at"] == "2026-11-23T10:00:00.000000Z"


def test_a_limit_of_nought_is_lifted(tmp_path: Path) -> None:
    built = here(tmp_path)
    limiter = Limiter(built.store, built.clock, "key")
    assert all(limiter.take("post", "someone", 0) == 0 for _ in range(100))
    assert not limiter.reached("post", "someone", 0)


def test_reached_agrees_with_take_without_counting(tmp_path: Path) -> None:
    built = here(tmp_path)
    limiter, other = Limiter(built.store, built.clock, "key"), Limiter(built.store, built.clock, "key")
    for _ in range(3):
        assert not other.reached("forms", "all", 3, HOUR)
        limiter.take("forms", "all", 3, HOUR)
    assert limiter.reached("forms", "all", 3, HOUR)
    assert other.reached("forms", "all", 3, HOUR)


def test_one_address_is_limited_and_others_are_not(tmp_path: Path) -> None:
    site = form(here(tmp_path, visitor=2), tmp_path)
    greedy, other = Browser(site, address="203.0.113.7"), Browser(site, address="203.0.113.8")
    answers = [greedy.send(greedy.get("/form"), email=EMAIL) for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"] == "3600"
    assert "60 minutes" in words(answers[2])
    assert other.send(other.get("/form"), email=EMAIL).text == "taken"


def test_one_network_is_limited_across_its_addresses(tmp_path: Path) -> None:
    site = form(here(tmp_path, network=3), tmp_path)
    make_busy(site, 3)
    neighbour, stranger = Browser(site, address="198.51.100.200"), Browser(site, address="203.0.113.1")
    assert neighbour.send(neighbour.get("/form"), email=EMAIL).status_code == 429
    assert stranger.send(stranger.get("/form"), email=EMAIL).text == "taken"


# -- what a form carries --


DOUBTS = {
    "a password manager filled in the unseen field": {"homepage": "https://people.test"},
    "a browser filled in all of it, and it was sent at once": {},
    "it was open since yesterday": {"hours": 25},
}


def doubted(folder: Path, hours: int = 0, **fields: str) -> tuple[Platform, Browser, TestResponse]:
    """A form that came back with a challenge, since a machine may have sent it."""
    built = here(folder, seconds=3)
    browser = Browser(form(built, folder))
    page = browser.get("/form")
    assert "data-challenge" not in page.text
    built.clock.forward(hours=hours, seconds=0 if not fields else 5)  # type: ignore[attr-defined]
    back = browser.send(page, email=EMAIL, **fields)
    assert back.status_code == 422
    assert "one more step" in words(back)
    assert "faster than people" not in words(back)
    return built, browser, back


@pytest.mark.parametrize("why", DOUBTS)
def test_a_doubt_leads_to_the_challenge_and_never_to_loss(tmp_path: Path, why: str) -> None:
    _built, browser, back = doubted(tmp_path, **DOUBTS[why])  # type: ignore[arg-type]
    assert f'value="{EMAIL}"' in back.text
    assert 'name="homepage" value=""' in back.text
    assert browser.send(back, altcha=solve(back)).text == "taken"


@pytest.mark.parametrize("why", DOUBTS)
def test_without_javascript_a_doubt_ends_with_a_mailed_code(tmp_path: Path, why: str) -> None:
    built, browser, back = doubted(tmp_path, **DOUBTS[why])  # type: ignore[arg-type]
    asked = browser.send(back, send_code="1")
    code = built.store.query("outbox")[0].data["data"]["code"]
    assert browser.send(asked, address_code=code).text == "taken"


@pytest.mark.parametrize("why", DOUBTS)
def test_waiting_does_not_lift_a_doubt(tmp_path: Path, why: str) -> None:
    """The negative control: a machine that sends what came back, as it came, is not taken for a person."""
    built, browser, back = doubted(tmp_path, **DOUBTS[why])  # type: ignore[arg-type]
    built.clock.forward(seconds=30)  # type: ignore[attr-defined]
    again = browser.send(back)
    assert again.status_code == 422
    assert browser.send(again).status_code == 422


@pytest.mark.parametrize("shown", ["", "1~~x", "1795424400"])
def test_a_made_up_time_of_showing_is_not_believed(tmp_path: Path, shown: str) -> None:
    browser = Browser(form(here(tmp_path, seconds=1), tmp_path))
    assert browser.send(browser.get("/form"), email=EMAIL, shown=shown).status_code == 422


# -- busy times --


def test_in_quiet_times_no_proof_is_asked(tmp_path: Path) -> None:
    site = form(here(tmp_path, busy=3), tmp_path)
    make_busy(site, 2)
    page = Browser(site).get("/form")
    assert "data-challenge" not in page.text


def test_in_busy_times_a_solved_challenge_is_taken_once(tmp_path: Path) -> None:
    site = form(here(tmp_path, busy=1), tmp_path)
    make_busy(site)
    browser = Browser(site)
    page = browser.get("/form")
    assert browser.send(page, email=EMAIL).status_code == 422
    proof = solve(page)
    assert browser.send(page, email=EMAIL, altcha=proof).text == "taken"
    assert browser.send(page, email=EMAIL, altcha=proof).status_code == 422


def test_proofs_that_are_forged_easy_or_garbage_are_refused(tmp_path: Path) -> None:
    site = form(here(tmp_path, busy=1), tmp_path)
    make_busy(site)
    browser = Browser(site)
    page = browser.get("/form")
    mine = altcha.create_challenge("PBKDF2/SHA-256", 1, key_prefix="", hmac_secret="my own key")
    unsolved = altcha.Challenge.from_dict(challenge(page))
    easier = altcha.Challenge.from_dict(challenge(page))
    easier.parameters.cost, easier.parameters.key_prefix = 1, ""
    wrong = altcha.Solution(1, "00" * 32)
    forged = [altcha.Payload(posed, altcha.solve_challenge(posed) or wrong).to_base64() for posed in (mine, easier)]
    for proof in ("x", "e30=", "W10=", "MQ==", altcha.Payload(unsolved, wrong).to_base64(), *forged):
        assert browser.send(page, email=EMAIL, altcha=proof).status_code == 422


def test_without_javascript_a_mailed_code_is_the_way_through(tmp_path: Path) -> None:
    built = here(tmp_path, busy=1)
    site = form(built, tmp_path)
    make_busy(site)
    browser = Browser(site)
    asked = browser.send(browser.get("/form"), email=EMAIL, send_code="1")
    assert EMAIL in words(asked)
    event = built.store.query("outbox")[0].data
    assert (event["type"], event["data"]["email"]) == ("inquiry.address_code_requested", EMAIL)
    code = event["data"]["code"]
    assert browser.send(asked, address_code="AAAA-AAAA").status_code == 422
    assert browser.send(asked, address_code=code, email="other@ministry.test").status_code == 422
    assert browser.send(asked, address_code=f" {code.lower()} ").text == "taken"
    built.clock.forward(minutes=61)  # type: ignore[attr-defined]
    make_busy(site)
    assert browser.send(asked, address_code=code).status_code == 422


def test_nobody_can_have_one_address_flooded_with_codes(tmp_path: Path) -> None:
    built = here(tmp_path, busy=1)
    site = form(built, tmp_path)
    make_busy(site)
    for number in range(6):
        browser = Browser(site, address=f"192.0.2.{number}")
        last = browser.send(browser.get("/form"), email=EMAIL, send_code="1")
    assert last.status_code == 429
    assert built.store.count("outbox") == form_guard.CODES_PER_HOUR


def test_busy_times_end(tmp_path: Path) -> None:
    built = here(tmp_path, busy=1)
    site = form(built, tmp_path)
    make_busy(site)
    assert "data-challenge" in Browser(site).get("/form").text
    built.clock.forward(seconds=timedelta(minutes=5).total_seconds())  # type: ignore[attr-defined]
    assert "data-challenge" not in Browser(site).get("/form").text


def test_limits_are_set_and_lifted_by_the_environment(tmp_path: Path) -> None:
    base = {"ONESTOP_DATA": str(tmp_path)}
    assert from_environment(base).limits == Limits()
    assert from_environment(base | {"ONESTOP_LIMITS": "off"}).limits == Limits(0, 0, 0, 0, 0, 0)
    assert from_environment(base | {"ONESTOP_LIMITS": "busy=0 visitor=500"}).limits == Limits(visitor=500, busy=0)
    for bad in ("speed=1", "busy", "busy=-1", "busy=many"):
        with pytest.raises(BadSettings, match="ONESTOP_LIMITS"):
            from_environment(base | {"ONESTOP_LIMITS": bad})

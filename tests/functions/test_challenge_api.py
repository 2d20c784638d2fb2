"""Under load programs and forms of other sites need one more step too: the challenge by header, or our page."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import altcha
import pytest
from werkzeug.test import TestResponse

from functions.inquiries import toml_files as inquiry_content
from functions.inquiries.means import Means
from functions.inquiries.services import Service
from functions.inquiries.web import api as inquiry_api
from functions.inquiries.web import contact_pages as inquiry_pages
from functions.registration.registrations.service import Registrations
from functions.registration.web import api as registration_api
from functions.registration.web import register_pages as registration_pages
from shared.ports import Unavailable
from shared.settings import Limits
from shared.web.site import Site
from shared.wiring import Platform
from tests.functions.browser import SETTINGS, Browser, platform, words
from tests.functions.inquiry_world import REQUEST, samples
from tests.functions.registration_world import World

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "en"}
PARTNER = "https://ministry.example"
PERSON = {"given_name": "Ada", "family_name": "Lovelace", "email": "ada@example.org", "country": "GB"}


class Api:
    """One of the two APIs that take posts; ``numbers`` makes each post another person's."""

    def __init__(self, site: Site, path: str, body: dict[str, Any]) -> None:
        self.site, self.path, self.body = site, path, body
        self.browser = Browser(site)
        self.number = 0

    def post(self, browser: Browser | None = None, **headers: str) -> TestResponse:
        return (browser or self.browser).post(self.path, headers=headers, json=self._next())

    def form(self, **headers: str) -> TestResponse:
        body = {**self._next(), "consent": "on"}
        return self.browser.post(self.path, data=body, headers={"Origin": PARTNER, **headers})

    def _next(self) -> dict[str, Any]:
        self.number += 1
        return self.body | {"email": f"person{self.number}@example.org"}


def registrations(here: Platform, folder: Path) -> Api:
    world = World(folder)
    world.store, world.clock = here.store, here.clock  # type: ignore[assignment]
    world.service = Registrations(here.store, here.clock, here.tokens, SETTINGS.base_url)
    now = here.clock.now()
    world.event(starts_at=now + timedelta(days=30), ends_at=now + timedelta(days=31), verify_email=False)
    site = Site(here, Path(registration_api.__file__).parents[1] / "templates")
    registration_api.register(site, world.service)
    registration_pages.register(site, world.service)
    body = {**PERSON, "category": "participant", "consent": True}
    return Api(site, "/api/events/forum/registrations", body)


def inquiries(here: Platform, folder: Path) -> Api:
    inquiry_content.import_into(here.store, samples(), here.clock.now())
    means = Means(here.store, here.files, here.clock, here.tokens, SETTINGS.base_url, SETTINGS.inbound_domain)
    site = Site(here, Path(inquiry_api.__file__).parents[1] / "templates")
    inquiry_api.register(site, Service(means))
    inquiry_pages.register(site, Service(means))
    return Api(site, "/api/inquiries", dict(REQUEST))


@pytest.fixture(params=[registrations, inquiries])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Api]:
    def made(hops: int = 0, **limits: int) -> Api:
        wide = Limits(**(dict.fromkeys(Limits.__slots__, 0) | limits))
        here = platform(tmp_path, replace(SETTINGS, limits=wide, trusted_hops=hops))
        api: Api = request.param(here, tmp_path)
        return api

    return made


def solved(refusal: TestResponse) -> str:
    assert refusal.json is not None
    posed = altcha.Challenge.from_dict(refusal.json["challenge"])
    solution = altcha.solve_challenge(posed)
    assert solution
    return altcha.Payload(posed, solution).to_base64()


def test_in_quiet_times_a_program_sends_without_a_challenge(make: Callable[..., Api]) -> None:
    api = make(busy=3)
    assert [api.post().status_code for _ in range(3)] == [201] * 3


def test_in_busy_times_a_program_is_posed_a_challenge_and_passes_with_its_solution_once(
    make: Callable[..., Api],
) -> None:
    api = make(busy=1)
    assert api.post().status_code == 201
    refused = api.post()
    assert (refused.status_code, refused.mimetype) == (429, "application/problem+json")
    assert refused.json
    assert refused.json["type"].endswith("/problems/challenge")
    assert 0 < int(refused.headers["Retry-After"]) <= 300
    proof = solved(refused)
    assert api.post(**{"Altcha-Solution": proof}).status_code == 201
    assert api.post(**{"Altcha-Solution": proof}).status_code == 429, "a solution counts once"


def test_a_solution_of_somebody_elses_challenge_is_none(make: Callable[..., Api]) -> None:
    """The negative control of the signature: the same work, for a challenge that is not ours."""
    api = make(busy=1)
    api.post()
    posed = altcha.create_challenge("PBKDF2/SHA-256", 1, hmac_secret="another key")
    forged = altcha.Payload(posed, altcha.solve_challenge(posed)).to_base64()  # type: ignore[arg-type]
    for proof in (forged, "x", "", base64.b64encode(json.dumps({"challenge": 1}).encode()).decode(), "A" * 10_000):
        assert api.post(**{"Altcha-Solution": proof}).status_code == 429


def test_a_faulty_request_is_told_its_faults_before_any_work_is_asked(make: Callable[..., Api]) -> None:
    api = make(busy=1)
    api.post()
    assert api.browser.post(api.path, json=api.body | {"email": "nowhere"}).status_code == 422


def test_a_form_of_another_site_comes_back_as_our_page_filled_in_and_passes_from_there(
    make: Callable[..., Api],
) -> None:
    api = make(busy=1)
    assert api.form(**HTML).status_code == 303
    page = api.form(**HTML)
    assert (page.status_code, page.mimetype) == (422, "text/html")
    assert "one more step" in words(page)
    assert "data-challenge" in page.text
    assert "person2@example.org" in page.text
    assert api.browser.send(page).status_code == 422
    posed = altcha.Challenge.from_dict(
        json.loads(html.unescape(page.text.partition('data-challenge="')[2].partition('"')[0]))
    )
    proof = altcha.Payload(posed, altcha.solve_challenge(posed)).to_base64()  # type: ignore[arg-type]
    assert api.browser.send(page, altcha=proof).status_code == 303


def test_a_faulty_form_of_another_site_comes_back_as_our_page(make: Callable[..., Api]) -> None:
    api = make()
    page = api.browser.post(api.path, data={**api.body, "email": "nowhere", "consent": "on"}, headers=HTML)
    assert (page.status_code, page.mimetype) == (422, "text/html")
    assert "nowhere" in page.text
    assert "/api/" not in page.text


PAGE = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": "ar"}
TOO_MUCH = {"limits": {"visitor": 1}, "status": 429}
DOWN = {"store": "down", "status": 503}
TOO_LONG = {"fields": {"organisation": "x" * 300_000}, "status": 413}
NOWHERE = {"path": "/api/nowhere", "status": 404}
NO_POST = {"path": "/api/{list}", "status": 405}


@pytest.mark.parametrize("case", [TOO_MUCH, DOWN, TOO_LONG, NOWHERE, NO_POST], ids=lambda case: str(case["status"]))
@pytest.mark.parametrize("person", [True, False])
def test_whatever_becomes_of_a_form_of_another_site_a_person_gets_a_page_and_a_program_json(
    make: Callable[..., Api], case: dict[str, Any], person: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = make(**case.get("limits", {}))
    if "limits" in case:
        api.form()
    if "store" in case:

        def down(*_: Any) -> None:
            raise Unavailable("down")

        monkeypatch.setattr(type(api.site.platform.store), "commit", down)
    path = case.get("path", api.path).format(list=api.path.split("/")[2].replace("inquiries", "activities"))
    body = {**api.body, "consent": "on", **case.get("fields", {})}
    headers = {"Origin": PARTNER, **(PAGE if person else {"Accept": "application/json"})}
    answer = api.browser.post(path, data=body, headers=headers)
    kind = "text/html" if person else "application/problem+json"
    assert (answer.status_code, answer.mimetype) == (case["status"], kind)
    if person:
        assert 'lang="ar" dir="rtl"' in answer.text
        assert answer.headers["Content-Security-Policy"]


def test_posts_from_one_other_site_are_counted_together_and_only_theirs_need_a_step_more(
    make: Callable[..., Api],
) -> None:
    api = make(origin=2)
    for number in range(2):
        visitor = Browser(api.site, address=f"198.51.{number}.1")
        assert api.post(visitor, Origin=PARTNER).status_code == 201
    refused = api.post(Origin=PARTNER.upper())
    assert refused.status_code == 429
    assert api.form(**HTML).status_code == 422
    assert api.post(Origin="https://another.example").status_code == 201
    assert api.post(Origin=SETTINGS.base_url).status_code == api.post().status_code == 201
    assert api.post(Origin=PARTNER, **{"Altcha-Solution": solved(refused)}).status_code == 201


def test_whom_nobody_can_place_shares_no_limit_and_still_must_solve_a_challenge(make: Callable[..., Api]) -> None:
    api = make(hops=1, visitor=1, network=1)
    for _ in range(3):
        refused = api.post(**{"X-Forwarded-For": "203.0.113.9, unknown"})
        assert refused.status_code == 429
        assert refused.json
        passed = api.post(**{"X-Forwarded-For": "203.0.113.9, unknown", "Altcha-Solution": solved(refused)})
        assert passed.status_code == 201
    assert api.post(**{"X-Forwarded-For": "203.0.113.9"}).status_code == 201, "and takes nothing from anybody else"


def test_no_header_lifts_the_limits(make: Callable[..., Api]) -> None:
    api = make(hops=1, visitor=1, network=1)
    headers = {"X-Forwarded-For": "127.0.0.1, 203.0.113.9"}
    assert [api.post(**headers).status_code for _ in range(2)] == [201, 429]
    assert api.post(**{"X-Forwarded-For": "127.0.0.1"}).status_code == 429


def test_programs_of_this_machine_are_not_strangers(make: Callable[..., Api]) -> None:
    api = make(hops=1, visitor=1, network=1, busy=1)
    here = Browser(api.site, address="127.0.0.1")
    assert [api.post(here, **{"X-Forwarded-For": "127.0.0.1"}).status_code for _ in range(3)] == [201] * 3

"""The JSON API and the plain form of another site, through the function's own site."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from functions.registration import toml_files
from functions.registration.main import TEMPLATES
from functions.registration.registrations import holds
from functions.registration.registrations.service import Registrations
from functions.registration.web import api as operations
from functions.registration.web import personal_pages, register_pages
from shared.ports import Unavailable
from shared.web.site import Site
from tests.functions.browser import SETTINGS, Browser, platform
from tests.functions.registration_world import World

PERSON: dict[str, Any] = {
    "given_name": "Ada",
    "family_name": "Lovelace",
    "email": "ada@example.org",
    "country": "GB",
    "organisation": "Engine Works",
    "category": "participant",
    "language": "en",
    "consent": True,
}
PATH = "/api/events/forum/registrations"
SETTINGS_WITH_ORIGIN = replace(SETTINGS, allowed_origins=("https://ministry.example",))


class Api:
    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.platform = platform(folder, SETTINGS_WITH_ORIGIN)
        self.world.store, self.world.clock = self.platform.store, self.platform.clock  # type: ignore[assignment]
        self.service = Registrations(self.platform.store, self.platform.clock, self.platform.tokens, SETTINGS.base_url)
        self.world.service = self.service
        site = Site(self.platform, TEMPLATES)
        operations.register(site, self.service)
        register_pages.register(site, self.service)
        personal_pages.register(site, self.service)
        self.browser = Browser(site)

    def coming(self, id: str = "forum", **changes: Any) -> None:
        """An event that is open for registration at the platform's stopped clock."""
        now = self.platform.clock.now()
        self.world.event(id, starts_at=now + timedelta(days=30), ends_at=now + timedelta(days=31), **changes)

    def post(self, changes: dict[str, Any] | None = None, path: str = PATH, **headers: str) -> TestResponse:
        return self.browser.post(path, json={**PERSON, **(changes or {})}, headers=headers)


@pytest.fixture
def api(tmp_path: Path) -> Api:
    made = Api(tmp_path)
    made.coming()
    return made


def problem(answer: TestResponse, status: int) -> dict[str, Any]:
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    body = answer.json
    assert body["status"] == status
    assert body["type"].startswith(f"{SETTINGS.base_url}/problems/")
    assert body["title"]
    return dict(body)


def test_a_registration_is_created(api: Api) -> None:
    answer = api.post()
    assert answer.status_code == 201
    assert (answer.json["state"], answer.json["availability"]) == ("received", "unlimited")
    assert set(answer.json["links"]) == {"event", "receipt"}
    assert (
        "received your registration"
        in api.browser.get(answer.json["links"]["receipt"].removeprefix(SETTINGS.base_url)).text
    )
    assert api.world.names("confirmed") == ["Ada"]


def test_every_faulty_field_is_listed(api: Api) -> None:
    body = problem(
        api.post({"given_name": "", "family_name": "", "email": "x", "country": "ZZ", "consent": False, "extra": 1}),
        422,
    )
    assert {error["field"] for error in body["errors"]} == {"full_name", "email", "country", "consent", "extra"}
    assert all(error["pointer"] == f"/{error['field']}" and error["detail"] for error in body["errors"])
    assert api.world.registrations() == []


def test_missing_fields_are_named_too(api: Api) -> None:
    body = problem(api.browser.post(PATH, json={}), 422)
    assert {"full_name", "email", "country", "category", "consent"} <= {error["field"] for error in body["errors"]}


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"{", "application/json", 422),
        (b"[1]", "application/json", 422),
        (b"\xff\xfe", "application/json", 422),
        (b"null", "application/json", 422),
        (b"hello", "text/plain", 415),
        (b"x" * 300_000, "application/json", 413),
        (b'{"given_name": {"$gt": ""}, "answers": [], "consent": "maybe"}', "application/json", 422),
        (b'{"given_name": "\\ud800", "family_name": "x"}', "application/json", 422),
    ],
)
def test_what_is_no_request_is_a_problem_and_never_a_fault_of_ours(
    api: Api, data: bytes, content_type: str, status: int
) -> None:
    problem(api.browser.post(PATH, data=data, content_type=content_type), status)
    assert api.world.registrations() == []


def test_refusals_have_their_statuses(api: Api) -> None:
    problem(api.post(path="/api/events/none/registrations"), 404)
    problem(api.browser.get("/api/events/none"), 404)
    problem(api.browser.get("/api/nothing"), 404)
    problem(api.browser.get(PATH), 405)
    now = api.platform.clock.now()
    api.world.event("over", starts_at=now.replace(day=1), ends_at=now.replace(day=2))
    problem(api.post(path="/api/events/over/registrations"), 410)
    api.world.event(
        "full", seats=0, waitlist=False, starts_at=now.replace(month=12), ends_at=now.replace(month=12, day=30)
    )
    problem(api.post(path="/api/events/full/registrations"), 410)


def test_a_problem_speaks_the_callers_language(api: Api) -> None:
    english, arabic = (problem(api.post({"email": "x"}, **{"Accept-Language": tag}), 422) for tag in ("en", "ar"))
    assert english["title"] != arabic["title"]


def test_a_retry_with_the_same_key_gets_the_same_answer(api: Api) -> None:
    first, second = (api.post(**{"Idempotency-Key": "abc"}) for _ in range(2))
    assert (second.status_code, second.json) == (201, first.json)
    assert len(api.world.registrations()) == 1
    problem(api.post({"given_name": "Bob"}, **{"Idempotency-Key": "abc"}), 422)


def test_another_sites_form_is_led_to_the_confirmation(api: Api) -> None:
    form = {**PERSON, "consent": "on"}
    answer = api.browser.post(PATH, data=form, headers={"Origin": "https://ministry.example"})
    assert answer.status_code == 303
    page = api.browser.follow(answer)
    assert page.status_code == 200
    assert "received your registration" in page.text
    assert api.world.names("confirmed") == ["Ada"]


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Accept-Language": "en"}


def test_a_persons_faulty_form_from_another_site_comes_back_as_our_own(api: Api) -> None:
    form = {**PERSON, "consent": "on", "email": "nowhere", "country": "ZZ"}
    page = api.browser.post(PATH, data=form, headers=BROWSER)
    assert (page.status_code, page.mimetype) == (422, "text/html")
    assert "Content-Security-Policy" in page.headers
    assert page.text.count('class="error"') == 2
    assert 'value="Lovelace"' in page.text
    assert "/api/" not in page.text, "a link that a browser cannot open"
    sent = api.browser.send(page, email="ada@example.org", country="GB")
    assert "received your registration" in api.browser.follow(sent).text
    assert api.world.names("confirmed") == ["Ada"]


def test_two_forms_from_another_site_register_two_people(api: Api) -> None:
    for email in ("ada@example.org", "bob@example.org"):
        assert api.browser.post(PATH, {**PERSON, "consent": "on", "email": email}, headers=BROWSER).status_code == 303
    assert len(api.world.registrations()) == 2


def test_a_person_from_another_site_is_refused_on_a_page(api: Api) -> None:
    api.coming("full", seats=0, waitlist=False)
    now = api.platform.clock.now()
    api.world.event("over", starts_at=now - timedelta(days=2), ends_at=now - timedelta(days=1))
    form = {**PERSON, "consent": "on"}
    refusals = {
        "full": (410, "taken"),
        "over": (410, "closed"),
        "none": (404, "no such event"),
    }
    for event, (status, said) in refusals.items():
        page = api.browser.post(f"/api/events/{event}/registrations", data=form, headers=BROWSER)
        assert (page.status_code, page.mimetype) == (status, "text/html"), event
        assert said in page.text, event
        assert "/api/" not in page.text, event


@pytest.mark.parametrize("accept", ["application/json", "application/json, text/html", "*/*", None])
def test_a_program_that_sends_a_form_gets_problems_as_json(api: Api, accept: str | None) -> None:
    headers = {"Accept": accept} if accept else {}
    problem(api.browser.post(PATH, data={**PERSON, "email": "nowhere"}, headers=headers), 422)
    problem(api.browser.post("/api/events/none/registrations", data=PERSON | {"consent": "on"}, headers=headers), 404)


def test_an_answer_with_a_link_is_stored_nowhere_and_taken_for_nothing_else(api: Api) -> None:
    faulty = api.browser.post(PATH, json={}, headers={"Accept": "application/json"})
    for answer in (api.post(), faulty, api.browser.get("/api/events"), api.browser.get("/api/nothing")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        stored = answer.request.method == "GET" and answer.status_code == 200
        assert ("Cache-Control" in answer.headers) is not stored
    assert api.post().headers["Cache-Control"] == "no-store"
    form = api.browser.post(PATH, data={**PERSON, "consent": "on", "email": "bob@example.org"})
    assert (form.status_code, form.headers["Cache-Control"]) == (303, "no-store")


def test_only_allowed_origins_may_read_the_answer(api: Api) -> None:
    for origin, allowed in (("https://ministry.example", True), ("https://evil.example", False)):
        preflight = api.browser._open(PATH, method="OPTIONS", headers={"Origin": origin})
        assert preflight.status_code == 204
        answer = api.browser.get("/api/events", headers={"Origin": origin})
        for response in (preflight, answer):
            assert (response.headers.get("Access-Control-Allow-Origin") == origin) is allowed
    assert (
        "Idempotency-Key"
        in api.browser._open(PATH, method="OPTIONS", headers={"Origin": "https://ministry.example"}).headers[
            "Access-Control-Allow-Headers"
        ]
    )


def test_events_are_listed_for_other_sites(api: Api) -> None:
    api.coming(seats=2)
    [event] = api.browser.get("/api/events").json["events"]
    assert (event["id"], event["phase"], event["seats_left"]) == ("forum", "open", 2)
    assert api.browser.get("/api/events/forum").json == event
    assert "join_link" not in event


def test_one_network_keeps_a_handful_of_seats_whatever_addresses_it_invents(api: Api) -> None:
    api.coming(verify_email=True, seats=60)
    for number in range(12):
        assert api.post({"email": f"p{number}@example.org"}).json["state"] == "unverified"
    kept = api.platform.store.query(holds.HOLDS)
    assert api.world.tickets("forum:*") == 60 - holds.PER_NETWORK
    assert not [hold for hold in kept if "203.0.113" in hold.id]


def test_this_machines_own_programs_are_counted_in_the_share_alone(api: Api) -> None:
    api.coming(verify_email=True, seats=60)
    here = Browser(api.browser._sites[0], address="127.0.0.1")
    for number in range(12):
        here.post(PATH, json={**PERSON, "email": f"p{number}@example.org"})
    assert holds.PER_NETWORK < 60 - api.world.tickets("forum:*") <= 60 // holds.SHARE


def test_a_store_that_is_away_is_answered_honestly(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise Unavailable("down")

    monkeypatch.setattr(api.platform.store, "commit", away)
    answer = api.post()
    problem(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0


def test_content_errors_name_file_key_and_mend(tmp_path: Path) -> None:
    world = World(tmp_path)
    cases = {
        "broken.toml": ("[[events", "TOML"),
        "unknown.toml": ("[event]\nid = 'x'", "[[events]]"),
        "zone.toml": ("[[events]]\nid = 'x'\ntimezone = 'Mars/Base'\nstarts_at = '+1d 09:00'", "timezone"),
        "day.toml": ("[[events]]\nid = 'x'\nstarts_at = 'tomorrow'", "'+60d 09:00'"),
    }
    for name, (text, hint) in cases.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(toml_files.BadContent) as refused:
            toml_files.read(tmp_path / name, world.store, world.clock.now())
        assert name in str(refused.value)
        assert hint in str(refused.value)


DATES = """[[events]]
id = "x"
title = "X"
summary = "X"
organiser = "WHO"
organisations = ["who"]
contact_email = "x@example.org"
mode = "virtual"
location = "Online"
timezone = "Europe/Zurich"
categories = [{ id = "all", name = "All" }]
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("starts_at = '+27d 02:30'\nends_at = '+27d 09:00'", "starts_at: '+27d 02:30': 2026-03-29 02:30 in Europe/"
         "Zurich is skipped when the clocks go forward; choose another time"),
        ("starts_at = '+237d 02:30'\nends_at = '+237d 09:00'", "comes twice when the clocks go back; write the one "
         "you mean: 2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00"),
        ("starts_at = '+9999999999d 02:30'\nends_at = '+5d 09:00'", "starts_at: '+9999999999d 02:30'"),
        ("starts_at = '+5d 09:00'\nends_at = '+4d 09:00'", "ends_at: must lie after starts_at (2026-03-07"),
        ("starts_at = '+5d 09:00'\nends_at = '+5d 10:00'\nregistration_opens_at = '+6d 09:00'",
         "registration_opens_at: "),
        ("starts_at = '+5d 09:00'\nends_at = '+5d 10:00'\nregistration_closes_at = '+5d 10:01'",
         "close at the end or before"),
        ("starts_at = '+5d 09:00'\nends_at = '+5d 10:00'\nreminders = ['99999999999999d']", "at most 366 days before"),
        ("starts_at = '+5d 09:00'\nends_at = '+5d 10:00'\nreminders = ['367d']", "reminders: '367d' is too early"),
    ],
)  # fmt: skip
def test_times_that_cannot_be_are_refused_with_key_and_mend(tmp_path: Path, text: str, told: str) -> None:
    world = World(tmp_path)
    (tmp_path / "events.toml").write_text(DATES + text)
    with pytest.raises(toml_files.BadContent) as refused:
        toml_files.read(tmp_path / "events.toml", world.store, world.clock.now())
    assert told in str(refused.value)


def test_times_that_can_be_are_taken(tmp_path: Path) -> None:
    """The negative control of the test above: the hours beside those of the change of clocks."""
    world = World(tmp_path)
    for text in (
        "starts_at = '+27d 01:59'\nends_at = '+27d 03:00'",
        "starts_at = '+237d 01:59'\nends_at = '+237d 03:00'",
    ):
        (tmp_path / "events.toml").write_text(DATES + text + "\nreminders = ['366d', '90m']")
        toml_files.read(tmp_path / "events.toml", world.store, world.clock.now())


def test_the_samples_survive_export_and_import(tmp_path: Path) -> None:
    world = World(tmp_path)
    events = toml_files.read(toml_files.SAMPLES, world.store, world.clock.now())
    assert toml_files.save(world.store, world.clock, events) == len(events)
    (tmp_path / "events.toml").write_text(toml_files.export(world.store))
    world.clock.pass_(days=3)
    for path in (tmp_path / "events.toml", toml_files.SAMPLES):
        again = toml_files.read(path, world.store, world.clock.now())
        assert toml_files.save(world.store, world.clock, again) == 0, path

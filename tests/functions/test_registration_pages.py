"""The public pages, as a browser sees them."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest
from werkzeug.test import TestResponse

from functions.registration import main
from functions.registration.events.models import EventDefinition
from functions.registration.registrations.service import Registrations
from functions.registration.web import api, find_pages, personal_pages, register_pages
from infra import catalogues
from shared.web import themes
from shared.web.site import Site
from tests.functions.browser import SETTINGS, Browser, platform, words
from tests.functions.registration_world import World

LINA = {"given_name": "Lina", "family_name": "Haddad", "email": "lina@example.org", "country": "JO", "consent": "on"}


class PageWorld(World):
    """A registration slice with its pages on one site, and a visitor."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        here = platform(folder)
        self.clock, self.store, self.tokens = here.clock, here.store, here.tokens  # type: ignore[assignment]
        self.service = Registrations(here.store, here.clock, here.tokens, here.settings.base_url)
        self.site = Site(here, main.TEMPLATES)
        api.register(self.site, self.service)
        register_pages.register(self.site, self.service)
        personal_pages.register(self.site, self.service)
        find_pages.register(self.site, self.service)
        themes.register(self.site)
        self.visitor = Browser(self.site)

    def event(self, id: str = "forum", **changes: Any) -> EventDefinition:
        soon = self.clock.now() + timedelta(days=30)
        return super().event(id, **{"starts_at": soon, "ends_at": soon + timedelta(hours=3), **changes})

    def fill_in(self, event: str = "forum", **values: Any) -> TestResponse:
        """Open the form, fill it in and send it; fields that are None stay as they are."""
        form = self.visitor.get(f"/events/{event}/register")
        return self.visitor.send(
            form, **{name: value for name, value in {**LINA, **values}.items() if value is not None}
        )


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    catalogues.compile_all()


@pytest.fixture
def world(tmp_path: Path) -> PageWorld:
    return PageWorld(tmp_path)


def error_of(page: TestResponse, field: str) -> str:
    """The error beside a field, which the field itself must point to."""
    found = re.search(rf'id="f-{field}-error">(.*?)</p>', page.text, re.DOTALL)
    if found:
        assert re.search(rf'aria-describedby="[^"]*f-{field}-error[^"]*" aria-invalid="true"', page.text)
        assert f'href="#f-{field}"' in page.text
    return re.sub(r"<[^>]+>", "", found[1]).strip() if found else ""


# --- events ---------------------------------------------------------------------------------------------------


def test_the_front_page_and_the_list_show_upcoming_events_first(world: PageWorld) -> None:
    now = world.clock.now()
    world.event("old", title="Old forum", starts_at=now - timedelta(days=9), ends_at=now - timedelta(days=8))
    world.event("new", title="New forum")
    listed = words(world.visitor.get("/events"))
    assert listed.index("New forum") < listed.index("Old forum")
    front = words(world.visitor.get("/"))
    assert "New forum" in front
    assert "Old forum" not in front


def test_an_event_shows_its_own_zone_with_its_offset(world: PageWorld) -> None:
    world.event(timezone="Asia/Riyadh", starts_at="2027-07-03T10:00:00Z", ends_at="2027-07-03T12:00:00Z")
    text = words(world.visitor.get("/events/forum"))
    assert "Saturday, 3 July 2027" in text
    assert "13:00 to 15:00" in text
    assert "UTC+03:00" in text


def test_an_event_page_counts_the_seats_left_down_to_the_waiting_list(world: PageWorld) -> None:
    world.event(seats=2)
    assert "2 seats left" in words(world.visitor.get("/events/forum"))
    world.register("Anna")
    world.register("Boris")
    world.service.seats._left.clear()
    text = words(world.visitor.get("/events/forum"))
    assert "Full: you can join the waiting list" in text
    assert "Join the waiting list" in text


def test_a_past_event_shows_its_outcome_and_takes_no_registration(world: PageWorld) -> None:
    now = world.clock.now()
    past = {"starts_at": now - timedelta(days=9), "ends_at": now - timedelta(days=8)}
    world.event(outcome="Three recommendations.", **past)
    page = world.visitor.get("/events/forum")
    assert "Three recommendations." in words(page)
    assert "/register" not in page.text
    refused = world.visitor.get("/events/forum/register")
    assert refused.status_code == 410
    assert "Registration is closed." in words(refused)


def test_what_does_not_exist_is_a_page_too(world: PageWorld) -> None:
    for path in ("/events/none", "/events/none/register", "/nothing", "/assets/none.css", "/assets/..%2fsite.py"):
        page = world.visitor.get(path)
        assert page.status_code == 404, path
        assert "<h1>" in page.text


# --- the form -------------------------------------------------------------------------------------------------


def test_a_registration_goes_through_to_a_receipt_and_the_personal_link_to_the_mailbox(world: PageWorld) -> None:
    world.event()
    page = world.visitor.follow(world.fill_in())
    assert page.status_code == 200
    assert "We have received your registration" in words(page)
    assert "/r/" not in page.text
    [told] = world.outbox("registration.confirmed")
    personal = told.data["data"]["manage_link"].removeprefix(SETTINGS.base_url)
    assert "Lina Haddad" in words(world.visitor.get(personal))


def test_an_event_that_verifies_addresses_tells_to_look_into_the_mailbox_and_gives_no_link(world: PageWorld) -> None:
    world.event(verify_email=True)
    page = world.visitor.follow(world.fill_in())
    assert "look into your mailbox" in words(page)
    assert "/r/" not in page.text


def test_an_address_that_is_registered_gets_the_same_answer_where_addresses_are_verified(world: PageWorld) -> None:
    world.event(verify_email=True)
    first, second = (world.fill_in().headers["Location"] for _ in range(2))
    assert first == second
    assert len(world.registrations()) == 1


def test_every_faulty_field_is_told_beside_it_and_what_was_typed_is_kept(world: PageWorld) -> None:
    question = {"id": "function", "label": "Your function", "required": True}
    notes = {"id": "notes", "label": "Notes", "kind": "long_text"}
    world.event(questions=[question, notes])
    page = world.fill_in(
        email="lina@@example", country="", consent="", organisation="A <b>Ministry", **{"answers.notes": "x"}
    )
    assert page.status_code == 422
    assert error_of(page, "email") == "Error: Write the address like name@example.org."
    assert error_of(page, "country") == "Error: Choose your country."
    assert error_of(page, "answers-function") == "Error: This field is required."
    assert "only if you agree" in error_of(page, "consent")
    assert not error_of(page, "full_name")
    assert 'value="Lina Haddad"' in page.text
    assert 'value="lina@@example"' in page.text
    assert 'value="A &lt;b&gt;Ministry"' in page.text
    assert ">\nx</textarea>" in page.text
    assert world.registrations() == []


def test_answers_of_every_kind_are_kept_and_shown_in_words(world: PageWorld) -> None:
    options = [{"id": "a", "label": "Alpha"}, {"id": "b", "label": "Beta"}]
    kinds = ("text", "long_text", "choice", "choices", "yes_no")
    asked = [
        {"id": f"q_{k}", "label": k, "kind": k, "options": options if k.startswith("choice") else []} for k in kinds
    ]
    world.event(questions=asked)
    answers = {
        "answers.q_text": "t",
        "answers.q_choice": "a",
        "answers.q_choices[]": ["a", "b"],
        "answers.q_yes_no": "on",
    }
    page = world.visitor.follow(world.fill_in(**answers))
    assert "We have received your registration" in words(page)
    stored = world.registrations()[0].answers
    assert stored == {"q_text": "t", "q_choice": "a", "q_choices": ["a", "b"], "q_yes_no": True}
    personal = words(world.visitor.get(f"/r/{world.manage('Lina')}"))
    assert "choices Alpha Beta yes_no Yes" in personal


def test_a_form_sent_twice_registers_once(world: PageWorld) -> None:
    world.event()
    form = world.visitor.get("/events/forum/register")
    first, second = (world.visitor.send(form, **LINA) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert len(world.registrations()) == 1


def test_a_form_sent_again_when_registration_is_closed_shows_what_became_of_it(world: PageWorld) -> None:
    world.event(registration_closes_at=world.clock.now() + timedelta(days=1))
    form = world.visitor.get("/events/forum/register")
    first = world.visitor.send(form, **LINA)
    world.clock.forward(days=2)  # type: ignore[attr-defined]
    assert world.visitor.send(form, **LINA).headers["Location"] == first.headers["Location"]
    assert world.visitor.send(form, **{**LINA, "submission": "another"}).status_code == 410
    assert world.visitor.send(form, **{**LINA, "submission": "faulty", "country": ""}).status_code == 410


def test_a_form_sent_again_after_the_cancellation_promises_nothing(world: PageWorld) -> None:
    world.event(seats=1)
    form = world.visitor.get("/events/forum/register")
    world.visitor.send(form, **LINA)
    world.service.cancel(world.manage("Lina"))
    page = words(world.visitor.follow(world.visitor.send(form, **LINA)))
    assert "The mail says whether a seat is yours." in page
    assert world.names("confirmed") == []
    assert world.fill_in().status_code == 303, "a new form registers again"
    assert len(world.registrations()) == 2


def test_a_form_sent_again_for_somebody_else_asks_first_and_then_registers(world: PageWorld) -> None:
    world.event()
    form = world.visitor.get("/events/forum/register")
    world.visitor.send(form, **LINA)
    omar = {**LINA, "given_name": "Omar", "email": "omar@example.org"}
    asked = world.visitor.send(form, **omar)
    assert asked.status_code == 422
    assert "You sent this form before" in words(asked)
    assert world.visitor.send(asked, consent="on").status_code == 303
    assert sorted(r.given_name for r in world.registrations()) == ["Lina", "Omar"]


@pytest.mark.parametrize("spoil", ["token", "cookie"])
def test_a_form_of_another_site_is_refused(world: PageWorld, spoil: str) -> None:
    world.event()
    form = world.visitor.get("/events/forum/register")
    if spoil == "cookie":
        world.visitor.set_cookie("visitor", "0" * 32)
    page = world.visitor.send(form, **LINA, **({"csrf_token": "forged"} if spoil == "token" else {}))
    assert page.status_code == 403
    assert world.registrations() == []


def test_a_confirmation_cannot_be_made_up(world: PageWorld) -> None:
    world.event()
    world.event("other")
    real = world.visitor.get(world.fill_in().headers["Location"].removeprefix("https://onestop.test"))
    assert real.status_code == 200
    receipt = real.request.path.rpartition("/")[2]
    assert world.visitor.get(f"/events/other/registered/{receipt}").status_code == 404
    assert world.visitor.get("/events/forum/registered/forum:AAAA-BBBB:confirmed").status_code == 404


# --- the personal link ----------------------------------------------------------------------------------------


def test_following_the_link_verifies_nothing_but_its_button_does(world: PageWorld) -> None:
    world.event(verify_email=True)
    world.fill_in()
    token = world.tokens.sign("verify", world.registrations()[0].reference)
    page = world.visitor.get(f"/r/{token}/verify")
    assert world.registrations()[0].state == "unverified"
    done = world.visitor.follow(world.visitor.send(page))
    assert world.registrations()[0].state == "confirmed"
    assert "your address is verified" in words(done)
    again = world.visitor.get(f"/r/{token}/verify")
    assert "Confirmed" in words(world.visitor.follow(again))


def test_a_link_to_one_page_opens_no_other(world: PageWorld) -> None:
    world.event(verify_email=True)
    world.fill_in()
    reference = world.registrations()[0].reference
    verify, manage = (world.tokens.sign(purpose, reference) for purpose in ("verify", "manage"))
    assert world.visitor.get(f"/r/{verify}").status_code == 404
    assert world.visitor.get(f"/r/{manage}/verify").status_code == 404


def test_a_person_corrects_what_was_told_and_sees_errors_beside_the_fields(world: PageWorld) -> None:
    world.event()
    world.fill_in()
    token = world.manage("Lina")
    form = world.visitor.get(f"/r/{token}/correct")
    faulty = world.visitor.send(form, full_name="", family_name="", organisation="WTO")
    assert faulty.status_code == 422
    assert error_of(faulty, "full_name") == "Error: Write your full name."
    assert 'value="WTO"' in faulty.text
    page = world.visitor.follow(world.visitor.send(faulty, full_name="Leena"))
    assert "Your changes are saved." in words(page)
    assert [(r.given_name, r.organisation) for r in world.registrations()] == [("Leena", "WTO")]


def test_cancelling_asks_once_and_can_be_repeated_without_harm(world: PageWorld) -> None:
    world.event()
    world.fill_in()
    token = world.manage("Lina")
    question = world.visitor.get(f"/r/{token}/cancel")
    assert world.registrations()[0].state == "confirmed"
    page = world.visitor.follow(world.visitor.send(question))
    assert "Your registration is cancelled." in words(page)
    assert world.registrations()[0].state == "cancelled"
    assert world.visitor.send(question).status_code == 410


def test_the_calendar_file_and_the_join_link_are_for_confirmed_people_only(world: PageWorld) -> None:
    world.event(mode="virtual", join_link="https://meet.example.org/1", seats=1)
    world.fill_in(given_name="Anna", email="anna@example.org")
    world.fill_in()
    confirmed, waiting = f"/r/{world.manage('Anna')}", f"/r/{world.manage('Lina')}"
    file = world.visitor.get(f"{confirmed}/calendar.ics")
    assert file.content_type == "text/calendar; charset=utf-8"
    assert "https://meet.example.org/1" in file.text
    assert "https://meet.example.org/1" in world.visitor.get(confirmed).text
    page = world.visitor.get(waiting)
    assert "number 1 in line" in words(page)
    assert "meet.example.org" not in page.text
    assert world.visitor.get(f"{waiting}/calendar.ics").status_code == 404


def test_the_calendar_file_is_in_the_nearest_language(world: PageWorld) -> None:
    world.event(title={"en": "Forum", "ar": "منتدى"}, join_link="https://meet.example.org/1")
    world.register("Lina", language="ar-EG")
    calendar = icalendar.Calendar.from_ical(world.visitor.get(f"/r/{world.manage('Lina')}/calendar.ics").data)
    (entry,) = calendar.events
    assert entry["SUMMARY"] == "منتدى"
    assert entry["DESCRIPTION"].startswith("انضم")


# --- every page -----------------------------------------------------------------------------------------------


def all_pages(world: PageWorld) -> list[TestResponse]:
    world.event(questions=[{"id": "q", "label": "Q"}], seats=5)
    done = world.visitor.follow(world.fill_in())
    token = world.manage("Lina")
    paths = ["/", "/events", "/events/forum", "/events/forum/register", "/nothing"]
    paths += [f"/r/{token}{part}" for part in ("", "/correct", "/cancel")]
    return [done, world.fill_in(email=""), *map(world.visitor.get, paths)]


def test_no_page_needs_what_the_policy_forbids(world: PageWorld) -> None:
    for page in all_pages(world):
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page.text), page.request.path
        assert not re.search(r"<script(?![^>]*\ssrc=)", page.text), page.request.path


def test_every_form_field_has_a_label_and_every_id_is_there_once(world: PageWorld) -> None:
    for page in all_pages(world):
        ids = re.findall(r'\sid="([^"]+)"', page.text)
        assert len(ids) == len(set(ids)), page.request.path
        labels = set(re.findall(r'<label for="([^"]+)"', page.text))
        fields = re.findall(r"<(?:input|select|textarea)\b[^>]*>", page.text)
        named = {re.search(r'id="([^"]+)"', tag)[1] for tag in fields if 'type="hidden"' not in tag}  # type: ignore[index]
        assert named <= labels, page.request.path


def test_the_language_link_turns_the_page_and_is_remembered(world: PageWorld) -> None:
    world.event(title={"en": "Forum", "ar": "المنتدى"})
    english = world.visitor.get("/events/forum?from=mail")
    assert '<html lang="en" dir="ltr">' in english.text
    assert 'href="/events/forum?from=mail&amp;lang=ar"' in english.text
    for path in ("/events/forum?lang=ar", "/events/forum"):
        arabic = world.visitor.get(path)
        assert '<html lang="ar" dir="rtl">' in arabic.text
        assert "المنتدى" in words(arabic)
        assert arabic.headers["Content-Language"] == "ar"


def test_errors_are_told_in_the_visitors_language(world: PageWorld) -> None:
    world.event()
    world.visitor.get("/?lang=ar")
    page = world.fill_in(given_name="", family_name="")
    assert not re.search("[a-z]", error_of(page, "full_name"))
    assert re.search("[\u0621-\u064a]", error_of(page, "full_name"))


def test_static_files_are_kept_for_ever_under_their_own_version_only(world: PageWorld) -> None:
    path = re.search(r'href="(/assets/style\.css\?v=\w+)"', world.visitor.get("/").text)[1]  # type: ignore[index]
    found = world.visitor.get(path)
    assert "immutable" in found.headers["Cache-Control"]
    assert "immutable" not in world.visitor.get("/assets/style.css?v=0").headers["Cache-Control"]
    known = world.visitor.get(path, headers={"If-None-Match": found.headers["ETag"]})
    assert known.status_code == 304

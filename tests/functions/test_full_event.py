"""An event whose seats are gone says so at each step, and promises none to whoever will wait."""

from __future__ import annotations

import re
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from functions.registration import toml_files
from functions.registration.events.models import Kept
from functions.registration.events.repository import EVENTS, definition, stored
from functions.registration.registrations import base
from infra import catalogues
from shared.ports import Replace
from tests.functions.browser import forms, press, words
from tests.functions.find_world import links_in
from tests.functions.test_find import World as Slices

EVENT = "/events/forum"
FORM = f"{EVENT}/register"
PROMISES = re.compile("a seat is kept|(seat|place) is (yours|confirmed)|you are registered", re.IGNORECASE)


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    catalogues.compile_all()


class World(Slices):
    def event(self, id: str = "forum", **changes: Any) -> None:
        soon = self.clock.now() + timedelta(days=30)
        super().event(id, **{"starts_at": soon, "ends_at": soon + timedelta(hours=3), "verify_email": True} | changes)
        self.look_afresh()

    def look_afresh(self) -> None:
        """What a process has read a moment ago is old."""
        seats = self.registrations.seats
        for known in (seats._left, seats._empty, self.registrations.events._known):
            known.clear()

    def take(self, name: str) -> None:
        """Somebody registers and verifies."""
        self.fill_in(address=f"{name}@example.org")
        self.verify(f"{name}@example.org")

    def fill_in(self, event: str = "forum", address: str = "lina@example.org") -> TestResponse:
        self.look_afresh()
        receipt: TestResponse = super().fill_in(event, address)
        self.settle()
        self.look_afresh()
        return receipt

    def mail(self, address: str, number: int = -1) -> EmailMessage:
        return [mail for mail in self.mailbox.taken.values() if address in str(mail["To"])][number]

    def verify(self, address: str) -> tuple[TestResponse, TestResponse]:
        """The page that a mail's link leads to, and the one behind its button."""
        self.look_afresh()
        link = next(link for link in links_in(self.mail(address)) if link.endswith("/verify"))
        asked = self.visitor.get(link)
        done = press(self.visitor, asked, "/verify")
        self.settle()
        self.look_afresh()
        return asked, self.visitor.follow(done)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return " ".join(str(part.get_content()).split())


def buttons(page: TestResponse) -> list[str]:
    return [" ".join(label.split()) for label in re.findall(r"<button[^>]*>([^<]+)</button>", page.text)]


def heading(page: TestResponse) -> str:
    return re.search(r"<h1>([^<]+)</h1>", page.text)[1]  # type: ignore[index]


def test_whoever_will_wait_is_told_so_from_the_button_to_the_mail_after_verifying(world: World) -> None:
    world.event(seats=1)
    world.take("first")
    assert "Forum forum Waiting list A forum." in words(world.visitor.get(EVENT))
    assert "Join the waiting list" in words(world.visitor.get(EVENT))
    form = world.visitor.get(FORM)
    assert heading(form) == "Join the waiting list"
    assert "Join the waiting list · Forum" in form.text.partition("</title>")[0]
    assert "Join the waiting list" in buttons(form)
    assert "Register" not in buttons(form)
    receipt = world.fill_in()
    assert "All seats are taken" in words(receipt)
    assert "You join the waiting list." in words(receipt)
    asked_by_mail = text(world.mail("lina"))
    assert "you join the waiting list" in asked_by_mail
    asked, done = world.verify("lina@example.org")
    assert "All seats are taken at the moment, so you join the waiting list." in words(asked)
    assert buttons(asked)[-1] == "Yes, put me on the waiting list"
    assert "You do not have a seat yet." in words(done)
    assert "You are number 1 in line." in words(done)
    told = world.mail("lina")
    assert told["Subject"] == "You are on the waiting list: Forum forum"
    assert "at position 1" in text(told)
    for shown in (*map(words, (form, receipt, asked, done)), asked_by_mail, text(told)):
        assert not PROMISES.search(shown), shown


def test_a_place_in_a_long_line_is_told_as_far_as_one_counts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MAX_AHEAD", 3)
    world.event(seats=1)
    world.take("first")
    told = []
    for name in ("second", "third", "fourth", "fifth"):
        world.take(name)
        mail = world.mail(name)
        page = world.visitor.get(next(link for link in links_in(mail) if "/r/" in link))
        told.append((words(page), text(mail)))
        world.clock.forward(seconds=1)  # type: ignore[attr-defined]
    for number, (page, mail) in enumerate(told[:3], 1):
        assert f"You are number {number} in line." in page
        assert f"at position {number}." in mail
    page, mail = told[3]
    assert "At least 3 people are in line before you." in page
    assert "on the waiting list, after at least 3 others." in mail


def test_where_seats_are_left_the_same_steps_say_so(world: World) -> None:
    """The negative control."""
    world.event(seats=9)
    form = world.visitor.get(FORM)
    assert (heading(form), "Register" in buttons(form)) == ("Register", True)
    assert "waiting list" not in words(form) + words(world.visitor.get(EVENT)) + words(world.fill_in())
    assert "until then a seat is kept for you" in text(world.mail("lina"))
    asked, done = world.verify("lina@example.org")
    assert buttons(asked)[-1] == "Yes, register me"
    assert "You are registered: your place is confirmed." in words(done)
    assert world.mail("lina")["Subject"].startswith("Your registration is confirmed")


def test_the_last_seat_may_go_between_form_and_verification(world: World) -> None:
    world.event(seats=2)
    world.fill_in(address="kept@example.org")  # the one seat that may be kept
    receipt = world.fill_in()
    assert "The mail says whether a seat is kept for you, and until when" in words(receipt)
    assert "no seat is kept for you until then" in text(world.mail("lina"))
    assert not PROMISES.search(words(receipt).replace("whether a seat is kept", ""))
    world.take("omar")
    asked, done = world.verify("lina@example.org")
    assert "so you join the waiting list" in words(asked)
    assert "You are number 1 in line." in words(done)


def test_the_last_seat_may_go_while_the_button_is_looked_at(world: World) -> None:
    world.event(seats=2)
    world.fill_in(address="kept@example.org")
    world.fill_in()
    asked = world.visitor.get(next(link for link in links_in(world.mail("lina")) if link.endswith("/verify")))
    assert buttons(asked)[-1] == "Yes, register me"
    world.take("omar")
    done = world.visitor.follow(press(world.visitor, asked, "/verify"))
    assert "All seats are taken, so you are on the waiting list. You do not have a seat yet." in words(done)
    assert not PROMISES.search(words(done))


def test_who_waits_for_another_category_is_told_of_that_one(world: World) -> None:
    world.event(categories=[{"id": "a", "name": "Alpha", "seats": 0}, {"id": "b", "name": "Beta", "seats": 5}])
    form = world.visitor.get(FORM)
    assert heading(form) == "Register"
    assert "Alpha Full: you can join the waiting list" in words(form)
    sent = world.visitor.send(form, **PERSON, category="a")
    assert "join the waiting list" in words(world.visitor.follow(sent))


def test_an_event_without_verification_says_where_one_stands_by_mail(world: World) -> None:
    world.event(seats=1, verify_email=False)
    assert "The mail says whether a seat is yours." in words(world.fill_in(address="first@example.org"))
    receipt = world.fill_in()
    assert "All seats are taken at the moment, so there is a waiting list." in words(receipt)
    assert world.mail("lina")["Subject"] == "You are on the waiting list: Forum forum"


def test_newcomers_wait_where_the_line_has_its_turn_first(world: World) -> None:
    """An import brought seats, and those who wait have not got theirs yet."""
    world.event(seats=5)
    document = world.store.get(EVENTS, "forum")
    assert document
    line_first = definition(document).model_copy(update={"kept": Kept(line_first=True)})
    world.store.commit([Replace(EVENTS, "forum", stored(line_first), document.version)])
    world.look_afresh()
    assert heading(world.visitor.get(FORM)) == "Join the waiting list"
    assert "join the waiting list" in words(world.fill_in())
    assert "You do not have a seat yet." in words(world.verify("lina@example.org")[1])


# -- no line to wait in --

PERSON = {"given_name": "Lina", "family_name": "H", "email": "lina@example.org", "country": "JO", "consent": "on"}


def test_where_nobody_can_wait_no_form_is_offered(world: World) -> None:
    world.event(seats=1, waitlist=False)
    form = world.visitor.get(FORM)
    world.take("first")
    page = world.visitor.get(EVENT)
    assert "/register" not in page.text
    assert "Forum forum Full A forum." in words(page)
    assert "All seats are taken, and there is no waiting list." in words(page)
    for refused in (world.visitor.get(FORM), world.visitor.send(form, **PERSON)):
        assert refused.status_code == 410
        assert "All seats are taken, and there is no waiting list." in words(refused)


def test_a_category_without_seats_is_told_beside_it_and_keeps_what_was_typed(world: World) -> None:
    categories = [{"id": "a", "name": "Alpha", "seats": 0}, {"id": "b", "name": "Beta", "seats": 5}]
    world.event(categories=categories, waitlist=False)
    refused = world.visitor.send(world.visitor.get(FORM), **PERSON, category="a")
    assert refused.status_code == 410
    assert "All seats of this category are taken, and there is no waiting list." in words(refused)
    assert dict(forms(refused)[0].fields)["full_name"] == "Lina H"
    sent = world.visitor.send(refused, category="b")
    assert "One more step" in words(world.visitor.follow(sent))


@pytest.mark.parametrize("closed", ["no line", "over"])
def test_who_verifies_when_nothing_is_left_learns_it_before_pressing(world: World, closed: str) -> None:
    world.event(seats=2, waitlist=closed == "over", verify_within_hours=24 * 14)
    world.fill_in(address="kept@example.org")
    world.fill_in()
    link = next(link for link in links_in(world.mail("lina")) if link.endswith("/verify"))
    asked = world.visitor.get(link)
    world.take("omar")
    if closed == "over":
        began, ends = world.clock.now() - timedelta(minutes=1), world.clock.now() + timedelta(days=9)
        world.event(seats=2, verify_within_hours=24 * 14, starts_at=began, ends_at=ends)
    for refused in (world.visitor.get(link), press(world.visitor, asked, "/verify")):
        assert refused.status_code == 410
        assert "All seats are taken." in words(refused)


# -- what goes, and what is over --


def test_cancelling_takes_away_what_there_is(world: World) -> None:
    world.event(seats=1)
    world.take("first")
    world.take("second")
    says = []
    for who in ("first", "second"):
        page = next(link for link in links_in(world.mail(who)) if link.startswith("/r/"))
        says.append(words(world.visitor.get(f"{page}/cancel")))
    assert "Your seat goes to the next person in line" in says[0]
    assert "You lose your place in the waiting list." in says[1]
    assert "seat goes" not in says[1]


def test_who_waits_when_the_event_has_begun_is_not_told_to_wait_on(world: World) -> None:
    world.event(seats=1)
    world.take("first")
    world.take("second")
    page = next(link for link in links_in(world.mail("second")) if link.startswith("/r/"))
    assert "You are number 1 in line." in words(world.visitor.get(page))
    world.clock.forward(days=30, hours=1)  # type: ignore[attr-defined]
    told = words(world.visitor.get(page))
    assert "No seat became free for you" in told
    assert "in line" not in told


def test_what_expires_without_a_seat_frees_none(world: World) -> None:
    world.event(seats=1, verify_within_hours=1)
    world.take("first")
    world.fill_in()
    world.clock.forward(hours=2)  # type: ignore[attr-defined]
    world.registrations.timekeeper().expire_unverified()
    world.settle()
    assert "has expired" in text(world.mail("lina"))
    assert "seat is free" not in text(world.mail("lina"))


def test_seats_that_are_added_show_at_once(world: World) -> None:
    world.event(seats=0)
    assert heading(world.visitor.get(FORM)) == "Join the waiting list"
    document = world.store.get(EVENTS, "forum")
    assert document
    toml_files.save(world.store, world.clock, [definition(document).model_copy(update={"seats": 3})])
    world.settle()
    world.look_afresh()
    assert heading(world.visitor.get(FORM)) == "Register"


def test_many_seats_are_told_as_far_as_one_counts(world: World) -> None:
    world.event(seats=1200, categories=[{"id": "a", "name": "A", "seats": 999}, {"id": "b", "name": "B"}])
    page = words(world.visitor.get(EVENT))
    assert "At least 1,000 seats left" in page
    assert "A: 999 seats left" in page
    assert "يتبقى ما لا يقل عن" in words(world.visitor.get(f"{EVENT}?lang=ar"))

"""Progress lines name the present state in words of the present, and none that was not reached as if it were."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from functions.inquiries.casework.requester_actions import LINK_PURPOSE
from functions.registration.registrations.documents import REGISTRATIONS
from infra import catalogues
from shared.ports import Replace
from tests.functions.browser import words
from tests.functions.inquiry_sites import new_world
from tests.functions.journeys import stops
from tests.functions.test_registration_pages import PageWorld

UNVERIFIED = ["Form received", "[Waiting for your address to be verified]", "? Confirmation"]


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    catalogues.compile_all()


def test_the_line_of_a_registration_says_what_is_so(tmp_path: Path) -> None:
    world = PageWorld(tmp_path)
    world.event(verify_email=True, seats=1)
    assert stops(world.visitor.follow(world.fill_in())) == UNVERIFIED
    page = f"/r/{world.manage('Lina')}"
    assert stops(world.visitor.get(page)) == UNVERIFIED
    world.verify("Lina")
    assert stops(world.visitor.get(page)) == ["Form received", "Address verified", "[Confirmed]"]
    world.register("Omar")
    world.verify("Omar")
    waiting = stops(world.visitor.get(f"/r/{world.manage('Omar')}"))
    assert waiting == ["Form received", "Address verified", "[On the waiting list]", "? Confirmation"]
    arabic = stops(world.visitor.get(f"{page}?lang=ar"))
    assert len(arabic) == 3
    assert not re.search("[A-Za-z]", "".join(arabic))


def test_an_event_without_verification_says_nothing_of_one(tmp_path: Path) -> None:
    world = PageWorld(tmp_path)
    world.event()
    world.register("Lina")
    assert stops(world.visitor.get(f"/r/{world.manage('Lina')}")) == ["Form received", "[Confirmed]"]
    document = world.store.query(REGISTRATIONS)[0]
    over = document.data | {"state": "cancelled"}
    world.store.commit([Replace(REGISTRATIONS, document.id, over, None)])
    assert stops(world.visitor.get(f"/r/{world.manage('Lina')}")) == []


STATES = {
    "received": ["[Received; we are finding the right people]", "? Answer", "? Closing"],
    "routed": ["Received", "[With the right people]", "? Answer", "? Closing"],
    "assigned": ["Received", "[With the right people]", "? Answer", "? Closing"],
    "answered": ["Received", "With the right people", "[Answered]", "? Closing"],
    "waiting": ["Received", "With the right people", "[Waiting for you]", "? Closing"],
    "reopened": ["Received", "[Open again]", "? Answer", "? Closing"],
    "closed": ["Received", "With the right people", "Answered", "[Closed]"],
}


@pytest.mark.parametrize("state", STATES)
def test_the_line_of_an_inquiry_says_what_is_so(tmp_path: Path, state: str) -> None:
    world = new_world(tmp_path)
    reference = world.receive()
    found = world.platform.store.get("inquiries", reference)
    assert found
    answered = {"answered_at": found.data["received_at"]} if state in ("answered", "waiting", "closed") else {}
    lead = {"lead": None} if state == "received" else {}
    world.platform.store.commit(
        [Replace("inquiries", reference, found.data | {"state": state} | answered | lead, None)]
    )
    visitor = world.member("nobody@elsewhere.example")
    token = world.platform.tokens.sign(LINK_PURPOSE, reference)
    english = visitor.get(f"/i/{token}")
    assert stops(english) == STATES[state], words(english)
    arabic = stops(visitor.get(f"/i/{token}?lang=ar"))
    assert len(arabic) == len(STATES[state])
    assert not re.search("[A-Za-z]", "".join(arabic))


def test_what_was_closed_without_an_answer_was_not_answered(tmp_path: Path) -> None:
    world = new_world(tmp_path)
    reference = world.receive()
    found = world.platform.store.get("inquiries", reference)
    assert found
    world.platform.store.commit([Replace("inquiries", reference, found.data | {"state": "closed"}, None)])
    page = world.member("nobody@elsewhere.example").get(f"/i/{world.platform.tokens.sign(LINK_PURPOSE, reference)}")
    assert stops(page) == ["Received", "With the right people", "[Closed]"]

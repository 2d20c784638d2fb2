"""Ids that no store can hold, from every side: nothing is there, and what was sent is kept all the same."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest

from shared.web import paging
from tests.functions.test_bodies import form_at
from tests.house import SECRET, House

IDS = ["__x__", ".", "..", "%2e%2e", "a%2Fb", "x" * 2000, "%ED%A0%80", "%00", "%FF"]
MAIL = "From: {sender}\nTo: {recipient}\nSubject: About the plant\nMessage-ID: <{id}@gov.test>\n\nWe need advice.\n"


@pytest.mark.parametrize("id", IDS)
def test_there_is_nothing_at_such_an_id(house: House, id: str) -> None:
    paths = ["/events/{}", "/api/events/{}", "/activities/{}", "/api/activities/{}", "/mailbox/{}", "/assets/{}"]
    for path in paths:
        assert house.get(path.format(id)).status in (308, 404), path
    answer = house.send("POST", f"/api/events/{id}/registrations", [("Content-Type", "application/json")], b"{}")
    assert answer.status in (308, 404, 422)


@pytest.mark.parametrize("text", ["", "~", "x", "x~", "~x", "x~a/b", "x~..", "x~__a__", "x~\0", f"x~{'y' * 1501}"])
def test_a_cursor_that_no_page_gave_is_the_first_page(text: str) -> None:
    assert paging.cursor(text) is None
    assert paging.cursor(paging.mark(("c", "a~b"))) == ("c", "a~b")


@pytest.mark.parametrize("email", ["a/b@x.org", "__@__", "..@x", f"{'x' * 300}@x.org", "a\0b@x.org"])
def test_whoever_asks_to_sign_in_gets_the_same_answer(house: House, email: str) -> None:
    fields, cookie = form_at(house, "/desk/sign-in")
    headers = [("Content-Type", "application/x-www-form-urlencoded"), cookie]
    answer = house.send("POST", "/desk/sign-in", headers, urlencode(fields | {"email": email}).encode())
    assert answer.status in (200, 422)


@pytest.mark.parametrize(
    ("sender", "recipient"),
    [
        ("official@gov.test", "reply+a/b.c@onestop.example"),
        ("official@gov.test", f"reply+{'x' * 1600}.c@onestop.example"),
        ("official@gov.test", "reply+..@onestop.example"),
        ("a/b@gov.test", "help@onestop.example"),
        ("a/b@gov.test", "reply+k7qm-3xhd.requester.5000.aaaa@onestop.example"),
    ],
)
def test_a_mail_that_names_one_is_kept(house: House, sender: str, recipient: str) -> None:
    before = house.platform.store.count("quarantine")
    raw = MAIL.format(sender=sender, recipient=recipient, id=abs(hash((sender, recipient)))).encode()
    address = f"/inbound/mail?recipient={quote(recipient)}&sender={quote(sender)}"
    answer = house.send("POST", address, [("Authorization", f"Bearer {SECRET}")], raw)
    assert answer.status == 200, answer.text
    assert json.loads(answer.body)["outcome"] == "quarantined"
    assert house.platform.store.count("quarantine") == before + 1


@pytest.mark.parametrize("id", ["a/b", "..", "__x__", "x" * 1501])
def test_a_push_under_such_an_id_is_kept_as_a_dead_letter(house: House, id: str) -> None:
    before = house.platform.store.count("dead_letters")
    attributes = {"event_id": id, "type": "clock.tick", "time": "2026-11-25T00:00:00Z"}
    body = json.dumps({"message": {"data": "e30=", "attributes": attributes}, "subscription": "s"}).encode()
    for _ in range(2):
        answer = house.send("POST", "/", [("Authorization", house.push_authorization)], body, at="inquiries-events")
        assert answer.status == 204
    assert house.platform.store.count("dead_letters") == before + 1
    house.complaints.clear()  # a dead letter is logged as an error, for the operator's alert

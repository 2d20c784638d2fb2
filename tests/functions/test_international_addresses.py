"""A mailbox in a domain beyond ASCII, from the form to the relay and back, in whichever alphabet it is written."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import Envelope

from functions.notification.deliveries.service import DELIVERIES, SUPPRESSIONS, Deliveries
from infra import person as stored_person
from shared.adapters.smtp import SmtpMailer
from shared.contracts.bus_events import BusEvent, Payload
from shared.contracts.inquiries import InquiryReceived
from shared.contracts.registration import Registrant, RegistrationConfirmed
from shared.formats.addresses import address_key
from shared.ports import Create, Replace
from shared.staff.models import Staff
from tests.functions import inquiry_world
from tests.functions.browser import Browser
from tests.functions.registration_world import NOON
from tests.functions.registration_world import World as Registrations
from tests.functions.test_staff_sign_in import desk, here, links, person  # noqa: F401 - a fixture
from tests.payloads import FACTS, common
from tests.relays import Relay, running

UNICODE, ASCII = "ann@münchen.example", "ann@xn--mnchen-3ya.example"
BOTH_WAYS = [(UNICODE, ASCII), (ASCII, UNICODE)]


def _mailed(folder: Path, relay: Relay, payload: Payload) -> Envelope:
    """What the relay got when the notification slice mailed ``payload``."""
    world, event = Registrations(folder), BusEvent("event-1", NOON, "", payload)
    with running(relay) as url:
        deliveries = Deliveries(world.store, SmtpMailer([url]), world.clock, "onestop <noreply@onestop.example>")
        owed = deliveries.owed(event)
        world.store.commit(owed)
        deliveries.send_for(event, owed)
    assert [delivery.data["state"] for delivery in world.store.query(DELIVERIES)] == ["sent"]
    (envelope,) = relay.mails
    return envelope


@pytest.mark.parametrize("typed", [UNICODE, ASCII, "ann@XN--MNCHEN-3YA.Example"])
def test_mail_reaches_the_domain_in_ascii(tmp_path: Path, typed: str) -> None:
    registrant = Registrant(given_name="Ann", family_name="Ode", email=typed, language="en")
    facts = FACTS.model_copy(update={"contact_email": UNICODE})
    payload = RegistrationConfirmed(**common(registrant=registrant, event=facts), sequence=0)
    envelope = _mailed(tmp_path, Relay(), payload)
    assert envelope.rcpt_tos == [ASCII]
    assert isinstance(envelope.content, bytes)
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert message["To"].addresses[0].addr_spec == ASCII
    assert message["Reply-To"].addresses[0].addr_spec == ASCII
    calendar = next(part for part in message.walk() if part.get_content_type() == "text/calendar").get_content()
    folded = calendar.replace("\r\n ", "").replace("\n ", "")
    assert f"mailto:{ASCII}" in folded
    assert "münchen" not in folded


def test_what_is_suppressed_is_the_mailbox_not_its_spelling(tmp_path: Path) -> None:
    store = Registrations(tmp_path).store
    store.commit([Create(SUPPRESSIONS, address_key(UNICODE), {"reason": "no such user"})])
    assert store.get(SUPPRESSIONS, address_key(ASCII.upper()))


@pytest.mark.parametrize(("first", "second"), BOTH_WAYS)
def test_a_person_registers_once_in_either_alphabet(tmp_path: Path, first: str, second: str) -> None:
    world = Registrations(tmp_path)
    world.event()
    world.register("Ann", email=first)
    world.register("Ann", email=second)
    assert len(world.registrations()) == 1
    world.service.cancel(world.manage("Ann"))
    world.register("Ann", email=second)
    assert len(world.registrations("confirmed")) == 1


@pytest.mark.parametrize(("asked", "answers"), BOTH_WAYS)
def test_a_reply_from_the_other_alphabet_is_the_requesters(tmp_path: Path, asked: str, answers: str) -> None:
    world = inquiry_world.World(tmp_path)
    reference = world.receive(email=asked)
    (received,) = (event.payload for event in world.outbox() if isinstance(event.payload, InquiryReceived))
    reply_to = received.recipients[0].reply_to
    world.route()
    verdict = f"{inquiry_world.AUTHSERV}; dmarc=pass header.from=xn--mnchen-3ya.example"
    head = f"Authentication-Results: {verdict}\nFrom: Ann <{answers}>\nTo: {reply_to}\nMessage-ID: <1@x>\nSubject: Re\n"
    outcome = world.service.inbound.take(f"{head}\nThank you.\n".encode())
    assert (outcome.kind, outcome.inquiry) == ("threaded", reference)


@pytest.mark.parametrize("typed", [UNICODE, ASCII])
def test_staff_sign_in_with_either_alphabet(here: Any, typed: str) -> None:  # noqa: F811
    staff = Staff.model_validate(person() | {"email": UNICODE})
    here.store.commit([Create("staff", staff.email, person() | {"email": staff.email})])
    browser = Browser(desk(here))
    browser.send(browser.get("/desk/sign-in"), email=typed)
    done = browser.send(browser.get(links(here)[0]), at=links(here)[0])
    assert browser.follow(done).text.strip() == f"hello {ASCII}"


@pytest.mark.parametrize("sought", [UNICODE, ASCII])
def test_what_is_stored_about_a_person_is_found_in_either_alphabet(tmp_path: Path, sought: str) -> None:
    store: Any = Registrations(tmp_path).store
    store.commit([Replace("a", "1", {"email": UNICODE}, None), Replace("a", "2", {"log": f"<{ASCII}>"}, None)])
    store.commit([Replace("a", "3", {"email": "mary-ann@münchen.example"}, None)])
    assert [document.id for document in stored_person.about(store, sought)] == ["1", "2"]


def test_letters_beyond_ascii_before_the_at_are_mailed_as_they_are(tmp_path: Path) -> None:
    address, relay = "jörg@example.org", Relay(smtputf8=True)
    registrant = Registrant(given_name="Jörg", family_name="Ö", email=address, language="en")
    envelope = _mailed(tmp_path, relay, RegistrationConfirmed(**common(registrant=registrant), sequence=0))
    assert envelope.rcpt_tos == [address]
    assert isinstance(envelope.content, bytes)
    assert f"<{address}>".encode() in envelope.content.partition(b"\r\n\r\n")[0]


def test_an_organiser_with_such_an_address_stops_no_mail(tmp_path: Path) -> None:
    facts = FACTS.model_copy(update={"contact_email": "jörg@example.org"})
    envelope = _mailed(tmp_path, Relay(), RegistrationConfirmed(**common(event=facts), sequence=0))
    assert isinstance(envelope.content, bytes)
    assert b"Reply-To" not in envelope.content

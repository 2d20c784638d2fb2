"""What an address gets when somebody types it into one form after another."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from functions.notification.deliveries.mailboxes import (
    APART,
    APART_AT_LEAST,
    GATHER,
    MAILBOXES,
    MAX_LISTED,
    MAX_SINGLE,
    MAX_SINGLE_CONFIRMED,
)
from functions.notification.deliveries.service import DELIVERIES, LEASE
from shared.contracts.bus_events import Payload
from shared.contracts.inquiries import InquiryAnswered, InquiryLinkMailed, InquiryMessageReceived
from shared.contracts.registration import (
    RegistrationConfirmed,
    RegistrationExpired,
    RegistrationLinkMailed,
    RegistrationReceived,
    RegistrationRepeated,
)
from shared.ports import Conflict, Replace
from tests.functions.test_notification import START, Killed, World
from tests.payloads import FACTS, common, every_inquiry_payload, person

FORMS = 60


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def asked(number: int, language: str = "en") -> Payload:
    """The acknowledgement of one of many requests in Amina's name."""
    received = every_inquiry_payload(language)[0]
    link = f"https://onestop.example/i/{number}"
    recipients = [received.recipients[0].model_copy(update={"link": link})]  # type: ignore[attr-defined]
    spam = {"subject": "Spam", "message": "Buy spam", "reference": f"REQU-{number}"}
    return received.model_copy(update={"recipients": recipients, **spam})


def registered(number: int, kind: type[RegistrationReceived] = RegistrationReceived) -> Payload:
    """A registration in Amina's name for one of many events."""
    event = FACTS.model_copy(update={"title": {"en": f"Forum {number}"}})
    facts = common(event=event, registrant=person("en", "Spam", "Spam"), reference=f"REGI-{number}")
    link = f"https://onestop.example/r/{number}/verify"
    return RegistrationReceived(**facts, verify_link=link, verify_by=START + timedelta(days=2))


def flood(world: World, forms: int = FORMS) -> None:
    for number in range(forms):
        assert world.push(asked(number) if number % 2 else registered(number), f"event-{number}") == 204


def text_of_last(world: World) -> str:
    return str(world.mailer.seen[-1].get_body(("plain",)).get_content())  # type: ignore[union-attr]


def test_sixty_forms_with_somebodys_address_send_that_person_four_mails(world: World) -> None:
    flood(world)
    assert len(world.mailer.seen) == MAX_SINGLE
    world.tick(GATHER)
    assert len(world.mailer.seen) == MAX_SINGLE + 1
    text = text_of_last(world)
    assert text.count("https://") == MAX_LISTED
    assert f"{FORMS - MAX_SINGLE - MAX_LISTED} more are not listed." in text
    assert "If it was not you" in text
    for _ in range(48):
        world.tick(timedelta(minutes=30))
    assert len(world.mailer.seen) == MAX_SINGLE + 1


def test_without_the_limit_each_form_sends_a_mail(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.deliveries = replace(world.deliveries, singles=0)
    for number in range(FORMS):
        event = world.event(asked(number), f"event-{number}")
        assert len(world.deliveries.owed(event)) == 1
    assert not world.store.query(MAILBOXES)


def test_a_merged_mail_repeats_nothing_of_the_forms(world: World) -> None:
    flood(world, 10)
    world.tick(GATHER)
    assert "spam" not in world.mailer.seen[-1].as_string().lower()
    text = text_of_last(world)
    assert "https://onestop.example/i/5" in text
    assert (
        "Forum 4: a registration. Confirm it by Monday, 23 November 2026, 10:00 (UTC+01:00, Zurich), if it is yours:"
        in text
    )


def test_the_desk_sees_what_was_merged(world: World) -> None:
    flood(world, 5)
    assert (world.deliveries.count("sent"), world.deliveries.count("merged")) == (MAX_SINGLE, 2)
    assert all("event" not in delivery.data for delivery in world.deliveries.listed("merged"))


def test_who_goes_on_gets_merged_mails_hours_apart(world: World) -> None:
    flood(world, 4)
    world.tick(GATHER)
    world.push(asked(100), "event-100")
    world.tick(APART - timedelta(minutes=1))
    assert len(world.mailer.seen) == MAX_SINGLE + 1
    world.tick(timedelta(minutes=1))
    assert len(world.mailer.seen) == MAX_SINGLE + 2
    assert text_of_last(world).count("https://") == 1


def test_a_link_that_would_end_before_is_merged_sooner(world: World) -> None:
    flood(world, 4)
    world.tick(GATHER)
    world.push(asked(100), "event-100")
    soon = registered(101).model_copy(update={"verify_by": world.clock.time + timedelta(hours=3)})
    world.push(soon, "event-101")
    world.tick(APART_AT_LEAST)
    assert len(world.mailer.seen) == MAX_SINGLE + 2
    assert "https://onestop.example/r/101/verify" in text_of_last(world)


def test_a_day_later_mails_go_out_one_by_one_again(world: World) -> None:
    flood(world, 4)
    world.clock.time += timedelta(days=1)
    world.push(asked(100), "event-100")
    assert len(world.mailer.seen) == MAX_SINGLE + 1
    assert "Sent with your address" not in str(world.mailer.seen[-1]["Subject"])


def test_links_that_have_ended_are_left_out_and_alone_send_nothing(world: World) -> None:
    for number in range(5):
        world.push(registered(number), f"event-{number}")
    world.tick(timedelta(days=3))
    assert len(world.mailer.seen) == MAX_SINGLE
    world.tick(timedelta(days=1))
    assert len(world.mailer.seen) == MAX_SINGLE


def test_all_that_a_form_can_cause_counts_together(world: World) -> None:
    link = next(p for p in every_inquiry_payload() if isinstance(p, InquiryLinkMailed))
    payloads: list[Payload] = [
        asked(1),
        registered(2),
        RegistrationRepeated(**common(reference="A")),
        RegistrationExpired(**common(reference="B")),
        RegistrationRepeated(**common(reference="C")),
        RegistrationLinkMailed(**common(reference="D")),
        link.model_copy(update={"reference": "E"}),
    ]
    for number, payload in enumerate(payloads):
        world.push(payload, f"event-{number}")
    assert len(world.mailer.seen) == MAX_SINGLE
    world.tick(GATHER)
    text = text_of_last(world)
    assert all(words in text for words in ("has expired", "registered already", "the link to", "Request E."))


def test_only_the_latest_about_one_registration_is_told(world: World) -> None:
    flood(world, 3)
    world.push(registered(7), "event-7")
    world.push(RegistrationExpired(**common(reference="REGI-7")), "event-8")
    world.tick(GATHER)
    assert "has expired" in text_of_last(world)
    assert "Confirm it" not in text_of_last(world)


def test_answers_and_confirmations_are_never_held_back(world: World) -> None:
    flood(world, 10)
    answered = next(p for p in every_inquiry_payload() if isinstance(p, InquiryAnswered))
    for number in range(10):
        world.push(answered, f"answer-{number}")
        world.push(RegistrationConfirmed(**common(), sequence=0), f"confirmed-{number}")
    assert len(world.mailer.seen) == MAX_SINGLE + 20


@pytest.mark.parametrize("verified", [True, False])
def test_an_address_whose_owner_followed_a_link_gets_more(world: World, verified: bool) -> None:
    flood(world, 5)
    world.push(RegistrationConfirmed(**common(), sequence=0, verified=verified), "confirmed")
    world.tick()
    at_once = len(world.mailer.seen) - MAX_SINGLE - 1
    assert at_once == (1 if verified else 0), "what was held back is mailed when its owner is known"
    before = len(world.mailer.seen)
    for number in range(FORMS):
        world.push(asked(number), f"later-{number}")
    assert len(world.mailer.seen) - before == (MAX_SINGLE_CONFIRMED - MAX_SINGLE if verified else 0)


def test_an_answer_by_mail_confirms_the_address(world: World) -> None:
    written = next(p for p in every_inquiry_payload() if isinstance(p, InquiryMessageReceived))
    world.push(written.model_copy(update={"mailed_from": "Amina@example.org"}), "answer")
    before = len(world.mailer.seen)
    flood(world, 10)
    assert len(world.mailer.seen) - before == 10


def test_spellings_of_an_address_count_together(world: World) -> None:
    for number, email in enumerate(["a@münchen.example", "A@xn--mnchen-3ya.example"] * 4):
        payload = asked(number)
        recipient = payload.recipients[0].model_copy(update={"email": email})  # type: ignore[attr-defined]
        world.push(payload.model_copy(update={"recipients": [recipient]}), f"event-{number}")
    assert len(world.mailer.seen) == MAX_SINGLE


def test_a_push_that_comes_again_counts_once(world: World) -> None:
    for _ in range(5):
        world.push(asked(1), "event-1")
    world.push(asked(2), "event-2")
    world.push(asked(3), "event-3")
    assert len(world.mailer.seen) == MAX_SINGLE


def test_a_death_while_sending_a_merged_mail_loses_and_doubles_nothing(world: World) -> None:
    flood(world, 5)
    world.mailer.fails_with(Killed())
    with pytest.raises(Killed):
        world.tick(GATHER)
    world.mailer.works()
    world.tick()
    world.tick(LEASE)
    first, second = world.mailer.seen[MAX_SINGLE:]
    assert first.as_bytes() == second.as_bytes()
    assert world.store.count(DELIVERIES, ("type", "==", "notification.mails_merged")) == 1


def test_a_form_that_comes_while_mails_are_merged_is_not_lost(world: World) -> None:
    flood(world, 5)
    world.clock.time += GATHER
    (book,) = world.deliveries.mailboxes.due()
    _, emptied = world.deliveries.mailboxes.merged(book)
    world.push(asked(100), "event-100")
    with pytest.raises(Conflict):
        world.store.commit([emptied])
    world.tick()
    assert "https://onestop.example/i/100" in text_of_last(world)


def test_without_the_version_it_would_be_lost(world: World) -> None:
    flood(world, 5)
    world.clock.time += GATHER
    (book,) = world.deliveries.mailboxes.due()
    _, emptied = world.deliveries.mailboxes.merged(book)
    world.push(asked(100), "event-100")
    assert isinstance(emptied, Replace)
    world.store.commit([replace(emptied, version=None)])
    world.tick(APART)
    assert len(world.mailer.seen) == MAX_SINGLE

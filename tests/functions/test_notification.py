"""The notification slice from push to mailbox: what pushes may do to it, and what people get."""

from __future__ import annotations

import base64
import email
import email.policy
import json
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask import Flask, request

from functions.notification.deliveries.service import ATTEMPTS, DELIVERIES, LEASE, SECOND_REFUSAL, Deliveries
from functions.notification.handlers import intake
from shared import topology
from shared.adapters.embedded.bus import SqliteBus
from shared.adapters.embedded.files import FolderFiles
from shared.adapters.embedded.store import SqliteStore
from shared.contracts.bus_events import BusEvent, Payload, message, outbox_row
from shared.contracts.clock import Tick
from shared.contracts.registration import (
    RegistrationCancelled,
    RegistrationConfirmed,
    ReminderDue,
    SeatsReleased,
)
from shared.intake import DEAD_LETTERS, PROCESSED, replay
from shared.keys.tokens import Tokens
from shared.ports import NoSuchMailbox, PermanentMailError, RecipientRefused, TransientMailError, Unavailable, Write
from shared.settings import from_environment
from shared.wiring import Platform
from tests.payloads import FACTS, JOIN, common

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CONFIRMED = RegistrationConfirmed(**common(), sequence=0)
CANCELLED = RegistrationCancelled(**common(), sequence=1, was_confirmed=True)


class HandClock:
    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time


class FakeMailer:
    """Keeps what it takes; ``trouble`` runs after the message has been taken note of."""

    def __init__(self) -> None:
        self.seen: list[EmailMessage] = []
        self.trouble: Callable[[], None] = lambda: None

    def send(self, message: bytes, sender: str, recipient: str) -> str:
        parsed = email.message_from_bytes(message, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.seen.append(parsed)
        self.trouble()
        return "fake"

    def fails_with(self, error: BaseException) -> None:
        def trouble() -> None:
            raise error

        self.trouble = trouble

    def works(self) -> None:
        self.trouble = lambda: None


class Killed(BaseException):
    """As abrupt as a process's end: no ``except Exception`` sees it."""


class World:
    """The slice with a real store and bus, a mailer and a clock in the test's hand."""

    def __init__(self, folder: Path, lease: timedelta = LEASE) -> None:
        plan = topology.load()
        self.store = SqliteStore(folder / "store.db", plan.store)
        self.bus = SqliteBus(folder / "bus.db", plan)
        self.clock, self.mailer = HandClock(), FakeMailer()
        settings = from_environment({"ONESTOP_DATA": str(folder)})
        self.platform = Platform(
            settings=settings,
            store=self.store,
            bus=self.bus,
            mailer=self.mailer,
            files=FolderFiles(folder / "files"),
            clock=self.clock,
            tokens=Tokens(["k" * 32]),
        )
        self.deliveries = Deliveries(self.store, self.mailer, self.clock, settings.mail_from, lease)
        app, take = Flask("push"), intake(self.platform, self.deliveries)
        app.add_url_rule("/", view_func=lambda: take(request), methods=["POST"])
        self.app = app

    def event(self, payload: Payload, id: str) -> BusEvent:
        return BusEvent(id, self.clock.now(), "", payload)

    def push(self, payload: Payload, id: str = "event-1", **attributes: str) -> int:
        row = outbox_row("registration", payload, self.clock.now(), id)
        sent = message(id, row.data)
        return self.push_raw(sent.data, {**sent.attributes, **attributes})

    def push_raw(self, data: bytes, attributes: dict[str, str]) -> int:
        body = {
            "message": {"data": base64.b64encode(data).decode(), "attributes": attributes, "messageId": "1"},
            "subscription": "projects/p/subscriptions/notification-registrations",
            "deliveryAttempt": 1,
        }
        return self.app.test_client().post("/", json=body).status_code

    def tick(self, after: timedelta = timedelta(0)) -> None:
        self.clock.time += after
        assert self.push(Tick(), f"tick-{self.clock.time}") == 204

    def delivery(self) -> dict[str, object]:
        (found,) = self.store.query(DELIVERIES)
        return found.data


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_confirmation_is_mailed_within_the_push(world: World) -> None:
    assert world.push(CONFIRMED) == 204
    (mail,) = world.mailer.seen
    assert mail["To"] == "Amina Diallo <amina@example.org>"
    assert JOIN in mail.get_body(("plain",)).get_content()
    delivery = world.delivery()
    assert (delivery["state"], delivery["relay"], delivery["message_id"]) == ("sent", "fake", mail["Message-ID"])
    assert "event" not in delivery, "personal links leave the store with the mail"


def test_a_duplicate_push_sends_nothing(world: World) -> None:
    for _ in range(3):
        assert world.push(CONFIRMED) == 204
    assert len(world.mailer.seen) == 1


def test_events_out_of_order_are_told_apart_by_their_sequence(world: World) -> None:
    world.push(CANCELLED, "event-2")
    world.push(CONFIRMED, "event-1")
    calendars = [next(p for p in mail.walk() if p.get_content_type() == "text/calendar") for mail in world.mailer.seen]
    texts = [part.get_content() for part in calendars]
    assert ["METHOD:CANCEL" in text for text in texts] == [True, False]
    assert ["SEQUENCE:1" in text for text in texts] == [True, False]


def test_an_event_that_mails_nobody_is_acknowledged(world: World) -> None:
    assert world.push(SeatsReleased(event="briefing")) == 204
    assert not world.mailer.seen


def test_a_crash_between_send_and_record_repeats_the_same_message(world: World) -> None:
    world.mailer.fails_with(Killed())
    with pytest.raises(Killed):
        world.push(CONFIRMED)
    world.mailer.works()
    assert world.push(CONFIRMED) == 204, "the push comes again while the dead sender's lease still runs"
    world.tick()
    assert len(world.mailer.seen) == 1
    world.tick(LEASE)
    first, second = world.mailer.seen
    assert first.as_bytes() == second.as_bytes()
    world.tick(timedelta(days=1))
    assert len(world.mailer.seen) == 2


@pytest.mark.parametrize("end", [Killed(), Unavailable("no answer")], ids=["death", "no answer"])
def test_what_is_committed_and_not_sent_goes_when_the_lease_has_lapsed(
    world: World, monkeypatch: pytest.MonkeyPatch, end: BaseException
) -> None:
    """Whether the process died, or never heard that its commit was taken: nobody can say who holds the lease."""
    commit = world.store.commit

    def cut_off(writes: Sequence[Write]) -> None:
        commit(writes)
        raise end

    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(world.store, "commit", cut_off)
        assert world.push(CONFIRMED) == 503
    assert world.push(CONFIRMED) == 204
    world.tick()
    assert not world.mailer.seen
    world.tick(LEASE)
    assert world.push(CONFIRMED) == 204
    assert len(world.mailer.seen) == 1
    assert world.delivery()["state"] == "sent"


def test_a_duplicate_sends_what_its_dead_twin_left_once_the_lease_has_lapsed(world: World) -> None:
    world.mailer.fails_with(Killed())
    with pytest.raises(Killed):
        world.push(CONFIRMED)
    world.mailer.works()
    world.clock.time += LEASE
    assert world.push(CONFIRMED) == 204
    assert len(world.mailer.seen) == 2
    assert world.delivery()["state"] == "sent"


def test_a_mail_takes_two_commits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    commit, seen = world.store.commit, list[set[str]]()

    def counted(writes: Sequence[Write]) -> None:
        seen.append({write.collection for write in writes})
        commit(writes)

    monkeypatch.setattr(world.store, "commit", counted)
    world.push(CONFIRMED)
    assert seen == [{PROCESSED, DELIVERIES}, {DELIVERIES}]


def two_workers(world: World) -> int:
    """Two pushes of one event, the second while the first is sending; how many messages left."""
    sending, finish = threading.Event(), threading.Event()

    def wait() -> None:
        sending.set()
        finish.wait(10)

    world.mailer.trouble = wait
    first = threading.Thread(target=world.push, args=(CONFIRMED,))
    first.start()
    assert sending.wait(10)
    world.mailer.works()
    world.push(CONFIRMED)
    finish.set()
    first.join()
    return len(world.mailer.seen)


def test_two_workers_send_one_mail(world: World) -> None:
    assert two_workers(world) == 1


def test_without_the_lease_two_workers_send_two_mails(tmp_path: Path) -> None:
    """The negative control: the test above can fail."""
    assert two_workers(World(tmp_path, lease=timedelta(0))) == 2


def test_transient_trouble_is_tried_again_at_its_time_and_not_before(world: World) -> None:
    world.mailer.fails_with(TransientMailError("451 later"))
    assert world.push(CONFIRMED) == 204
    assert world.delivery()["state"] == "queued"
    world.tick(timedelta(seconds=59))
    assert len(world.mailer.seen) == 1
    world.tick(timedelta(seconds=17))  # 60 s and at most a quarter of jitter
    assert len(world.mailer.seen) == 2
    world.tick(timedelta(seconds=119))
    assert len(world.mailer.seen) == 2
    world.mailer.works()
    world.tick(timedelta(seconds=32))
    assert world.delivery()["state"] == "sent"
    assert len({mail["Message-ID"] for mail in world.mailer.seen}) == 1


def test_a_reminder_is_not_sent_after_the_start(world: World) -> None:
    world.mailer.fails_with(TransientMailError("451 later"))
    event = FACTS.model_copy(update={"starts_at": START + timedelta(hours=1)})
    world.push(ReminderDue(**common(event=event), before="1h"))
    world.mailer.works()
    world.tick(timedelta(hours=2))
    assert len(world.mailer.seen) == 1
    assert "could not be sent in time" in str(world.delivery()["reason"])


def test_trouble_without_end_fails_and_the_desk_can_try_again(world: World) -> None:
    world.mailer.fails_with(TransientMailError("451 later"))
    world.push(CONFIRMED)
    for _ in range(ATTEMPTS + 3):
        world.tick(timedelta(hours=6))
    assert len(world.mailer.seen) == ATTEMPTS
    (failed,) = world.deliveries.listed("failed")
    assert "451 later" in failed.data["reason"]
    world.mailer.works()
    assert world.deliveries.retry(failed.id)
    world.tick()
    assert world.delivery()["state"] == "sent"


def test_a_refused_address_is_suppressed_until_the_desk_trusts_it_again(world: World) -> None:
    world.mailer.fails_with(NoSuchMailbox("550 5.1.1 no such user"))
    world.push(CONFIRMED, "event-1")
    world.mailer.works()
    world.push(CANCELLED, "event-2")
    assert len(world.mailer.seen) == 1
    assert world.deliveries.count("failed") == world.deliveries.count("suppressed") == 1
    (suppressed,) = world.deliveries.listed("suppressed")
    assert world.deliveries.retry(suppressed.id)
    world.tick()
    assert len(world.mailer.seen) == 2
    assert world.deliveries.count("sent") == 1


def test_an_address_that_refuses_is_suppressed_by_the_second_mail_within_days(world: World) -> None:
    world.mailer.fails_with(RecipientRefused("550 no"))
    world.push(CONFIRMED, "event-1")
    (failed,) = world.deliveries.listed("failed")
    world.deliveries.retry(failed.id)
    for payload, id in ((CONFIRMED, "event-1"), (CANCELLED, "event-2"), (CONFIRMED, "event-3")):
        world.push(payload, id)
    assert len(world.mailer.seen) == 3, "the same mail again counts once"
    assert (world.deliveries.count("failed"), world.deliveries.count("suppressed")) == (2, 1)


def test_a_refusal_is_forgotten_after_a_week(world: World) -> None:
    world.mailer.fails_with(RecipientRefused("550 no"))
    for number in range(4):
        world.push(CONFIRMED, f"event-{number}")
        world.clock.time += SECOND_REFUSAL + timedelta(hours=1)
    assert world.deliveries.count("failed") == 4


def test_a_mail_refused_for_what_it_is_does_not_suppress_its_address(world: World) -> None:
    world.mailer.fails_with(PermanentMailError("no relay offers SMTPUTF8"))
    for number in range(3):
        world.push(CONFIRMED, f"event-{number}")
    assert world.deliveries.count("failed") == 3


def test_many_due_mails_are_sent_page_by_page(world: World) -> None:
    world.mailer.fails_with(Killed())
    for number in range(120):
        with pytest.raises(Killed):
            world.push(CONFIRMED, f"event-{number}")
    world.mailer.works()
    world.clock.time += LEASE
    while world.deliveries.count("queued"):
        world.tick()  # each sends for a limited time
    assert world.deliveries.count("sent") == 120


def test_a_malformed_event_is_kept_and_acknowledged(world: World) -> None:
    row = message("event-9", outbox_row("registration", CONFIRMED, START, "event-9").data)
    assert world.push_raw(json.dumps({"reference": 5}).encode(), row.attributes) == 204
    (letter,) = world.store.query(DEAD_LETTERS)
    assert letter.data["reason"] == "It cannot be read."
    assert letter.data["detail"]
    assert not world.mailer.seen


def test_a_dead_letter_is_kept_and_can_be_replayed(world: World) -> None:
    assert world.push(CONFIRMED, CloudPubSubDeadLetterSourceSubscription="notification-registrations") == 204
    assert not world.mailer.seen
    (letter,) = world.store.query(DEAD_LETTERS)
    replay(world.platform, letter.id, {"notification-registrations": "registrations"}.__getitem__)
    again = next(q for q in world.bus.due(2e10, 10) if q.subscription == "notification-registrations")
    assert world.push_raw(again.message.data, again.message.attributes) == 204
    assert len(world.mailer.seen) == 1


def test_a_replayed_letter_that_fails_again_is_open_again(world: World) -> None:
    row = message("event-9", outbox_row("registration", CONFIRMED, START, "event-9").data)
    for _ in range(2):
        assert world.push_raw(b"{}", row.attributes) == 204
        (letter,) = world.store.query(DEAD_LETTERS)
        assert letter.data["state"] == "open"
        replay(world.platform, letter.id, lambda _: "registrations")
    assert world.store.count(DEAD_LETTERS, ("state", "==", "open")) == 0


def test_a_push_that_is_none_of_ours_is_refused(world: World) -> None:
    assert world.app.test_client().post("/", data=b"hello").status_code == 400

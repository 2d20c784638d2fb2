"""The SMTP adapter against real servers on free ports."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from functions.notification.deliveries.service import LEASE, SEND_SECONDS
from shared import topology
from shared.adapters.smtp import BUDGET, SmtpMailer
from shared.ports import NoSuchMailbox, PermanentMailError, RecipientRefused, TransientMailError
from shared.settings import BadSettings
from tests.relays import Relay, dripping, running

MESSAGE = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: Hello\r\n\r\n.a line with a dot\r\n"


class NoGoodbye(Relay):
    """Takes the mail and then answers QUIT with nonsense."""

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return "451 not now"


@pytest.fixture
def start() -> Iterator[Callable[[Relay], str]]:
    with ExitStack() as started:
        yield lambda relay: started.enter_context(running(relay))


@pytest.fixture
def closed() -> str:
    """The address of a relay where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"smtp://127.0.0.1:{probe.getsockname()[1]}"


def send(*relays: str, recipient: str = "b@example.org") -> str:
    return SmtpMailer(relays).send(MESSAGE, "a@example.org", recipient)


def test_a_message_arrives_as_it_was(start: Callable[[Relay], str]) -> None:
    relay = Relay()
    url = start(relay)
    assert send(url) == url.removeprefix("smtp://")
    (mail,) = relay.mails
    assert (mail.mail_from, mail.rcpt_tos, mail.content) == ("a@example.org", ["b@example.org"], MESSAGE)


@pytest.mark.parametrize(
    "first",
    [
        Relay(recipient="450 mailbox busy"),
        Relay(content="451 try later"),
        Relay(sender="451 try later"),
        Relay(sender="550 you may not send here"),
        Relay(content="554 looks like spam"),
        Relay(recipient="421 closing"),
        Relay(recipient="554 5.7.1 Relay access denied"),
        Relay(recipient="550 5.7.1 you are on a list"),
        Relay(recipient="552 5.2.2 mailbox full"),
        Relay(recipient="550 no such user"),
        Relay(sender="553 5.1.8 sender refused"),
    ],
    ids=lambda relay: "-".join(relay.answers.values()).replace("250 OK", ""),
)
def test_a_relay_with_trouble_of_its_own_hands_over(start: Callable[[Relay], str], first: Relay) -> None:
    second = Relay()
    urls = start(first), start(second)
    assert send(*urls) == urls[1].removeprefix("smtp://")
    assert (len(first.mails), len(second.mails)) == (0, 1)


def test_a_relay_out_of_reach_hands_over(start: Callable[[Relay], str], closed: str) -> None:
    relay = Relay()
    send(closed, start(relay))
    assert len(relay.mails) == 1


def test_a_refused_recipient_is_final_and_no_other_relay_is_tried(start: Callable[[Relay], str]) -> None:
    second = Relay()
    with pytest.raises(NoSuchMailbox, match=r"550 5.1.1 no such user"):
        send(start(Relay(recipient="550 5.1.1 no such user")), start(second))
    assert not second.mails


TRANSIENT, REFUSED, FINAL = TransientMailError, RecipientRefused, PermanentMailError


@pytest.mark.parametrize(
    ("answer", "means"),
    [
        ("550 5.1.1 no such user", NoSuchMailbox),
        ("551 5.1.6 moved away", NoSuchMailbox),
        ("556 5.1.10 takes no mail", NoSuchMailbox),
        ("550 5.2.1 disabled", NoSuchMailbox),
        ("550 no such user", REFUSED),
        ("553 5.1.3 bad address", REFUSED),
        ("550 5.1.2 no such domain", REFUSED),
        ("554 5.7.1 Relay access denied", TRANSIENT),
        ("550 5.7.1 blocked", TRANSIENT),
        ("552 5.2.2 mailbox full", TRANSIENT),
        ("552 over quota", TRANSIENT),
        ("450 4.2.1 try later", TRANSIENT),
        ("450 busy", TRANSIENT),
    ],
)
def test_what_is_said_to_the_recipient_by_all_relays(
    start: Callable[[Relay], str], answer: str, means: type[Exception]
) -> None:
    with pytest.raises(Exception, match=re.escape(answer)) as raised:
        send(start(Relay(recipient=answer)), start(Relay(recipient=answer)))
    assert raised.type is means


@pytest.mark.parametrize(
    ("answers", "means"),
    [
        ({"content": "554 5.7.1 looks like spam"}, FINAL),
        ({"content": "552 5.3.4 too large"}, FINAL),
        ({"content": "552 5.2.2 mailbox full"}, TRANSIENT),
        ({"content": "451 later"}, TRANSIENT),
        ({"sender": "553 5.7.1 sender refused"}, TRANSIENT),
    ],
)
def test_what_is_said_of_the_mail_or_of_us_is_never_held_against_the_address(
    start: Callable[[Relay], str], answers: dict[str, str], means: type[Exception]
) -> None:
    with pytest.raises(PermanentMailError if means is FINAL else means) as raised:
        send(start(Relay(**answers)))
    assert raised.type is means


def test_while_one_relay_may_still_take_it_the_mail_is_tried_again(start: Callable[[Relay], str], closed: str) -> None:
    with pytest.raises(TransientMailError, match="550 no"):
        send(start(Relay(recipient="550 no")), closed)
    with pytest.raises(PermanentMailError, match="554 spam") as raised:
        send(start(Relay(recipient="550 no")), start(Relay(content="554 spam")))
    assert raised.type is PermanentMailError


def test_when_every_relay_has_trouble_each_one_is_named(start: Callable[[Relay], str], closed: str) -> None:
    with pytest.raises(TransientMailError, match=r"(?i)refused.*450 busy"):
        send(closed, start(Relay(recipient="450 busy")))


def test_a_bad_goodbye_does_not_send_the_mail_again(start: Callable[[Relay], str]) -> None:
    first, second = NoGoodbye(), Relay()
    send(start(first), start(second))
    assert (len(first.mails), len(second.mails)) == (1, 0)


def test_letters_beyond_ascii_before_the_at_go_where_smtputf8_is_offered(start: Callable[[Relay], str]) -> None:
    first, second = Relay(), Relay(smtputf8=True)
    urls = start(first), start(second)
    assert send(*urls, recipient="用户@example.org") == urls[1].removeprefix("smtp://")
    (mail,) = second.mails
    assert (mail.rcpt_tos, first.mails) == (["用户@example.org"], [])
    assert "SMTPUTF8" in mail.mail_options


def test_an_address_that_no_relay_can_carry_is_no_fault_of_the_mailbox(
    start: Callable[[Relay], str], closed: str
) -> None:
    with pytest.raises(PermanentMailError, match="SMTPUTF8") as raised:
        send(start(Relay()), start(Relay()), recipient="用户@example.org")
    assert raised.type is PermanentMailError
    with pytest.raises(TransientMailError, match="SMTPUTF8"):
        send(start(Relay()), closed, recipient="用户@example.org")


@pytest.mark.parametrize("drip", [b"220-", b"220 hello\r\n250-"], ids=["greeting", "answer"])
def test_a_relay_that_drips_cannot_hold_a_mail_for_longer_than_its_share(
    start: Callable[[Relay], str], drip: bytes
) -> None:
    second = Relay()
    with dripping(drip) as (url, closed):
        assert SmtpMailer([url, start(second)], budget=2).send(MESSAGE, "a@example.org", "b@example.org")
        assert closed.wait(10), "the connection that was given up is shut, so nothing can be sent there later"
    assert len(second.mails) == 1


def test_relays_that_drip_leave_the_mail_for_later() -> None:
    with dripping(b"220-") as (first, _), dripping(b"220-") as (second, _), pytest.raises(TransientMailError) as raised:
        SmtpMailer([first, second], budget=1).send(MESSAGE, "a@example.org", "b@example.org")
    assert str(raised.value).count("not done within") == 2


def test_a_sending_ends_before_its_lease_and_before_the_function_is_stopped() -> None:
    assert topology.load().delivery.ack_deadline > SEND_SECONDS + BUDGET
    assert LEASE.total_seconds() > BUDGET


def test_a_relay_that_cannot_log_us_in_hands_over(start: Callable[[Relay], str]) -> None:
    first, second = Relay(), Relay()
    send(start(first).replace("smtp://", "smtp://user:secret@"), start(second))
    assert (len(first.mails), len(second.mails)) == (0, 1)


@pytest.mark.parametrize("url", ["mail.example.org", "http://mail.example.org", "smtp://", "smtp://host:port"])
def test_a_wrong_relay_url_is_told_without_its_password(url: str) -> None:
    with pytest.raises(BadSettings, match="ONESTOP_SMTP_RELAYS"):
        SmtpMailer([url])
    with pytest.raises(BadSettings) as error:
        SmtpMailer(["ftp://user:secret@host"])
    assert "secret" not in str(error.value)

"""The SMTP adapter against real servers on free ports."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from shared.adapters.smtp import SmtpMailer
from shared.ports import PermanentMailError, TransientMailError
from shared.settings import BadSettings
from tests.relays import Relay, running

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
    ],
    ids=lambda relay: "-".join(answer[:3] for answer in relay.answers.values()),
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
    with pytest.raises(PermanentMailError, match="550 no such user"):
        send(start(Relay(recipient="550 no such user")), start(second))
    assert not second.mails


def test_when_every_relay_has_trouble_each_one_is_named(start: Callable[[Relay], str], closed: str) -> None:
    with pytest.raises(TransientMailError, match=r"(?i)refused.*450 busy"):
        send(closed, start(Relay(recipient="450 busy")))


def test_a_bad_goodbye_does_not_send_the_mail_again(start: Callable[[Relay], str]) -> None:
    first, second = NoGoodbye(), Relay()
    send(start(first), start(second))
    assert (len(first.mails), len(second.mails)) == (1, 0)


def test_an_address_that_smtp_cannot_carry_is_refused(start: Callable[[Relay], str]) -> None:
    with pytest.raises(PermanentMailError, match="ASCII"):
        send(start(Relay()), recipient="用户@example.org")


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

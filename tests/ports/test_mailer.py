"""What ``shared.ports.Mailer`` promises, kept by the maildir; ``shared/adapters/smtp.py`` has its own tests with a
server that can refuse."""

from __future__ import annotations

import email
import email.policy
import mailbox
import threading
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path

import pytest

from shared.adapters.embedded.mailer import MaildirMailer


def letter(subject: str) -> bytes:
    message = EmailMessage(policy=email.policy.SMTP)
    message["Subject"], message["From"], message["To"] = subject, "onestop <a@example.org>", "b@example.org"
    message.set_content("Dear Ünïcödé,\n\nFrom here on.\n")
    return message.as_bytes()


def test_a_message_is_kept_with_its_envelope(tmp_path: Path) -> None:
    relay = MaildirMailer(tmp_path / "mail").send(letter("مرحبا"), "bounce@example.org", "b@example.org")
    [key] = (box := mailbox.Maildir(tmp_path / "mail")).keys()
    kept = email.message_from_bytes(box.get_bytes(key), policy=email.policy.default)
    assert relay == "maildir"
    assert (kept["Return-Path"], kept["Delivered-To"]) == ("<bounce@example.org>", "b@example.org")
    assert kept["Subject"] == "مرحبا"
    assert "Ünïcödé" in kept.get_content()


def test_the_first_messages_may_be_sent_at_once(tmp_path: Path) -> None:
    at_once = 8
    for number in range(20):
        mailer, start = MaildirMailer(tmp_path / f"mail{number}"), threading.Barrier(at_once)

        def send(name: int, mailer: MaildirMailer = mailer, start: threading.Barrier = start) -> str:
            start.wait(5)
            return mailer.send(letter(str(name)), "a@example.org", "b@example.org")

        with ThreadPoolExecutor(at_once) as pool:
            assert list(pool.map(send, range(at_once))) == ["maildir"] * at_once
        assert len(mailer.keys()) == at_once


def test_every_message_is_kept(tmp_path: Path) -> None:
    mailer = MaildirMailer(tmp_path / "mail")
    for number in range(20):
        mailer.send(letter(str(number)), "a@example.org", "b@example.org")
    assert len(mailbox.Maildir(tmp_path / "mail")) == 20


@pytest.mark.parametrize("address", ["b@example.org\r\nBcc: c@example.org", "b@example.org\nX: y"])
def test_an_address_cannot_smuggle_a_header_in(tmp_path: Path, address: str) -> None:
    mailer = MaildirMailer(tmp_path / "mail")
    for sender, recipient in ((address, "b@example.org"), ("a@example.org", address)):
        with pytest.raises(ValueError, match="line break"):
            mailer.send(letter("x"), sender, recipient)
    assert len(mailbox.Maildir(tmp_path / "mail")) == 0

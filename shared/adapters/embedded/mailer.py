"""A maildir instead of the network: what onestop sends on a laptop is read on its mailbox page."""

from __future__ import annotations

import mailbox
from pathlib import Path


class MaildirMailer:
    """``shared.ports.Mailer`` that keeps every message in a maildir."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, message: bytes, sender: str, recipient: str) -> str:
        if any(character in sender + recipient for character in "\r\n"):
            raise ValueError("an address must not hold a line break")
        envelope = f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n".encode()
        mailbox.Maildir(self._path).add(envelope + message)
        return "maildir"

"""A maildir instead of the network: what onestop sends on a laptop is read on its mailbox page."""

from __future__ import annotations

import mailbox
import re
from pathlib import Path

from shared.ports import NoSuchMailbox, TransientMailError

_KEY = re.compile(r"^(\d+)\.M(\d+)P")  # as the standard library names messages: seconds, microseconds, process


class MaildirMailer:
    """``shared.ports.Mailer`` that keeps every message in a maildir, and reads them back.

    Two addresses play a relay's refusals: ``temp-fail@simulate.invalid`` and ``perm-fail@simulate.invalid``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, message: bytes, sender: str, recipient: str) -> str:
        if recipient == "temp-fail@simulate.invalid":
            raise TransientMailError("451 simulated: try again later")
        if recipient == "perm-fail@simulate.invalid":
            raise NoSuchMailbox("550 5.1.1 simulated: no such mailbox")
        if any(character in sender + recipient for character in "\r\n"):
            raise ValueError("an address must not hold a line break")
        envelope = f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n".encode()
        self._box().add(envelope + message)
        return "maildir"

    def keys(self) -> list[str]:
        """All messages, the newest first."""
        return sorted(self._box().keys(), key=_age, reverse=True)

    def read(self, key: str) -> bytes | None:
        try:
            return self._box().get_bytes(key)
        except KeyError:
            return None

    def _box(self) -> mailbox.Maildir:
        """The library makes a missing maildir too, but another thread could find it half made."""
        for folder in ("tmp", "new", "cur"):
            (self._path / folder).mkdir(0o700, parents=True, exist_ok=True)
        return mailbox.Maildir(self._path, create=False)


def _age(key: str) -> tuple[int, int, str]:
    found = _KEY.match(key)
    return (int(found[1]), int(found[2]), key) if found else (0, 0, key)

"""SMTP relays, tried in order (RFC 5321; submission with STARTTLS or TLS, RFC 8314; SMTPUTF8, RFC 6531)."""

from __future__ import annotations

import logging
import re
import smtplib
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from socket import SHUT_RDWR
from threading import Thread
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from shared.ports import NoSuchMailbox, PermanentMailError, RecipientRefused, TransientMailError
from shared.settings import BadSettings

BUDGET = 30.0  # seconds for one mail: all relays together, from the first name looked up to the last answer
PORTS = {"smtp": 587, "smtps": 465}
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Letter:
    message: bytes
    sender: str
    recipient: str


class SmtpMailer:
    """``shared.ports.Mailer`` over one or more relays.

    Args:
        relays: ``smtp[s]://user:password@host:port``; with ``smtp`` the connection is upgraded where the relay offers
            STARTTLS, and a password is sent over TLS or to this machine only.
        budget: seconds for one mail; each relay may take an equal share of what is left.

    Raises ``BadSettings`` for a relay that is no such URL.
    """

    def __init__(self, relays: Sequence[str], budget: float = BUDGET) -> None:
        self._relays = [_checked(relay) for relay in relays]
        self._budget = budget

    def send(self, message: bytes, sender: str, recipient: str) -> str:
        """Returns ``host:port`` of the relay that took it.

        Only that the mailbox does not exist is final at once. Other trouble may be that relay's own, so the next one is
        tried. Where the answer to DATA is lost, the message may go out twice, with the same Message-ID.
        """
        letter, end = _Letter(message, sender, recipient), time.monotonic() + self._budget
        kinds, said = set(), []
        for tried, relay in enumerate(self._relays):
            name = f"{relay.hostname}:{_port(relay)}"
            share = (end - time.monotonic()) / (len(self._relays) - tried)
            try:
                _Submission(relay, letter, share).finish()
                return name
            except Exception as error:
                kind, text = _judged(error)
                trouble = f"{name}: {text}"
            if kind is NoSuchMailbox:
                raise NoSuchMailbox(trouble)
            log.warning("mail relay passed over: %s", trouble)
            kinds.add(kind)
            said.append(trouble)
        if len(kinds) > 1:
            kinds = {TransientMailError if TransientMailError in kinds else PermanentMailError}
        raise kinds.pop()("; ".join(said))


# -- one mail to one relay --


class _NoSmtpUtf8(Exception):
    def __init__(self) -> None:
        super().__init__("the relay does not offer SMTPUTF8, which letters beyond ASCII before the @ need")


class _Submission(Thread):
    """Runs in a thread that can be given up: ``smtplib`` limits each wait for some bytes, but no whole answer, and
    nothing limits the look-up of a name."""

    def __init__(self, relay: SplitResult, letter: _Letter, seconds: float) -> None:
        super().__init__(daemon=True)
        self._relay, self._letter, self._seconds = relay, letter, seconds
        self._smtp: smtplib.SMTP | None = None
        self._error: Exception | None = None
        self._given_up = False

    def finish(self) -> None:
        """Raises ``TimeoutError`` when the time is over, and whatever else happened."""
        self.start()
        self.join(self._seconds)
        if self.is_alive():
            self._give_up()
            raise TimeoutError(f"not done within {self._seconds:.0f} s")
        if self._error:
            raise self._error

    def _give_up(self) -> None:
        """Whatever the thread is in, it must not send the mail any more."""
        self._given_up = True
        if self._smtp and self._smtp.sock:
            with suppress(OSError):
                self._smtp.sock.shutdown(SHUT_RDWR)

    def run(self) -> None:
        try:
            self._submit()
        except Exception as error:
            self._error = error
        finally:
            if self._smtp:
                self._smtp.close()

    def _submit(self) -> None:
        smtp = self._connected()
        smtp.ehlo_or_helo_if_needed()
        relay, encrypted = self._relay, self._relay.scheme == "smtps"
        if not encrypted and smtp.has_extn("starttls"):
            smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo_or_helo_if_needed()
            encrypted = True
        if relay.username:
            if not encrypted and relay.hostname not in ("127.0.0.1", "::1", "localhost"):
                raise smtplib.SMTPException("offers no encryption, so it gets no password")
            smtp.login(unquote(relay.username), unquote(relay.password or ""))
        options = self._options(smtp)
        if self._given_up:  # while there was no connection that could be shut
            return
        smtp.sendmail(self._letter.sender, [self._letter.recipient], self._letter.message, options)
        with suppress(OSError, smtplib.SMTPException):
            smtp.quit()  # the message is taken: trouble from here on must not send it again

    def _connected(self) -> smtplib.SMTP:
        """Known to the thread that waits before it connects: the greeting, too, can come a byte at a time."""
        to: dict[str, Any] = {"host": self._relay.hostname, "port": _port(self._relay), "timeout": self._seconds}
        if self._relay.scheme == "smtps":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL.__new__(smtplib.SMTP_SSL)
            to["context"] = ssl.create_default_context()
        else:
            smtp = smtplib.SMTP.__new__(smtplib.SMTP)
        self._smtp = smtp
        smtp.__init__(**to)  # type: ignore[misc]
        return smtp

    def _options(self, smtp: smtplib.SMTP) -> Sequence[str]:
        if self._letter.recipient.isascii():
            return ()
        if not smtp.has_extn("smtputf8"):
            raise _NoSmtpUtf8
        return ("SMTPUTF8", "BODY=8BITMIME")  # RFC 6531, section 3.6: the header holds the address as UTF-8


# -- what an answer means --

NO_MAILBOX = ("1.1", "1.6", "1.10", "2.1")  # RFC 3463, 3.2 and 3.3; RFC 7505: unknown, moved, takes no mail, disabled
FULL = "2.2"
_ENHANCED = re.compile(r"([245])\.(\d{1,3}\.\d{1,3})\b")


def _judged(error: Exception) -> tuple[type[Exception], str]:
    """The kind of trouble by ``shared.ports``, and the relay's words for it."""
    kind: type[Exception] = TransientMailError  # no connection, the greeting, the password, the sender: not this mail
    match error:
        case smtplib.SMTPRecipientsRefused():
            [(code, answer)] = error.recipients.values()
            return _of_recipient(*_status(code, answer)), f"{code} {_readable(answer)}"
        case smtplib.SMTPResponseException():
            if isinstance(error, smtplib.SMTPDataError):
                kind = _of_content(*_status(error.smtp_code, error.smtp_error))
            return kind, f"{error.smtp_code} {_readable(error.smtp_error)}"
        case _NoSmtpUtf8():
            kind = PermanentMailError
    return kind, str(error) or type(error).__name__


def _status(code: int, answer: bytes | str) -> tuple[int, str]:
    """Class, and subject with detail, of an answer: by its enhanced status code (RFC 3463), else by RFC 5321, 4.2.3."""
    if found := _ENHANCED.match(_readable(answer)):
        return int(found[1]), found[2]
    return code // 100, FULL if code == 552 else ""


def _of_recipient(severity: int, detail: str) -> type[Exception]:
    if severity != 5 or detail == FULL or detail.startswith("7."):  # 7: who may send what, which the relay may change
        return TransientMailError
    return NoSuchMailbox if detail in NO_MAILBOX else RecipientRefused


def _of_content(severity: int, detail: str) -> type[Exception]:
    return PermanentMailError if severity == 5 and detail != FULL else TransientMailError


def _port(relay: SplitResult) -> int:
    return relay.port or PORTS[relay.scheme]


def _checked(url: str) -> SplitResult:
    parts = urlsplit(url)
    try:
        valid = parts.scheme in PORTS and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid:
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"  # without the password
        raise BadSettings(f"ONESTOP_SMTP_RELAYS has {shown!r}: write smtp[s]://user:password@host:port")
    return parts


def _readable(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text

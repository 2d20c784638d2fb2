"""SMTP relays, tried in order (RFC 5321; submission with STARTTLS or TLS, RFC 8314)."""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import SplitResult, unquote, urlsplit

from shared.ports import PermanentMailError, TransientMailError
from shared.settings import BadSettings

TIMEOUT = 8.0  # seconds, for the connection and for every answer
PORTS = {"smtp": 587, "smtps": 465}
log = logging.getLogger(__name__)


class SmtpMailer:
    """``shared.ports.Mailer`` over one or more relays.

    Args:
        relays: ``smtp[s]://user:password@host:port``; with ``smtp`` the connection is upgraded where the relay offers
            STARTTLS, and a password is sent over TLS or to this machine only.

    Raises ``BadSettings`` for a relay that is no such URL.
    """

    def __init__(self, relays: Sequence[str]) -> None:
        self._relays = [_checked(relay) for relay in relays]

    def send(self, message: bytes, sender: str, recipient: str) -> str:
        """Returns ``host:port`` of the relay that took it.

        A relay that is out of reach or answers 4xx hands over to the next; a 5xx for the recipient is final. A 5xx of
        any other kind (the password, the sender, the content) is that relay's own trouble, so the next one is tried.
        Where the answer to DATA is lost, the message may go out twice, with the same Message-ID.
        """
        troubles = []
        for relay in self._relays:
            name = f"{relay.hostname}:{_port(relay)}"
            try:
                _submit(relay, message, sender, recipient)
                return name
            except smtplib.SMTPRecipientsRefused as error:
                code, text = error.recipients[recipient]
                trouble = f"{name}: {code} {_readable(text)}"
                if code >= 500:
                    raise PermanentMailError(trouble) from None
            except smtplib.SMTPResponseException as error:
                trouble = f"{name}: {error.smtp_code} {_readable(error.smtp_error)}"
            except UnicodeEncodeError:
                raise PermanentMailError("the address is not ASCII, which relays without SMTPUTF8 refuse") from None
            except (OSError, smtplib.SMTPException) as error:
                trouble = f"{name}: {error or type(error).__name__}"
            log.warning("mail relay passed over: %s", trouble)
            troubles.append(trouble)
        raise TransientMailError("; ".join(troubles))


def _submit(relay: SplitResult, message: bytes, sender: str, recipient: str) -> None:
    host, port, tls = relay.hostname or "", _port(relay), ssl.create_default_context()
    encrypted = relay.scheme == "smtps"
    if encrypted:
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=tls)
    else:
        smtp = smtplib.SMTP(host, port, timeout=TIMEOUT)
    try:
        smtp.ehlo_or_helo_if_needed()
        if not encrypted and smtp.has_extn("starttls"):
            smtp.starttls(context=tls)
            encrypted = True
        if relay.username:
            if not encrypted and host not in ("127.0.0.1", "::1", "localhost"):
                raise smtplib.SMTPException("offers no encryption, so it gets no password")
            smtp.login(unquote(relay.username), unquote(relay.password or ""))
        smtp.sendmail(sender, [recipient], message)
        with suppress(OSError, smtplib.SMTPException):
            smtp.quit()  # the message is taken: trouble from here on must not send it again
    finally:
        smtp.close()


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

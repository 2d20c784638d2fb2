"""A raw mail (RFC 5322) as the parts that matter here: who, to whom, what is new in it, its files; and whether a
person wrote it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from email.utils import getaddresses, parseaddr

from functions.inquiries.base import Upload
from functions.inquiries.inbound_mail.html_text import html_text
from shared.addresses import folded_address

RECIPIENT_HEADERS = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To")
SIGNATURES = ("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature")
SUBJECTS = re.compile(  # of out-of-office replies by programs that mark them in no other way
    r"^\s*(automatic reply|auto(matic)?[- ]?reply|out of (the )?office|réponse automatique|absence du bureau|"
    r"respuesta automática|fuera de la oficina|автоответ|автоматический ответ|"
    r"رد تلقائي|الرد التلقائي|自动答复|自动回复|"
    r"automatische antwort|abwesenheit)",
    re.IGNORECASE,
)


class Malformed(Exception):
    """Not a mail that can be read; the text says why."""


@dataclass(frozen=True)
class Mail:
    message_id: str  # empty where there is none
    sender: str  # folded address
    sender_name: str
    recipients: list[str]  # folded addresses
    subject: str
    text: str
    uploads: list[Upload]
    automatic: str  # why no person wrote it; empty: somebody did


def read(raw: bytes, envelope_sender: str | None = None) -> Mail:
    """Raises ``Malformed``.

    Args:
        envelope_sender: of the SMTP transaction, where the provider tells it; empty for the null path of bounces.
    """
    try:
        message = message_from_bytes(raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        name, sender = parseaddr(_header(message, "From"))
        if "@" not in sender:
            raise Malformed("no sender's address")
        if message.is_multipart() and not message.get_payload():
            raise Malformed("a multipart mail without parts")
        return Mail(
            message_id=_header(message, "Message-ID").strip(),
            sender=folded_address(sender),
            sender_name=name or sender,
            recipients=_recipients(message),
            subject=" ".join(_header(message, "Subject").split()),
            text=_text(message),
            uploads=_uploads(message),
            automatic=_automatic(message, sender.lower(), envelope_sender),
        )
    except (LookupError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise Malformed(f"{type(error).__name__}: {error}") from None


def _header(message: EmailMessage, name: str) -> str:
    return str(message.get(name, ""))


def _recipients(message: EmailMessage) -> list[str]:
    values = [str(value) for name in RECIPIENT_HEADERS for value in message.get_all(name, [])]
    return [folded_address(address) for _, address in getaddresses(values) if "@" in address]


def _automatic(message: EmailMessage, sender: str, envelope_sender: str | None) -> str:
    """RFC 3834, section 5, and what vendors send instead."""
    if _header(message, "Auto-Submitted").partition(";")[0].strip().lower() not in ("", "no"):
        return "Auto-Submitted"
    if message.get_content_type() == "multipart/report":
        return "multipart/report"
    path = envelope_sender if envelope_sender is not None else message.get("Return-Path")
    if path is not None and str(path).strip() in ("", "<>"):
        return "null return path"
    if sender.partition("@")[0] in ("mailer-daemon", "postmaster"):
        return "mail system"
    if _header(message, "Precedence").strip().lower() in ("bulk", "junk", "list", "auto_reply"):
        return "Precedence"
    # Exchange asks others for silence with it, in its own automatic mails (MS-OXCMAIL, 2.1.3.2.14)
    if re.search(r"\b(all|oof|autoreply)\b", _header(message, "X-Auto-Response-Suppress"), re.IGNORECASE):
        return "X-Auto-Response-Suppress"
    for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Failed-Recipients", "List-Id"):
        if name in message:
            return name
    return "subject" if SUBJECTS.match(_header(message, "Subject")) else ""


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    if body is None:
        return ""
    content = _decoded(body)
    return (html_text(content) if body.get_content_type() == "text/html" else content).strip()


def _decoded(part: MIMEPart) -> str:
    """The text of a part, with replacement marks where its charset is unknown or wrong."""
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError):
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _uploads(message: EmailMessage) -> list[Upload]:
    """Every part but the body and signatures; a part that cannot be decoded as what it says is taken as it is."""
    found = []
    for part in message.iter_attachments() if message.is_multipart() else ():
        assert isinstance(part, EmailMessage)
        kind = part.get_content_type()
        if kind in SIGNATURES or part.get_content_maintype() == "multipart":
            continue
        payload = part.get_payload(decode=True)
        content = payload if isinstance(payload, bytes) else part.as_bytes()
        if content:
            found.append(Upload(part.get_filename() or kind.replace("/", "."), content))
    return found

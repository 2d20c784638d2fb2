"""From a ``Mail`` to the bytes of an RFC 5322 message.

The same mail gives the same bytes, today and at the tenth attempt: the date is the event's, the MIME boundaries come
from the Message-ID.
"""

from __future__ import annotations

import email.policy
import hashlib
import re
from datetime import datetime
from email.header import Header
from email.headerregistry import Address, BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import cache, partial
from pathlib import Path
from typing import Literal

import jinja2

from functions.notification.mails.mail import Attachment, Calendar, Mail, Person
from shared import languages
from shared.formats.addresses import ascii_address
from shared.text import one_line, unbroken

TEMPLATES = Path(__file__).parents[1] / "templates"
LINE = 78  # characters of a header, then it is folded (RFC 5322, section 2.1.1)
_LIBRARY = HeaderRegistry()


class _Headers(dict[str, type[BaseHeader]]):
    """The library's classes of headers by name, each made once, and none for what can be written as it is."""

    def __missing__(self, name: str) -> type[BaseHeader]:
        made = self[name] = _LIBRARY[name]
        return made

    def __call__(self, name: str, value: str) -> str:
        if value.isascii() and "=?" not in value and len(name) + 2 + len(value) < LINE:
            return value  # parsing it would neither encode nor fold anything
        return self[name](name, value)


POLICY = email.policy.SMTP.clone(cte_type="7bit", header_factory=_Headers())  # no relay need offer 8BITMIME
UTF8 = POLICY.clone(utf8=True)  # an address with letters beyond ASCII before the @ needs SMTPUTF8 anyway (RFC 6532)
_ENCODED_WORD = re.compile(r"=\?")
_BLANK_LINES = re.compile(r"\n{3,}")


def render(mail: Mail, key: str, sent_from: str, written: datetime) -> EmailMessage:
    """The message, as ``as_bytes()`` gives it to a relay.

    Args:
        key: tells this delivery from every other one; the Message-ID is made of it.
        sent_from: ``onestop <noreply@example.org>``.
        written: the time of the event that calls for the mail.
    """
    sender = Person(*parseaddr(sent_from))
    domain = sender.email.rpartition("@")[2]
    international = not _plain(mail.to)
    message = EmailMessage(UTF8 if international else POLICY)
    message.set_raw("From", _address(sender))
    message.set_raw("To", _address(mail.to))
    message.set_raw("Subject", _encoded(unbroken(mail.subject)))
    message["Date"] = format_datetime(written)
    message["Message-ID"] = mail.message_id or f"<{_digest(key)}@{domain}>"
    if mail.references:
        message["In-Reply-To"] = mail.references[-1]
        message["References"] = " ".join(mail.references)
    if mail.reply_to and (international or _plain(mail.reply_to)):
        message.set_raw("Reply-To", _address(mail.reply_to))
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers to this
    message["X-Auto-Response-Suppress"] = "All"  # the same for Exchange, [MS-OXCMAIL] 2.1.3.2.20
    values = {"mail": mail, "sender": sender.name, **mail.values}
    message.set_content(_BLANK_LINES.sub("\n\n", _template(mail, "txt").render(values)))
    message.add_alternative(_template(mail, "html").render(values), subtype="html")
    if mail.calendar:
        _add_calendar(message, mail, mail.calendar, written, domain)
    for attachment in mail.attachments:
        _attach(message, attachment)
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_{_digest(key)[:24]}_{number}")
    message["Content-Language"] = mail.language  # last: what begins with Content- moves into the parts
    return message


def _add_calendar(message: EmailMessage, mail: Mail, calendar: Calendar, written: datetime, domain: str) -> None:
    """Inline for clients that show invitations (RFC 6047, section 2.4), and as a file for all others."""
    from shared.calendar import calendar_file, invitation

    method: Literal["CANCEL", "REQUEST"] = "CANCEL" if calendar.cancelled else "REQUEST"
    entry = invitation(calendar.registration, method, calendar.sequence, mail.language, domain, written)
    content = calendar_file(entry)
    message.add_alternative(content.decode(), subtype="calendar", params={"method": method})
    _attach(message, Attachment("invite.ics", "application/ics", content))


def _attach(message: EmailMessage, attachment: Attachment) -> None:
    main, _, sub = attachment.media_type.partition("/")
    message.add_attachment(attachment.content, maintype=main, subtype=sub, filename=one_line(attachment.name))


def _plain(person: Person) -> bool:
    """Whether every relay can carry the address."""
    return person.email.rpartition("@")[0].isascii()


def _address(person: Person) -> str:
    name, (local, _, domain) = one_line(person.name), ascii_address(person.email).rpartition("@")
    if name.isascii() and not _ENCODED_WORD.search(name):
        return str(Address(name, local, domain))
    return f"{_encoded(name)}\n <{Address('', local, domain)}>"


def _encoded(text: str) -> str:
    """Text of a header by RFC 2047, also where it would be read as if it were encoded already. Older Pythons lose
    spaces where EmailMessage itself folds such text (gh-92081)."""
    charset = "utf-8" if _ENCODED_WORD.search(text) else None
    return Header(text, charset, header_name="Reply-To").encode()


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def _template(mail: Mail, kind: str) -> jinja2.Template:
    return _environment(mail.language).get_template(f"mail/{mail.template}.{kind}")


@cache
def _environment(language: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.install_gettext_translations(languages.translations(language), newstyle=True)  # type: ignore[attr-defined]
    environment.filters["isolated"] = partial(languages.isolated, language=language)
    right_to_left = languages.direction(language) == "rtl"
    environment.globals.update(dir="rtl" if right_to_left else "ltr", start="right" if right_to_left else "left")
    return environment

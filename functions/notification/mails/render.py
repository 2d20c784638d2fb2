"""From a ``Mail`` to the bytes of an RFC 5322 message.

The same mail in the same look gives the same bytes, today and at the tenth attempt: the date is the event's, the MIME
boundaries come from the Message-ID.
"""

from __future__ import annotations

import email.policy
import hashlib
import re
from datetime import datetime
from email.header import Header
from email.headerregistry import Address, BaseHeader, HeaderRegistry
from email.policy import Policy
from email.utils import format_datetime, parseaddr
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import jinja2

from functions.notification.mails import mime
from functions.notification.mails.mail import Attachment, Calendar, Mail, Person
from shared import jinja, languages
from shared.formats.addresses import ascii_address
from shared.institution.repository import PLAIN, Look
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


class Rendered(NamedTuple):
    """``message_id`` with its angle brackets."""

    message_id: str
    content: bytes


def render(mail: Mail, key: str, sent_from: str, written: datetime, look: Look = PLAIN) -> Rendered:
    """The message, as it goes to a relay.

    Args:
        key: tells this delivery from every other one; the Message-ID is made of it.
        sent_from: ``onestop <noreply@example.org>``.
        written: the time of the event that calls for the mail.
        look: its colours, and what stands above it.
    """
    sender = Person(*parseaddr(sent_from))
    domain = sender.email.rpartition("@")[2]
    international = not _plain(mail.to)
    policy = UTF8 if international else POLICY
    message_id = mail.message_id or f"<{_digest(key)}@{domain}>"
    raw = {
        "From": _address(sender),
        "To": _address(mail.to),
        "Subject": _encoded(unbroken(mail.subject)),
    }
    if mail.reply_to and (international or _plain(mail.reply_to)):
        raw["Reply-To"] = _address(mail.reply_to)
    named = {"Date": format_datetime(written), "Message-ID": message_id}
    if mail.references:
        named |= {"In-Reply-To": mail.references[-1], "References": " ".join(mail.references)}
    named |= {
        "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office answers to this
        "X-Auto-Response-Suppress": "All",  # the same for Exchange, [MS-OXCMAIL] 2.1.3.2.20
        "MIME-Version": "1.0",
        "Content-Language": mail.language,
    }
    boundary = f"=_{_digest(key)[:24]}"
    named["Content-Type"], body = _body(mail, boundary, sender, written, domain, policy, look)
    fields = [*raw.items(), *(policy.header_store_parse(name, value) for name, value in named.items())]
    head = b"".join(policy.fold_binary(name, value) for name, value in fields)
    return Rendered(message_id, head + b"\r\n" + body)


def _body(
    mail: Mail, boundary: str, sender: Person, written: datetime, domain: str, policy: Policy, look: Look
) -> tuple[str, bytes]:
    """Its Content-Type and itself: the text in two forms, and what is attached.

    A calendar entry is inline for clients that show invitations (RFC 6047, section 2.4), and a file for all others.
    """
    name = languages.text(look.theme.name, mail.language) if look is not PLAIN else sender.name
    colours = look.colours["light"]  # clients that know dark schemes turn them themselves
    values = {"mail": mail, "sender": sender.name, "masthead": name, "colours": colours, **mail.values}
    forms = [
        mime.text(_BLANK_LINES.sub("\n\n", _template(mail, "txt").render(values)), "plain"),
        mime.text(_template(mail, "html").render(values), "html"),
    ]
    attached = list(mail.attachments)
    if mail.calendar:
        method, entry = _calendar(mail, mail.calendar, written, domain)
        forms.append(mime.text(entry.decode(), "calendar", f'; method="{method}"'))
        attached.insert(0, Attachment("invite.ics", "application/ics", entry))
    if not attached:
        return mime.content_type("alternative", boundary), mime.multipart(boundary, forms)
    inner, outer = f"{boundary}_1", f"{boundary}_0"
    head = f"Content-Type: {mime.content_type('alternative', inner)}\r\n\r\n".encode()
    files = [mime.file(one.content, one.media_type, one_line(one.name), policy) for one in attached]
    parts = [head + mime.multipart(inner, forms), *files]
    return mime.content_type("mixed", outer), mime.multipart(outer, parts)


def _calendar(mail: Mail, calendar: Calendar, written: datetime, domain: str) -> tuple[str, bytes]:
    """The method (RFC 5546) and the entry."""
    from shared.calendar import calendar_file, invitation

    method: Literal["CANCEL", "REQUEST"] = "CANCEL" if calendar.cancelled else "REQUEST"
    entry = invitation(calendar.registration, method, calendar.sequence, mail.language, domain, written)
    return method, calendar_file(entry)


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
    environment = jinja.environment((TEMPLATES,), language)
    right_to_left = languages.direction(language) == "rtl"
    environment.globals.update(dir="rtl" if right_to_left else "ltr", start="right" if right_to_left else "left")
    return environment

"""The mailbox page of a laptop: what the maildir holds, as a mail client would show it."""

from __future__ import annotations

import email
import email.policy
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from functools import wraps
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from flask import Response

from shared.web.http.places import is_this_machine, parse_address
from shared.web.problems import Problem
from shared.web.site import ANYBODY, POLICY, Handler, Site
from shared.web.visit import Visit

PAGE = 25
VIEWS = ("html", "text", "headers", "source")
FRAMING = POLICY + "; frame-src 'self'"
# The HTML part is a stranger to this site: no script, no form, no request; links open a page of their own.
CONFINED = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self';"
    " sandbox allow-popups allow-popups-to-escape-sandbox"
)


class Mailbox(Protocol):
    """Where mails are kept instead of being sent (``MaildirMailer``)."""

    def keys(self) -> list[str]:
        """All messages, the newest first."""
        ...

    def read(self, key: str) -> bytes | None:
        """The raw message (RFC 5322); None where there is none of this key."""
        ...


class Line(NamedTuple):
    """A message in the list."""

    key: str
    sender: str
    to: str
    subject: str
    date: datetime | None


def register(site: Site, mailbox: Mailbox | None) -> None:
    """``/mailbox`` and what is below it; without a mailbox there is nothing at these addresses."""
    if mailbox is None:
        return
    box = mailbox

    @site.route("/mailbox", may=ANYBODY)
    @_guarded
    def overview(visit: Visit) -> Response:
        keys, number = box.keys(), max(visit.request.args.get("page", 1, type=int), 1)
        shown = keys[(number - 1) * PAGE : number * PAGE]
        lines = [_line(key, content) for key in shown if (content := box.read(key)) is not None]
        return visit.page("mailbox.html", lines=lines, number=number, more=len(keys) > number * PAGE, total=len(keys))

    @site.route("/mailbox/<key>", may=ANYBODY)
    @_guarded
    def one(visit: Visit, key: str) -> Response:
        content = _content(visit, box, key)
        message = _parsed(content)
        parts = {"html": message.get_body(("html",)), "text": message.get_body(("plain",))}
        views = [view for view in VIEWS if parts.get(view, message) is not None]
        asked = visit.request.args.get("view")
        view = asked if asked in views else views[0]
        source = {
            "html": "",
            "text": parts["text"].get_content() if parts["text"] else "",
            "headers": "\n".join(f"{name}: {value}" for name, value in message.items()),
            "source": content.decode("utf-8", "replace"),
        }[view]
        files = [(number, part.get_filename() or f"part-{number}") for number, part in enumerate(_attachments(message))]
        page = visit.page("message.html", line=_line(key, content), views=views, view=view, source=source, files=files)
        page.headers["Content-Security-Policy"] = FRAMING
        return page

    @site.route("/mailbox/<key>/html", may=ANYBODY)
    @_guarded
    def html_part(visit: Visit, key: str) -> Response:
        body = _parsed(_content(visit, box, key)).get_body(("html",))
        html = body.get_content() if body else ""
        confined = {"Content-Security-Policy": CONFINED, "Cache-Control": "no-store"}
        new_window = html.replace("<head>", '<head><base target="_blank">', 1)
        return Response(new_window, headers=confined, content_type="text/html; charset=utf-8")

    @site.route("/mailbox/<key>/attachments/<int:number>", may=ANYBODY)
    @_guarded
    def attachment(visit: Visit, key: str, number: int) -> Response:
        found = _attachments(_parsed(_content(visit, box, key)))
        if number >= len(found):
            raise _nothing(visit)
        part = found[number]
        response = Response(part.get_payload(decode=True), content_type=part.get_content_type())
        response.headers.set("Content-Disposition", "attachment", filename=part.get_filename() or f"part-{number}")
        response.headers["Cache-Control"] = "no-store"
        return response


def _guarded(handler: Handler) -> Handler:
    """Everybody's mails, sign-in links among them: for this machine's own browser alone, under a name of this server.

    Another name is a page elsewhere that had its name resolved to this machine (DNS rebinding).
    """

    @wraps(handler)
    def guarded(visit: Visit, **parts: Any) -> Response:
        settings = visit.platform.settings
        if not settings.mailbox_open and not (is_this_machine(visit.request) and _names_us(visit)):
            _ = visit.gettext
            detail = _("Open it in a browser on the machine that runs onestop, or set ONESTOP_MAILBOX=open there.")
            raise Problem(403, "mailbox", _("The mailbox is open to its own machine only."), detail)
        return handler(visit, **parts)

    return guarded


def _names_us(visit: Visit) -> bool:
    try:
        name = urlsplit(f"//{visit.request.host}").hostname or ""
    except ValueError:
        return False
    address = parse_address(name)
    known = ("localhost", urlsplit(visit.platform.settings.base_url).hostname)
    return name in known or (address is not None and address.is_loopback)


def _content(visit: Visit, box: Mailbox, key: str) -> bytes:
    content = box.read(key)
    if content is None:
        raise _nothing(visit)
    return content


def _nothing(visit: Visit) -> Problem:
    return Problem(404, "http", visit.gettext("There is no such message in the mailbox."))


def _parsed(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


def _attachments(message: EmailMessage) -> list[EmailMessage]:
    return list(message.iter_attachments())


def _line(key: str, content: bytes) -> Line:
    head = BytesHeaderParser(policy=email.policy.default).parsebytes(content)
    date = getattr(head["Date"], "datetime", None)
    sender, to, subject = (str(head[name] or "") for name in ("From", "To", "Subject"))
    return Line(key, sender, to, subject, date if isinstance(date, datetime) else None)

"""A raw mail (RFC 5322) as the parts that matter here. Its header comes first, and tells whether the rest is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import getaddresses

from functions.inquiries.files.attachments import Upload
from functions.inquiries.inbound_mail import charsets, headers, parts
from functions.inquiries.inbound_mail.headers import Header, Malformed
from functions.inquiries.inbound_mail.html_text import html_text
from functions.inquiries.inbound_mail.parts import Part
from shared.formats.addresses import folded_address
from shared.text import N_

MAX_TEXT = 2 * 2**20  # bytes of text parts that are read
MAX_RECIPIENTS = 1_000
MAX_ADDRESS = 320  # characters (RFC 3696, section 3)
RECIPIENT_HEADERS = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To")
SIGNATURES = ("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature")
SEALED = ("application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted")
NAMELESS = "attachment"  # the file's kind gives its ending
SUBJECTS = re.compile(  # of out-of-office replies by programs that mark them in no other way
    r"^\s*(automatic reply|auto(matic)?[- ]?reply|out of (the )?office|réponse automatique|absence du bureau|"
    r"respuesta automática|fuera de la oficina|автоответ|автоматический ответ|"
    r"رد تلقائي|الرد التلقائي|自动答复|自动回复|"
    r"automatische antwort|abwesenheit)",
    re.IGNORECASE,
)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,500}>")
_UNREADABLE = (LookupError, ValueError, AttributeError, TypeError, RecursionError)  # the standard library's surprises


@dataclass(frozen=True)
class Head:
    """What a mail's header says."""

    message_id: str  # empty where there is none
    sender: str  # folded address
    sender_name: str
    recipients: list[str]  # folded addresses
    subject: str
    automatic: str  # why no person wrote it; empty: somebody did
    authentication: list[str]  # Authentication-Results, topmost first, whoever wrote them


@dataclass(frozen=True)
class Content:
    """What a mail says, and what hangs on it."""

    text: str
    files: list[Upload]
    pictures: list[Upload]  # that the text shows
    is_sealed: bool  # enciphered, or signed so that only programs with the keys can show it
    is_cut: bool  # there was more text than ``MAX_TEXT``


def read_head(raw: bytes, envelope_sender: str | None = None) -> Head:
    """Looks at nothing but the header. Raises ``Malformed``.

    Args:
        envelope_sender: of the SMTP transaction, where the provider tells it; empty for the null path of bounces.
    """
    try:
        header, _ = headers.read(raw)
        name, sender = _sender(header)
        return Head(
            message_id=(_MESSAGE_ID.findall(header.field("Message-ID")) or [""])[0],
            sender=folded_address(sender),
            sender_name=charsets.words(name) or sender,
            recipients=_recipients(header),
            subject=charsets.words(header.field("Subject")),
            automatic=_automatic(header, sender.lower(), envelope_sender),
            authentication=header.all("Authentication-Results"),
        )
    except _UNREADABLE as error:
        raise Malformed(N_("It cannot be read.")) from error


def _sender(header: Header) -> tuple[str, str]:
    if len(header.all("From")) != 1:  # RFC 5322, 3.6; who checked the sender may have looked at the other one
        raise Malformed(N_("It has no sender, or several."))
    for name, address in getaddresses([header.field("From")]):
        if "@" in address and len(address) <= MAX_ADDRESS:
            return name, address
    raise Malformed(N_("It has no sender's address."))


def _recipients(header: Header) -> list[str]:
    """All that looks like an address, names and comments too: what is ours is known by its signature."""
    found: list[str] = []
    for value in (value for name in RECIPIENT_HEADERS for value in header.all(name)):
        words = re.split(r"[\s<>()\[\],:;\"]+", value)
        found += [word for word in words if "@" in word and len(word) <= MAX_ADDRESS]
    return [folded_address(word) for word in dict.fromkeys(found[:MAX_RECIPIENTS])]


def _automatic(header: Header, sender: str, envelope_sender: str | None) -> str:
    """RFC 3834, section 5, and what vendors send instead."""
    if header.field("Auto-Submitted").partition(";")[0].strip().lower() not in ("", "no"):
        return "Auto-Submitted"
    if header.content_type == "multipart/report":
        return "multipart/report"
    path = header.field("Return-Path") if envelope_sender is None and "Return-Path" in header else envelope_sender
    if path is not None and path.strip() in ("", "<>"):
        return "null return path"  # untranslated: a log
    if sender.partition("@")[0] in ("mailer-daemon", "postmaster"):
        return "mail system"  # untranslated: a log
    if header.field("Precedence").lower() in ("bulk", "junk", "list", "auto_reply"):
        return "Precedence"
    # Exchange asks others for silence with it, in its own automatic mails (MS-OXCMAIL, 2.1.3.2.14)
    if re.search(r"\b(all|oof|autoreply)\b", header.field("X-Auto-Response-Suppress"), re.IGNORECASE):
        return "X-Auto-Response-Suppress"
    for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Failed-Recipients", "List-Id"):
        if name in header:
            return name
    return "subject" if SUBJECTS.match(charsets.words(header.field("Subject"))) else ""


def read_content(raw: bytes) -> Content:
    """All leaves of the mail's tree: text that is shown, and files. Raises ``Malformed``."""
    try:
        root = parts.read(raw)
        text, is_cut = _text(_shown(root))
        leaves = list(_leaves(root))
        others = [(leaf, container) for leaf, container in leaves if not _is_said_in_text(leaf, container)]
        uploads = [(_is_picture(leaf, container), _upload(leaf)) for leaf, container in others]
    except _UNREADABLE as error:
        raise Malformed(N_("It cannot be read.")) from error
    return Content(
        text=text,
        files=[upload for is_picture, upload in uploads if upload.content and not is_picture],
        pictures=[upload for is_picture, upload in uploads if upload.content and is_picture],
        is_sealed=any(leaf.type in SEALED for leaf, _ in leaves),
        is_cut=is_cut,
    )


def _leaves(part: Part) -> Iterator[tuple[Part, str]]:
    """In order, each with the type of what it is a part of."""
    for one in part.parts or [part]:
        if one.parts:
            yield from _leaves(one)
        else:
            yield one, part.type


def _shown(part: Part) -> list[Part]:
    """What a reader sees as text. Of alternatives (RFC 2046, 5.1.4) the plain one, where it says anything."""
    if not part.parts:
        return [part] if _is_text(part) else []
    each = [shown for one in part.parts if (shown := _shown(one))]
    if part.type != "multipart/alternative":
        return [leaf for shown in each for leaf in shown]
    plain = (one for one in each if all(leaf.type == "text/plain" and leaf.content().strip() for leaf in one))
    return next(plain, each[-1] if each else [])


def _is_text(leaf: Part) -> bool:
    is_file = leaf.header.is_attachment or bool(leaf.header.file_name)
    return leaf.type in ("text/plain", "text/html") and not is_file


def _is_said_in_text(leaf: Part, container: str) -> bool:
    """Text, the same in another form (an invitation's calendar entry), or a signature."""
    header = leaf.header
    is_form = container == "multipart/alternative" and leaf.type.startswith("text/")
    return _is_text(leaf) or (is_form and not header.is_attachment and not header.file_name) or leaf.type in SIGNATURES


def _is_picture(leaf: Part, container: str) -> bool:
    in_text = container == "multipart/related" and "Content-ID" in leaf.header
    return in_text and leaf.type.startswith("image/") and not leaf.header.is_attachment


def _text(shown: list[Part]) -> tuple[str, bool]:
    """And whether some of it was left out."""
    texts, left = [], MAX_TEXT
    for part in shown:
        content = part.content()
        is_html = part.type == "text/html"
        text = charsets.decode(content[:left], part.header.parameter("charset"), is_html)
        texts.append((html_text(text) if is_html else text).strip())
        left -= len(content)
    return "\n\n".join(filter(None, texts)), left < 0


def _upload(leaf: Part) -> Upload:
    name = leaf.header.file_name or NAMELESS
    if leaf.type == "message/rfc822" and not name.lower().endswith(".eml"):
        name += ".eml"
    return Upload(name, leaf.content())

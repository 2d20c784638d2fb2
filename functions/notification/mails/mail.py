"""One mail to one person, before it is rendered, and how names are written in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from shared.contracts.registration import RegistrationPayload
from shared.text import one_line

_LIKE_A_LINK = re.compile(r"[/@:]|\w\.\w{2,}")


class Person(NamedTuple):
    """Whom a mail is from or to; ``name`` may be empty."""

    name: str
    email: str


@dataclass(frozen=True)
class Attachment:
    """``content`` before any transfer encoding."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Calendar:
    """That the mail carries the event as a calendar entry, or takes it back."""

    registration: RegistrationPayload
    sequence: int
    cancelled: bool = False


@dataclass(frozen=True)
class Mail:
    """One mail to one person, before it is rendered.

    Args:
        template: the name of the pair in ``templates/mail``.
        values: what its templates use.
        reply_to: where an answer goes; without one, to the sender.
        message_id: where another mail will refer to this one; else each delivery has an id of its own.
        references: Message-IDs of the conversation so far, oldest first (RFC 5322, section 3.6.4).
        theme: id of the look of what it is about, where that has one of its own.
        useless_after: when it no longer helps to send it.
    """

    template: str
    subject: str
    to: Person
    language: str
    values: Mapping[str, Any] = field(default_factory=dict)
    reply_to: Person | None = None
    calendar: Calendar | None = None
    attachments: Sequence[Attachment] = ()
    message_id: str | None = None
    references: Sequence[str] = ()
    useless_after: datetime | None = None
    theme: str = ""


def greeting_name(text: str) -> str:
    """A name to greet by; empty for one that a mail client might turn into a link, since a stranger typed it."""
    name = one_line(text)
    return "" if _LIKE_A_LINK.search(name) or len(name) > 100 else name

"""What every part of the service shares: its means, who acts, and the errors that a page must know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shared.fields import MAX_PROSE, REQUIRED, TOO_LONG, FaultyFields, is_visible, printable_prose
from shared.keys.tokens import Tokens
from shared.ports import Clock, Files, Store

MAX_REASON = 500  # characters


@dataclass(frozen=True)
class Means:
    store: Store
    files: Files
    clock: Clock
    tokens: Tokens
    base_url: str  # without a trailing slash
    mail_domain: str  # of reply addresses: reply+...@{mail_domain}
    from_domain: str = ""  # of the address that our mails come from; empty: the same
    authserv: str = ""  # who verifies the senders of inbound mail (RFC 8601); empty: nobody does
    trusts_senders: bool = False  # only where no mail comes from elsewhere

    @property
    def mail_domains(self) -> list[str]:
        return sorted({self.mail_domain, self.from_domain or self.mail_domain})


class Member(Protocol):
    """Who acts at the desk: ``shared.staff.members.Member`` or the stored ``Staff``."""

    @property
    def email(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def organisation(self) -> str: ...
    def may(self, permission: str) -> bool: ...


class Invalid(FaultyFields):
    """A request cannot be taken as it is."""


class NotFound(Exception):
    """No such inquiry, file or colleague, or none that this person may see: the two look the same."""


class Stale(Exception):
    """Somebody changed the inquiry since this person saw it; nothing was written. Show it again, then decide."""


class NotAllowed(Exception):
    """The inquiry's state or the requester's choice forbids it. The text (English, for gettext) says why."""


class KeyReused(Exception):
    """The Idempotency-Key was used before for another request (draft-ietf-httpapi-idempotency-key-header)."""


@dataclass(frozen=True)
class Upload:
    """A file as it came; its name is never trusted, its type is found by content (``attachments.py``)."""

    name: str
    content: bytes


def written(field: str, text: str, most: int = MAX_PROSE, needed: str = REQUIRED) -> str:
    """What somebody wrote into ``field``, as it is kept. Raises ``Invalid``.

    Args:
        needed: what to say where nothing is written; empty: it may stay so.
    """
    try:
        kept = printable_prose(text)
    except ValueError as error:
        raise Invalid({field: str(error)}) from None
    if needed and not is_visible(kept):
        raise Invalid({field: needed})
    if len(kept) > most:
        raise Invalid({field: TOO_LONG}, max_length=f"{most}")
    return kept

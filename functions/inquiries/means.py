"""What every part of the slice works with, and who acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shared.keys.tokens import Tokens
from shared.ports import Clock, Files, Store


@dataclass(frozen=True)
class Means:
    """What the platform gives; tests give a ``SqliteStore`` on a temporary path, folder files and a set clock."""

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
        """Those that our own addresses have, sorted, without doubles."""
        return sorted({self.mail_domain, self.from_domain or self.mail_domain})


class Member(Protocol):
    """Who acts at the desk: ``shared.staff.members.Member`` or the stored ``Staff``."""

    @property
    def email(self) -> str:
        """Folded, as the staff are found by."""
        ...

    @property
    def name(self) -> str:
        """As colleagues see it."""
        ...

    @property
    def organisation(self) -> str:
        """Its id: what the member may see is what this organisation may."""
        ...

    def may(self, permission: str) -> bool:
        """Whether the member's role has the ``permission`` (``inquiries.assign``)."""
        ...

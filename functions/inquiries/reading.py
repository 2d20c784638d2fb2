"""What staff may see. Every read for the desk, exports included, goes through here and is held to the organisation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from functions.inquiries.base import Means, Member
from functions.inquiries.directory import Directory
from functions.inquiries.models import Assignment, AuditEntry, Inquiry, MessageDoc, Quarantined
from shared.ports import Cursor

NOBODY = ""  # as an assignee: not assigned yet


@dataclass(frozen=True)
class Filter:
    """Conditions on the lists of one organisation; None: any. ``search`` is one or several words, or a reference."""

    state: str | None = None
    assignee: str | None = None  # an address; NOBODY for the unassigned
    queue: str | None = None
    topic: str | None = None
    country: str | None = None
    part: str | None = None  # lead or supporting
    late: bool | None = None
    search: str = ""
    order: Literal["received_at", "due_at", "updated_at"] = "received_at"
    descending: bool = True


@dataclass(frozen=True)
class Page:
    rows: list[Assignment]  # ``row.inquiry`` is the reference
    next: Cursor | None  # to give as ``after``; None at the end


@dataclass(frozen=True)
class View:
    """One inquiry as an organisation's staff see it. Pass ``version`` back with every action."""

    reference: str
    version: str
    inquiry: Inquiry
    assignments: list[Assignment]  # lead first
    messages: list[MessageDoc]  # notes included, oldest first
    history: list[AuditEntry]  # oldest first


@dataclass(frozen=True)
class Overview:
    """The desk's first page, for one person; counts are of the person's organisation."""

    mine: list[Assignment]  # open and assigned to me, nearest target first
    late: list[Assignment]  # of my organisation, target passed
    unassigned: int
    open: int
    by_week: list[tuple[str, int]]  # Monday (ISO date) -> received, the last 12 weeks
    hours_to_answer: list[tuple[str, float]]  # Monday -> median hours to the first answer


class Reading:
    def __init__(self, means: Means, content: Directory) -> None:
        self._means = means
        self._content = content

    def page(self, staff: Member, filter: Filter, after: Cursor | None = None, limit: int = 50) -> Page:
        raise NotImplementedError

    def inquiry(self, staff: Member, reference: str) -> View:
        """Raises ``NotFound``, also where another organisation has it."""
        raise NotImplementedError

    def attachment(self, staff: Member, reference: str, id: str) -> tuple[str, str, bytes]:
        """Name, media type, content. Raises ``NotFound``."""
        raise NotImplementedError

    def export(self, staff: Member, filter: Filter) -> Iterator[Assignment]:
        """All rows of a list, read page by page."""
        raise NotImplementedError

    def overview(self, staff: Member) -> Overview:
        raise NotImplementedError

    def quarantine(self, staff: Member, after: Cursor | None = None) -> list[tuple[str, Quarantined]]:
        """Open mails kept aside that this organisation may see, newest first, by id."""
        raise NotImplementedError

    def quarantined_mail(self, staff: Member, id: str) -> tuple[Quarantined, bytes]:
        """With the raw mail. Raises ``NotFound``."""
        raise NotImplementedError

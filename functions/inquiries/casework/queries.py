"""What staff may see. Every read for the desk, exports included, goes through here and is held to the organisation.

Lists and search are queries over the organisation's own assignments; one inquiry is shown where its ``visible_to``
names the organisation. What is not shared with an organisation does not exist for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from functions.inquiries.audit import AUDIT, AuditEntry
from functions.inquiries.casework import quarantine, weeks
from functions.inquiries.casework.case import ASSIGNMENTS, Case, messages_of
from functions.inquiries.casework.models import Assignment, Inquiry, MessageDoc, Quarantined
from functions.inquiries.casework.requester_actions import read_attachment
from functions.inquiries.casework.search_terms import search_terms
from functions.inquiries.content.repository import Directory
from functions.inquiries.errors import NotFound, Stale
from functions.inquiries.means import Means, Member
from shared.ports import MAX_COUNTED, Cursor, Document, Where, every, from_utc_text, having, utc_text

NOBODY = ""  # as an assignee: not assigned yet
MAX_SCANNED = 150  # documents that one page of a search of several words reads
MAX_COMPARED = 5  # words of a search
EXPORTED = 500  # rows read at once
MAX_MINE, MAX_LATE, MAX_OPEN = 20, 10, 5  # rows on the first page


@dataclass(frozen=True)
class Filter:
    """Conditions on the lists of one organisation; None: any. ``search``: words that must all be found, newest first
    whatever the order."""

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


def _conditions(staff: Member, filter: Filter) -> list[Where]:
    """All but those that look into a list: a query has one of these at most."""
    asked = [(name, getattr(filter, name)) for name in ("state", "assignee", "queue", "country", "part", "late")]
    return [
        ("organisation", "==", staff.organisation),
        *((name, "==", value) for name, value in asked if value is not None),
    ]


@dataclass(frozen=True)
class Page:
    """Of a list."""

    rows: list[Assignment]  # ``row.inquiry`` is the reference
    next: Cursor | None  # to give as ``after``; None at the end
    reached: datetime | None = None  # where a search has more to read than one page may: when the last one read came


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
    """The desk's first page, for one person; counts are of the person's organisation, to
    ``MAX_COUNTED``."""

    mine: list[Assignment]  # assigned to me and waiting for an answer: those of the nearest targets
    late: list[Assignment]  # of my organisation: those whose target passed first
    open: list[Assignment]  # with nobody: those of the nearest targets
    mine_count: int
    late_count: int
    unassigned: int
    waiting: int  # for an answer
    by_week: list[tuple[str, int]]  # Monday (ISO date) -> received, the last 12 weeks
    hours_to_answer: list[tuple[str, float]]  # Monday -> median hours to the first answer, where there is any


class Reading:
    """What an organisation's staff may see; nothing else reads inquiries for them."""

    def __init__(self, means: Means, content: Directory) -> None:
        self._means = means
        self._content = content
        self._weeks = weeks.WeekTallies(means.store, means.clock)

    # -- lists --

    def page(self, staff: Member, filter: Filter, after: Cursor | None = None, limit: int = 50) -> Page:
        """One page of the organisation's inquiries, and where the next begins; none where ``search`` has no word."""
        terms = search_terms(filter.search)
        if filter.search and not terms:
            return Page([], None)
        if not terms:
            found = self._query(staff, filter, None, after, limit + 1)
            rows = [Assignment.model_validate(one.data) for one in found[:limit]]
            return Page(rows, found[limit - 1].cursor(filter.order) if len(found) > limit else None)
        return self._search(staff, filter, terms, after, limit)

    def _search(self, staff: Member, filter: Filter, terms: list[str], after: Cursor | None, limit: int) -> Page:
        """The rarest word by the index, the others and the topic among what it finds, so far as one page may read."""
        alone = len(terms) == 1 and not filter.topic
        most = limit + 1 if alone else max(limit, MAX_SCANNED)
        found = self._query(staff, filter, terms[0] if alone else self._rarest(staff, terms), after, most)
        rows: list[Assignment] = []
        for place, document in enumerate(found, 1):
            row = Assignment.model_validate(document.data)
            if set(terms) <= set(row.terms) and (not filter.topic or filter.topic in row.topics):
                rows.append(row)
            if len(rows) == limit and (place < len(found) or len(found) == most):
                return Page(rows, document.cursor("received_at"))
        if len(found) < most:
            return Page(rows, None)
        return Page(rows, found[-1].cursor("received_at"), from_utc_text(found[-1].data["received_at"]))

    def _rarest(self, staff: Member, terms: list[str]) -> str:
        """Of the longest, which are rare: the one that fewest of the organisation's inquiries have."""
        ours: Where = ("organisation", "==", staff.organisation)
        counts = {
            term: self._some(ours, ("terms", "contains", term), having("received_at")) for term in terms[:MAX_COMPARED]
        }
        return min(counts, key=lambda term: counts[term])

    def _query(
        self, staff: Member, filter: Filter, term: str | None, after: Cursor | None, limit: int
    ) -> list[Document]:
        where = _conditions(staff, filter)
        order, descending = (filter.order, filter.descending) if term is None else ("received_at", True)
        if term is not None:
            where.append(("terms", "contains", term))
        elif filter.topic:
            where.append(("topics", "contains", filter.topic))
        return self._means.store.query(
            ASSIGNMENTS, *where, order=order, descending=descending, after=after, limit=limit
        )

    def new(self, staff: Member, filter: Filter, since: datetime) -> int:
        """How many of a list have come, been handed over or changed after ``since``, to ``MAX_COUNTED``; whatever
        ``search``. It costs what there is to count, not what there is."""
        topic: list[Where] = [("topics", "contains", filter.topic)] if filter.topic else []
        return self._some(*_conditions(staff, filter), *topic, ("updated_at", ">", utc_text(since)))

    def export(self, staff: Member, filter: Filter) -> Iterator[Assignment]:
        """All rows of a list, read page by page."""
        after, more = None, True
        while more:
            page = self.page(staff, filter, after, EXPORTED)
            yield from page.rows
            after, more = page.next, page.next is not None

    # -- one inquiry --

    def case(self, staff: Member, reference: str, seen: str | None = None) -> Case:
        """To act on. Raises ``NotFound``; ``Stale`` where ``seen`` is not its version any more."""
        case = Case.load(self._means.store, reference, self._means.clock.now())
        if staff.organisation not in case.inquiry.visible_to:
            raise NotFound(reference)
        if seen is not None and seen != case.version:
            raise Stale(reference)
        return case

    def inquiry(self, staff: Member, reference: str) -> View:
        """Raises ``NotFound``, also where another organisation has it."""
        case = self.case(staff, reference)
        parts = sorted(case.assignments.values(), key=lambda part: (part.part, part.organisation))
        messages = [message for _, message in messages_of(self._means.store, reference)]
        return View(reference, case.version, case.inquiry, parts, messages, self._history(reference))

    def _history(self, reference: str) -> list[AuditEntry]:
        found = every(self._means.store, AUDIT, ("inquiry", "==", reference), order="time")
        return [AuditEntry.model_validate(document.data) for document in found]

    def attachment(self, staff: Member, reference: str, id: str) -> tuple[str, str, bytes]:
        """Name, media type, content. Raises ``NotFound``."""
        self.case(staff, reference)
        messages = [one for _, one in messages_of(self._means.store, reference)]
        if found := read_attachment(self._means, messages, id):
            return found
        raise NotFound(id)

    def mail(self, staff: Member, reference: str, key: str) -> bytes:
        """The whole mail that a message came in (``MessageDoc.mail_key``). Raises ``NotFound``."""
        self.case(staff, reference)
        for _, message in messages_of(self._means.store, reference):
            if message.mail and message.mail_key == key and (found := self._means.files.read(message.mail)):
                return found[0]
        raise NotFound(key)

    # -- the first page --

    def overview(self, staff: Member) -> Overview:
        """What a colleague sees first: lists to ``MAX_MINE``, ``MAX_LATE``, ``MAX_OPEN``, the nearest target first."""
        ours: Where = ("organisation", "==", staff.organisation)
        waiting: Where = ("clock", "==", "running")
        organisation = self._content.organisations.get(staff.organisation)
        backlogs = [f"{staff.organisation}/{queue.id}" for queue in (organisation.queues if organisation else [])]
        zone = ZoneInfo(organisation.timezone if organisation else "UTC")
        my: Where = ("assignee", "==", staff.email)
        late: Where = ("late", "==", True)
        any_time = having("due_at")
        told = self._weeks.of(staff.organisation, zone)
        return Overview(
            self._nearest(ours, waiting, my, limit=MAX_MINE),
            self._nearest(ours, late, limit=MAX_LATE),
            self._nearest(ours, waiting, ("assignee", "==", NOBODY), limit=MAX_OPEN),
            self._some(ours, waiting, my, any_time),
            self._some(ours, late, any_time),
            self._some(("backlog", "in", backlogs), having("received_at")) if backlogs else 0,
            self._some(ours, waiting, any_time),
            weeks.received(told),
            weeks.hours_to_answer(told),
        )

    def _nearest(self, *where: Where, limit: int) -> list[Assignment]:
        found = self._means.store.query(ASSIGNMENTS, *where, order="due_at", limit=limit)
        return [Assignment.model_validate(one.data) for one in found]

    def _some(self, *where: Where) -> int:
        return self._means.store.count(ASSIGNMENTS, *where, at_most=MAX_COUNTED)

    # -- mail kept aside --

    def quarantine(self, staff: Member, after: Cursor | None = None, descending: bool = True) -> quarantine.Held:
        """Open mails kept aside that this organisation may see, by when they came; 50 at a time."""
        return quarantine.listed(self._means.store, staff, after, 50, descending)

    def quarantined_mail(self, staff: Member, id: str) -> tuple[Quarantined, bytes]:
        """With the raw mail. Raises ``NotFound``."""
        kept, _ = self.quarantined(staff, id)
        content = self._means.files.read(kept.file)
        return kept, content[0] if content else b""

    def quarantined(self, staff: Member, id: str) -> tuple[Quarantined, str]:
        """With its version. Raises ``NotFound``."""
        return quarantine.one(self._means.store, staff, id)

"""The clock: reminders before the target, escalation after it, and the backlog when somebody returns.

Each step is one commit on one inquiry's part and says itself what has been done, so a crash between any two neither
skips nor repeats; the announcement's id is made of what it announces.
"""

from __future__ import annotations

import logging
from datetime import datetime
from zoneinfo import ZoneInfo

from functions.inquiries.casework.case import ASSIGNMENTS, SYSTEM, Case
from functions.inquiries.casework.models import Assignment
from functions.inquiries.casework.recipients import Correspondence
from functions.inquiries.casework.staff_actions import latest_request
from functions.inquiries.casework.weeks import WeekTallies
from functions.inquiries.content.repository import Directory
from functions.inquiries.errors import NotFound
from functions.inquiries.means import Means
from functions.inquiries.staffing.rota import Rota
from shared.contracts.inquiries import InquiryAssigned, InquiryEscalated, InquiryReminderDue
from shared.ports import Conflict, Cursor, utc_text

PAGE = 100
log = logging.getLogger(__name__)


class Deadlines:
    """Work of the clock, in pages: a crash between two skips nothing and repeats nothing."""

    def __init__(self, means: Means, content: Directory) -> None:
        self._means = means
        self._content = content
        self._mail = Correspondence(means, content)
        self._rota = Rota(means, content)
        self._weeks = WeekTallies(means.store, means.clock)

    def tick(self) -> None:
        """Do all that is due by now. Twice in the same minute, or from two processes, it is done once."""
        self._act_on_targets()
        for organisation in self._content.organisations.values():
            self._weeks.fold(organisation.id, ZoneInfo(organisation.timezone))
            for queue in organisation.queues:
                self._share_out(organisation.id, queue.id)

    # -- targets --

    def _act_on_targets(self) -> None:
        now, after = self._means.clock.now(), None
        while True:
            page = self._means.store.query(
                ASSIGNMENTS, ("clock", "==", "running"), ("next_at", "<=", utc_text(now)), order="next_at",
                after=after, limit=PAGE,
            )  # fmt: skip
            for document in page:
                part = Assignment.model_validate(document.data)
                try:
                    self._act_on_target(part.inquiry, part.organisation, now)
                except (Conflict, NotFound):
                    log.info("the clock comes back to %s", document.id)  # somebody acts on it just now
            if len(page) < PAGE:
                return
            after = page[-1].cursor("next_at")

    def _act_on_target(self, reference: str, organisation: str, now: datetime) -> None:
        case = Case.load(self._means.store, reference, now)
        part = case.assignments.get(organisation)
        if part is None or part.clock != "running" or part.next_at is None or part.next_at > now:
            return
        person = self._content.person(part.assignee) if part.assignee else None
        facts = self._mail.staff_facts(case, part, latest_request(self._means, reference))
        id = f"{reference}:{organisation}:{part.round}"
        if now < part.due_at:
            part.reminded, part.next_at = True, part.due_at
            recipient = self._mail.to_staff(reference, organisation, person, f"remind:{part.round}")
            case.announce(InquiryReminderDue(**facts, recipients=[recipient]), f"remind:{id}")
        else:
            part.late, part.next_at = True, None
            recipient = self._mail.to_staff(reference, organisation, None, f"escalate:{part.round}")
            name = person.name if person else ""
            case.announce(InquiryEscalated(**facts, recipients=[recipient], assignee=name), f"escalate:{id}")
            case.audit(SYSTEM, organisation, "escalate")
        self._means.store.commit(case.clock_writes(organisation))

    # -- backlog --

    def _share_out(self, organisation: str, queue: str) -> None:
        """Give what nobody has to those who are there now, oldest first."""
        after: Cursor | None = None
        while True:
            page = self._means.store.query(
                ASSIGNMENTS, ("backlog", "==", f"{organisation}/{queue}"), order="received_at", after=after, limit=PAGE
            )
            for document in page:
                try:
                    self._give_one(document.data["inquiry"], organisation)
                except (Conflict, NotFound):
                    log.info("the clock comes back to %s", document.id)
            if len(page) < PAGE:
                return
            after = page[-1].cursor("received_at")

    def _give_one(self, reference: str, organisation: str) -> None:
        case = Case.load(self._means.store, reference, self._means.clock.now())
        part = case.assignments.get(organisation)
        if part is None or part.assignee or part.clock != "running":
            return
        turn = self._rota.next(self._content.organisations[organisation], part.queue, case.inquiry.language)
        if turn is None:
            return
        person, pointer = turn
        case.give(part, person.email)
        case.also(pointer)
        case.audit(SYSTEM, organisation, "assign", to=person.email)
        case.announce(
            InquiryAssigned(
                **self._mail.staff_facts(case, part, latest_request(self._means, reference)),
                recipients=[self._mail.to_staff(reference, organisation, person, f"assigned:{case.version}")],
                given_by="",
                reason="",
            )
        )
        self._means.store.commit(case.writes())

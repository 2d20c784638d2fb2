"""One inquiry while something is decided about it: read, changed in memory, written as one commit."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from functions.inquiries.audit import AUDIT, AuditEntry
from functions.inquiries.casework import week_changes
from functions.inquiries.casework.models import Assignment, Inquiry, MessageDoc, Part
from functions.inquiries.content.working_time import WorkingTime
from functions.inquiries.errors import NotFound
from shared.contracts.bus_events import Payload, outbox_row
from shared.ports import Create, Delete, Document, Replace, Store, Unavailable, Write, every
from shared.staff.models import Organisation

INQUIRIES, ASSIGNMENTS, MESSAGES = "inquiries", "assignments", "inquiry_messages"
QUARANTINE = "quarantine"
MAX_WRITES = 300  # that a case adds to its own; Firestore takes 500 in one commit
MAX_READS = 5
REMIND_AFTER = 0.75  # of the target's working time
SYSTEM, REQUESTER = "system", "requester"  # who acts, where it is not one of the staff


@dataclass
class Case:
    """Change its parts, then commit ``writes()``: the inquiry's version guards them all."""

    store: Store
    reference: str
    inquiry: Inquiry
    version: str
    assignments: dict[str, Assignment]  # by organisation
    now: datetime
    _versions: dict[str, str] = field(default_factory=dict)  # of the assignments that the store has
    _answered: dict[str, datetime | None] = field(default_factory=dict)  # what these say of the first answer
    _more: list[Write] = field(default_factory=list)

    @classmethod
    def load(cls, store: Store, reference: str, now: datetime) -> Case:
        """Raises ``NotFound``, also for what was erased; ``Unavailable`` where it changes hands again and again."""
        for _ in range(MAX_READS):
            document = store.get(INQUIRIES, reference)
            if document is None or document.data.get("erased_at"):
                raise NotFound(reference)
            inquiry = Inquiry.model_validate(document.data)
            found = store.get_many(ASSIGNMENTS, [assignment_id(reference, id) for id in inquiry.visible_to])
            if len(found) == len(inquiry.visible_to):
                break  # else it has changed hands between the two readings
        else:
            raise Unavailable(f"{reference} changes hands")
        parts = [(Assignment.model_validate(one.data), one.version) for one in found]
        return cls(
            store,
            reference,
            inquiry,
            document.version,
            {part.organisation: part for part, _ in parts},
            now,
            {part.organisation: version for part, version in parts},
            {part.organisation: part.answered_at for part, _ in parts},
        )

    @property
    def lead(self) -> Assignment | None:
        """The part of the organisation that leads; None until the inquiry is routed."""
        return self.assignments.get(self.inquiry.lead or "")

    # -- changing --

    def add_part(
        self, part: Part, organisation: Organisation, queue: str, target_hours: float, since: datetime
    ) -> Assignment:
        """A new part of ``organisation``, its clock running since ``since``."""
        it = self.inquiry
        assignment = Assignment(
            inquiry=self.reference,
            organisation=organisation.id,
            part=part,
            queue=organisation.queue(queue),
            target_hours=target_hours,
            remind_at=self.now,
            due_at=self.now,
            state=it.state,
            subject=it.subject,
            requester=it.requester.name,
            country=it.requester.country,
            language=it.language,
            topics=it.topics,
            received_at=it.received_at,
            updated_at=self.now,
        )
        self._start_clock(assignment, organisation, since)
        self.assignments[organisation.id] = assignment
        return assignment

    def _start_clock(self, part: Assignment, organisation: Organisation, since: datetime) -> None:
        calendar = WorkingTime(organisation)
        part.remind_at = calendar.due(since, part.target_hours * REMIND_AFTER)
        part.due_at = calendar.due(since, part.target_hours)
        part.clock, part.next_at, part.late, part.round = "running", part.remind_at, False, self.inquiry.round

    def _new_round(self, organisations: dict[str, Organisation]) -> None:
        """The requester waits for us again: the targets of all who take part start anew, unless they are running."""
        parts = [part for part in self.assignments.values() if not part.ended_at]
        if all(part.clock == "running" for part in parts):
            return
        self.inquiry.round += 1
        for part in parts:
            self._start_clock(part, organisations[part.organisation], self.now)

    def stop_clocks(self) -> None:
        """No part is due any more, nor late, until a new round."""
        for part in self.assignments.values():
            part.clock, part.next_at, part.late = "stopped", None, False

    # -- its state, which nothing else sets --

    def routed(self) -> None:
        """Its parts are made. What its requester closed meanwhile stays closed."""
        if self.inquiry.state == "received":
            self._follow_lead()
        elif self.inquiry.state == "closed":
            self.stop_clocks()

    def give(self, part: Assignment, person: str) -> None:
        """``person``: an address of the staff, who has the part from now on."""
        part.assignee = person
        if part.part == "lead" and self.inquiry.state in ("routed", "reopened"):
            self.inquiry.state = "assigned"

    def give_lead(self, part: Assignment) -> None:
        """``part`` leads from now on; what the former lead wished to erase is not the new one's wish."""
        part.part, self.inquiry.lead, self.inquiry.erasure_proposed = "lead", part.organisation, None
        if self.inquiry.state in ("routed", "assigned"):
            self._follow_lead()

    def answered(self, awaits_reply: bool) -> None:
        """The time of the first answer stays; no part is due any more. ``awaits_reply``: the requester writes next."""
        it = self.inquiry
        it.state = "waiting" if awaits_reply else "answered"
        it.answered_at = it.answered_at or self.now
        self.stop_clocks()

    def close(self, actor: str, organisation: str | None) -> None:
        """``actor`` is an address of the staff, with their ``organisation``, or ``REQUESTER``."""
        it = self.inquiry
        it.state, it.closed_at, it.closed_by = "closed", self.now, actor
        self.stop_clocks()
        self.audit(actor, organisation, "close")

    def reopen(self, organisations: dict[str, Organisation]) -> None:
        """Into the state of an inquiry that waits for us. One that does already stays as it is."""
        it = self.inquiry
        if it.state == "closed":
            it.state, it.closed_at, it.closed_by = "reopened", None, None
        elif it.state in ("answered", "waiting"):
            self._follow_lead()
        self._new_round(organisations)

    def erase(self) -> None:
        """Empty what names the person."""
        it = self.inquiry
        it.requester, it.subject, it.last_mail_id = it.requester.emptied(), "", None
        it.state, it.erased_at, it.erasure_proposed = "closed", self.now, None
        self.stop_clocks()
        for part in self.assignments.values():
            part.subject, part.requester, part.terms = "", "", []

    def _follow_lead(self) -> None:
        self.inquiry.state = "assigned" if self.lead and self.lead.assignee else "routed"

    # -- its parts and clocks --

    def end_part(self, part: Assignment) -> None:
        """Nobody works on it any more and its clock stands; the inquiry goes on."""
        part.ended_at, part.assignee = self.now, ""
        part.clock, part.next_at, part.late = "stopped", None, False

    def resume_part(self, part: Assignment, organisation: Organisation) -> None:
        """Within the round in which it ended, its target is the one that it had."""
        part.ended_at = None
        if self.inquiry.state in ("answered", "waiting", "closed"):
            return
        if part.round < self.inquiry.round:
            self._start_clock(part, organisation, self.now)
        else:
            part.clock, part.next_at = "running", part.due_at if part.reminded else part.remind_at

    def say(self, message: MessageDoc, id: str | None = None) -> str:
        """Add to the thread; returns the message's id."""
        id = id or f"{self.reference}:{secrets.token_hex(8)}"
        self._more.append(Create(MESSAGES, id, message.data()))
        return id

    def audit(self, actor: str, organisation: str | None, action: str, **detail: Any) -> None:
        """Add an entry to the audit trail, committed with the change. ``detail`` is JSON."""
        entry = AuditEntry(
            time=self.now,
            inquiry=self.reference,
            actor=actor,
            organisation=organisation,
            action=action,
            detail=detail,
        )
        self._more.append(Create(AUDIT, secrets.token_hex(12), entry.data()))

    def announce(self, payload: Payload, id: str | None = None) -> None:
        """Tell others with the commit. ``id`` is the bus event's, for one that must not be told twice."""
        self._more.append(outbox_row("inquiries", payload, self.now, id))

    def also(self, *writes: Write) -> None:
        """Commit these together with the case."""
        self._more.extend(writes)

    def also_many(self, writes: Sequence[Write]) -> None:
        """Writes that may be made twice. What one commit cannot hold is written now, before it."""
        ahead = max(0, len(writes) - MAX_WRITES)
        for start in range(0, ahead, MAX_WRITES):
            self.store.commit(writes[start : min(start + MAX_WRITES, ahead)])
        self.also(*writes[ahead:])

    def kept_aside(self) -> list[Document]:
        """The mails about this inquiry that could not be threaded."""
        return list(every(self.store, QUARANTINE, ("inquiry", "==", self.reference)))

    def clock_writes(self, organisation: str) -> list[Write]:
        """Only what the clock did to one part: it must not make stale what somebody is looking at."""
        id = assignment_id(self.reference, organisation)
        data = self.assignments[organisation].data()
        return [Replace(ASSIGNMENTS, id, data, self._versions[organisation]), *self._more]

    def writes(self) -> list[Write]:
        """Everything, the repeated fields of the assignments included."""
        it = self.inquiry
        it.updated_at = self.now
        if it.visible_to != sorted(self.assignments):
            it.visible_to = sorted(self.assignments)
            self._show_kept_aside()
        writes: list[Write] = [Replace(INQUIRIES, self.reference, it.data(), self.version)]
        for id, part in self.assignments.items():
            waits = part.clock == "running" and not part.assignee
            part.backlog = f"{id}/{part.queue}" if waits else None
            part.state, part.updated_at, part.answered_at = it.state, self.now, it.answered_at
            version = self._versions.get(id)
            name = assignment_id(self.reference, id)
            new = (
                Replace(ASSIGNMENTS, name, part.data(), version) if version else Create(ASSIGNMENTS, name, part.data())
            )
            writes.append(new)
        gone = self._versions.keys() - self.assignments.keys()
        writes += [Delete(ASSIGNMENTS, assignment_id(self.reference, id), self._versions[id]) for id in gone]
        answered: dict[str, datetime | None] = dict.fromkeys(self.assignments, it.answered_at)
        return [*writes, *week_changes.changes(it.received_at, self._answered, answered), *self._more]

    def _show_kept_aside(self) -> None:
        """Mail kept aside is for those who share the inquiry now."""
        visible = {"visible_to": self.inquiry.visible_to}
        kept = [one for one in self.kept_aside() if one.data["visible_to"] != self.inquiry.visible_to]
        self.also_many([Replace(QUARANTINE, one.id, one.data | visible, one.version) for one in kept])


def assignment_id(reference: str, organisation: str) -> str:
    """Of the one part that an organisation has in an inquiry."""
    return f"{reference}:{organisation}"


def messages_of(store: Store, reference: str) -> list[tuple[str, MessageDoc]]:
    """The whole thread by id, oldest first."""
    thread = every(store, MESSAGES, ("inquiry", "==", reference), order="at")
    return [(document.id, MessageDoc.model_validate(document.data)) for document in thread]

"""What staff do with an inquiry. Each action is one commit: the change, its audit entry and its announcement.

Every action takes the ``version`` that the person saw and raises ``Stale`` where the inquiry has changed since,
``NotFound`` where they may not see it, ``NotAllowed`` where its state or the requester's choice forbids the action.
What a role may do is asked by the routes (``shared.staff.permissions``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

from functions.inquiries.casework.acting import act
from functions.inquiries.casework.case import QUARANTINE, Case, messages_of
from functions.inquiries.casework.endings import lead_only
from functions.inquiries.casework.models import Assignment, MessageDoc
from functions.inquiries.casework.queries import Reading
from functions.inquiries.casework.recipients import Correspondence, named
from functions.inquiries.content.models import CannedReply
from functions.inquiries.content.repository import Directory
from functions.inquiries.errors import NotAllowed
from functions.inquiries.files import attachments
from functions.inquiries.files.attachments import Attachment, Upload
from functions.inquiries.means import Means, Member
from functions.inquiries.staffing.rota import Rota
from shared import languages
from shared.contracts.inquiries import InquiryAnswered, InquiryAssigned, InquiryClosed
from shared.errors import FaultyFields
from shared.fields import MAX_REASON, written
from shared.ports import Replace, decide
from shared.staff.models import Organisation, Staff
from shared.text import N_

_MARKS = re.compile(r"\{(?:name|reference|staff)\}")
CLOSED = N_("This inquiry is closed. Reopen it first.")
ENDED = N_("Your organisation has ended its part. Take it up again first.")


class Casework:
    """What staff do with an open inquiry."""

    def __init__(self, means: Means, content: Directory, reading: Reading) -> None:
        self._means = means
        self._content = content
        self._reading = reading
        self._mail = Correspondence(means, content)
        self._act = partial(act, means, reading)
        self._rota = Rota(means, content)

    # -- who has it --

    def take(self, staff: Member, reference: str, version: str) -> None:
        """Assign my organisation's part to myself."""

        def change(case: Case) -> None:
            refuse_ended(case, staff)
            case.give(case.assignments[staff.organisation], staff.email)
            case.audit(staff.email, staff.organisation, "take")

        self._act(staff, reference, version, change)

    def assign(self, staff: Member, reference: str, version: str, to: str, reason: str = "") -> None:
        """Give my organisation's part to a colleague of it (an address). Raises ``FaultyFields`` (``to``)."""
        self._act(staff, reference, version, self._giving(staff, self.colleague(staff, to), reason))

    def assign_read(self, staff: Member, case: Case, person: Staff) -> None:
        """The same with what has just been read: ``person`` is a ``colleague``."""
        self._act(staff, case.reference, case.version, self._giving(staff, person), read=case)

    def colleague(self, staff: Member, address: str) -> Staff:
        """Raises ``FaultyFields`` (``to``)."""
        person = self._content.person(address)
        if person is None or person.organisation != staff.organisation or not person.may("inquiries.answer"):
            raise FaultyFields({"to": N_("Choose a colleague of your organisation who answers inquiries.")})
        return person

    def _giving(self, staff: Member, person: Staff, reason: str = "") -> Callable[[Case], None]:
        reason = written("reason", reason, MAX_REASON, needed="")

        def change(case: Case) -> None:
            refuse_ended(case, staff)
            part = case.assignments[staff.organisation]
            case.give(part, person.email)
            case.audit(staff.email, staff.organisation, "assign", to=person.email, reason=reason)
            if person.email != staff.email:
                self._tell_assignee(case, part, person, staff.name, reason)

        return change

    def new_link(self, staff: Member, reference: str, version: str) -> None:
        """Every link to the requester's page until now is void, and the requester gets a new one by mail."""

        def change(case: Case) -> None:
            self._mail.renew_link(case)
            case.audit(staff.email, staff.organisation, "new_link")

        self._act(staff, reference, version, change)

    def hand_over(self, staff: Member, reference: str, version: str, organisation: str, reason: str) -> None:
        """Give my organisation's part to another organisation, which then sees the thread; mine no longer does.

        Raises ``NotAllowed`` for a request confined to one organisation; ``FaultyFields`` (``organisation``,
        ``reason``).
        """
        target = self._content.organisations.get(organisation)
        if target is None or organisation == staff.organisation:
            raise FaultyFields({"organisation": N_("Choose another organisation.")})
        reason = written("reason", reason, MAX_REASON, N_("Say why, for the colleagues who get it."))

        def change(case: Case) -> None:
            refuse_ended(case, staff)
            if case.inquiry.confined:
                raise NotAllowed(N_("The requester shares this with your organisation only."))
            part, person = self._move(case, case.assignments.pop(staff.organisation), target)
            case.audit(staff.email, staff.organisation, "hand_over", to=organisation, reason=reason)
            self._tell_assignee(case, part, person, staff.name, reason)

        self._act(staff, reference, version, change)

    def _move(self, case: Case, mine: Assignment, target: Organisation) -> tuple[Assignment, Staff | None]:
        """My part to ``target``, into the part that it may have already; with who has it there."""
        theirs = case.assignments.get(target.id)
        if theirs is not None and theirs.ended_at:
            case.resume_part(theirs, target)
        if theirs is None:
            theirs = case.add_part(mine.part, target, "", mine.target_hours, case.now)
            theirs.terms = mine.terms
            if mine.clock == "stopped":
                theirs.clock, theirs.next_at = "stopped", None
        if not theirs.assignee and (turn := self._rota.next(target, theirs.queue, case.inquiry.language)):
            theirs.assignee = turn[0].email
            case.also(turn[1])
        if mine.part == "lead":
            case.give_lead(theirs)
        return theirs, self._content.person(theirs.assignee) if theirs.assignee else None

    def _tell_assignee(self, case: Case, part: Assignment, person: Staff | None, given_by: str, reason: str) -> None:
        key = f"assigned:{case.version}"
        payload = InquiryAssigned(
            **self._mail.staff_facts(case, part, latest_request(self._means, case.reference)),
            recipients=[self._mail.to_staff(case.reference, part.organisation, person, key)],
            given_by=given_by,
            reason=reason,
        )
        case.announce(payload)

    # -- the conversation --

    def answer(
        self,
        staff: Member,
        reference: str,
        version: str,
        text: str,
        uploads: Sequence[Upload] = (),
        awaits_reply: bool = False,
        close: bool = False,
    ) -> None:
        """Write to the requester; it stops the target's clock. ``awaits_reply``: a question, the state is ``waiting``.

        Raises ``FaultyFields`` (``text``, ``attachments``).
        """
        text, files = written("text", text), attachments.check(uploads)

        def change(case: Case) -> None:
            refuse_ended(case, staff)
            if close:
                lead_only(case, staff)
            answer_case(
                case, self._message(staff, case, "answer", text, files), self._mail, self._content, awaits_reply
            )
            if close:
                case.close(staff.email, staff.organisation)
                case.announce(InquiryClosed(reference=reference, subject=case.inquiry.subject, recipients=[]))

        self._act(staff, reference, version, change, files, uploads)

    def note(self, staff: Member, reference: str, version: str, text: str, uploads: Sequence[Upload] = ()) -> None:
        """An internal note, for the staff of the organisations that share the inquiry."""
        text, files = written("text", text), attachments.check(uploads)

        def change(case: Case) -> None:
            case.say(self._message(staff, case, "note", text, files))
            case.audit(staff.email, staff.organisation, "note")

        self._act(staff, reference, version, change, files, uploads)

    def _message(self, staff: Member, case: Case, kind: str, text: str, files: list[Attachment]) -> MessageDoc:
        return MessageDoc.model_validate(
            {
                "inquiry": case.reference,
                "at": case.now,
                "kind": kind,
                "author": staff.name,
                "email": staff.email,
                "organisation": staff.organisation,
                "text": text,
                "attachments": files,
            }
        )

    def canned_replies(self, staff: Member, reference: str) -> list[tuple[CannedReply, str]]:
        """Those for this organisation and the inquiry's topics, with their text filled in, in its language."""
        inquiry = self._reading.case(staff, reference).inquiry
        filled = {"{name}": inquiry.requester.name, "{reference}": reference, "{staff}": staff.name}
        found = []
        for reply in self._content.canned_replies.values():
            ours = not reply.organisations or staff.organisation in reply.organisations
            fits = not reply.topics or not set(reply.topics).isdisjoint(inquiry.topics)
            if ours and fits:
                text = languages.text(reply.text, inquiry.language)
                found.append((reply, _MARKS.sub(lambda mark: filled[mark[0]], text).strip()))
        return found

    # -- mail kept aside --

    def settle(self, staff: Member, id: str) -> None:
        """A quarantined mail has been seen to. Settling it twice changes nothing. Raises ``NotFound``."""

        def attempt() -> None:
            kept, version = self._reading.quarantined(staff, id)
            if kept.state == "open":
                kept.settle(staff.email)
                self._means.store.commit([Replace(QUARANTINE, id, kept.data(), version)])

        decide(attempt)


def answer_case(
    case: Case,
    message: MessageDoc,
    mail: Correspondence,
    content: Directory,
    awaits_reply: bool = False,
    id: str | None = None,
) -> None:
    """Somebody of the staff answers, at the desk or by mail."""
    assert message.organisation is not None
    part, organisation = case.assignments[message.organisation], content.organisations[message.organisation]
    part.assignee, part.ended_at = part.assignee or message.email, None
    case.answered(awaits_reply)
    kept = case.say(message, id)
    case.audit(message.email, message.organisation, "answer", awaits_reply=awaits_reply)
    payload = InquiryAnswered(
        reference=case.reference,
        subject=case.inquiry.subject,
        recipients=[mail.to_requester(case.reference, case.inquiry, kept)],
        author=message.author,
        organisation=languages.text(organisation.name, case.inquiry.language),
        text=message.text,
        awaits_reply=awaits_reply,
        attachments=named(message.attachments),
    )
    case.announce(payload)


def latest_request(means: Means, reference: str) -> str:
    """What the requester wrote last."""
    texts = [message.text for _, message in messages_of(means.store, reference) if message.kind in ("request", "reply")]
    return texts[-1] if texts else ""


def refuse_ended(case: Case, staff: Member) -> None:
    """Raises ``NotAllowed`` where the inquiry is closed, or the organisation's part in it has ended."""
    if case.inquiry.state == "closed":
        raise NotAllowed(CLOSED)
    if case.assignments[staff.organisation].ended_at:
        raise NotAllowed(ENDED)

"""How an inquiry ends, and begins again: close, reopen, one organisation's part, erasure.

What concerns everybody belongs to the organisation that leads; a supporting one ends its own part only. Erasure cannot
be undone, so two people of the lead decide it: one asks for it, another one does it. Errors are those of ``casework``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from functions.inquiries.casework.acting import act
from functions.inquiries.casework.case import MESSAGES, QUARANTINE, Case, messages_of
from functions.inquiries.casework.models import Assignment, ErasureProposal
from functions.inquiries.casework.queries import Reading
from functions.inquiries.casework.recipients import Correspondence
from functions.inquiries.content.repository import Directory
from functions.inquiries.errors import NotAllowed
from functions.inquiries.means import Means, Member
from shared.contracts.bus_events import BusEvent
from shared.contracts.inquiries import InquiryClosed, InquiryErased, InquiryReopened
from shared.errors import FaultyFields
from shared.fields import MAX_REASON, written
from shared.ports import Delete, Replace, Write
from shared.text import N_

LEAD_ONLY = N_("Only the organisation that leads closes, reopens and erases. Yours can end its own part.")
CLOSED_ALREADY = N_("This inquiry is closed.")
LEADS = N_("Your organisation leads: close the inquiry, or hand it over.")


class Endings:
    """What ends an inquiry or a part of it, and takes it up again."""

    def __init__(self, means: Means, content: Directory, reading: Reading) -> None:
        self._means = means
        self._content = content
        self._reading = reading
        self._mail = Correspondence(means, content)
        self._act = partial(act, means, reading)

    # -- for everybody --

    def close(self, staff: Member, reference: str, version: str) -> None:
        """By the lead; the requester is told. Raises ``NotFound``, ``NotAllowed``, ``Stale``."""

        def change(case: Case) -> None:
            refuse_closing(case, staff)
            case.close(staff.email, staff.organisation)
            recipient = self._mail.to_requester(reference, case.inquiry, f"closed:{case.version}")
            case.announce(InquiryClosed(reference=reference, subject=case.inquiry.subject, recipients=[recipient]))

        self._act(staff, reference, version, change)

    def reopen(self, staff: Member, reference: str, version: str) -> None:
        """By the lead: targets start anew, the requester is told. Raises ``NotFound``, ``NotAllowed``, ``Stale``."""

        def change(case: Case) -> None:
            lead_only(case, staff)
            if case.inquiry.state != "closed":
                raise NotAllowed(N_("This inquiry is open."))
            case.reopen(self._content.organisations)
            case.audit(staff.email, staff.organisation, "reopen")
            recipient = self._mail.to_requester(reference, case.inquiry, f"reopened:{case.version}")
            case.announce(InquiryReopened(reference=reference, subject=case.inquiry.subject, recipients=[recipient]))

        self._act(staff, reference, version, change)

    # -- one part --

    def end_part(self, staff: Member, reference: str, version: str) -> None:
        """My supporting organisation has done its part: nobody has it, nothing reminds of it, all can see that."""

        def change(case: Case) -> None:
            part = _supporting(case, staff)
            if part.ended_at:
                raise NotAllowed(N_("Your organisation has ended its part."))
            case.end_part(part)
            case.audit(staff.email, staff.organisation, "end_part")

        self._act(staff, reference, version, change)

    def resume_part(self, staff: Member, reference: str, version: str) -> None:
        """Take my organisation's part up again; it is mine then."""

        def change(case: Case) -> None:
            part = _supporting(case, staff)
            if not part.ended_at:
                raise NotAllowed(N_("Your organisation takes part."))
            case.resume_part(part, self._content.organisations[part.organisation])
            part.assignee = staff.email
            case.audit(staff.email, staff.organisation, "resume_part")

        self._act(staff, reference, version, change)

    # -- erasure --

    def propose_erasure(self, staff: Member, reference: str, version: str, reason: str) -> None:
        """Ask a colleague to erase it. Raises ``FaultyFields`` (``reason``) where the person has not asked for it."""
        reason = written("reason", reason, MAX_REASON, needed="")

        def change(case: Case) -> None:
            lead_only(case, staff)
            if case.inquiry.erasure_proposed:
                raise NotAllowed(N_("A colleague has asked for erasure already."))
            if not reason and not case.inquiry.erasure_requested_at:
                raise FaultyFields({"reason": N_("Say why: the person has not asked for it.")})
            case.inquiry.erasure_proposed = ErasureProposal(by=staff.email, at=case.now, reason=reason)
            case.audit(staff.email, staff.organisation, "propose_erasure", reason=reason)

        self._act(staff, reference, version, change)

    def withdraw_erasure(self, staff: Member, reference: str, version: str) -> None:
        """By a colleague of the lead. Raises ``NotFound``, ``Stale``; ``NotAllowed`` where nobody asked for erasure."""

        def change(case: Case) -> None:
            _proposal(case, staff)
            case.inquiry.erasure_proposed = None
            case.audit(staff.email, staff.organisation, "withdraw_erasure")

        self._act(staff, reference, version, change)

    def erase(self, staff: Member, reference: str, version: str) -> None:
        """Remove the person's data and texts for good; reference, dates, topics and the audit trail stay.

        The pages let focal points and administrators do it, and here it is somebody else than who asked for it. Files
        go with the event (``on_erased``), which survives a crash.
        """

        def change(case: Case) -> None:
            proposal = _proposal(case, staff)
            if proposal.by == staff.email:
                raise NotAllowed(N_("You asked for it yourself: another focal point or administrator erases it."))
            requested, files = case.inquiry.erasure_requested_at is not None, self._forget(case)
            case.audit(staff.email, staff.organisation, "erase", proposed_by=proposal.by)
            others = [id for id in case.assignments if id != case.inquiry.lead]
            case.announce(
                InquiryErased(
                    reference=reference,
                    subject="",
                    recipients=[self._mail.to_staff(reference, id, None, "erased") for id in others],
                    organisation=self._content.short_names.get(staff.organisation, staff.organisation),
                    requested=requested,
                    files=files,
                )
            )

        self._act(staff, reference, version, change)

    def on_erased(self, event: BusEvent) -> Sequence[Write]:
        """Handler of ``inquiry.erased``; deleting a file twice is no error."""
        assert isinstance(event.payload, InquiryErased)
        for name in event.payload.files:
            self._means.files.delete(name)
        return ()

    def _forget(self, case: Case) -> list[str]:
        """Empty what names the person; returns the files that go with it."""
        case.erase()
        writes: list[Write] = []
        files: list[str] = []
        for id, message in messages_of(self._means.store, case.reference):
            files += message.files
            writes.append(Replace(MESSAGES, id, message.emptied().data(), None))
        for document in case.kept_aside():
            files.append(document.data["file"])
            writes.append(Delete(QUARANTINE, document.id, None))
        case.also_many(writes)
        return files


def refuse_closing(case: Case, staff: Member) -> None:
    """Raises ``NotAllowed``."""
    lead_only(case, staff)
    if case.inquiry.state == "closed":
        raise NotAllowed(CLOSED_ALREADY)


def lead_only(case: Case, staff: Member) -> None:
    """Raises ``NotAllowed``."""
    if case.inquiry.lead != staff.organisation:
        raise NotAllowed(LEAD_ONLY)


def _supporting(case: Case, staff: Member) -> Assignment:
    if case.inquiry.lead == staff.organisation:
        raise NotAllowed(LEADS)
    return case.assignments[staff.organisation]


def _proposal(case: Case, staff: Member) -> ErasureProposal:
    lead_only(case, staff)
    if case.inquiry.erasure_proposed is None:
        raise NotAllowed(N_("Nobody has asked for erasure: the request was withdrawn, or the lead has changed."))
    return case.inquiry.erasure_proposed

"""Events of the inquiries slice. Each says who is to be written to, so that notification can mail without asking."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, Literal

from shared.contracts.bus_events import Payload
from shared.fields import Zone

Outcome = Literal["leads", "supports", "failed", "not_needed", "set_aside"]


class Finding(Payload):
    """What one rule said of an inquiry. ``adds``: the organisations that it brought in, the lead first."""

    rule: str
    title: str
    outcome: Outcome
    condition: str | None = None  # the first that failed
    wanted: list[str] = []  # any of these would have met it
    adds: list[str] = []

    @property
    def matches(self) -> bool:
        """Whether the rule applies to the inquiry, also where another one or the requester decided instead."""
        return self.outcome in ("leads", "supports", "set_aside")

    def sentence(self, _: Callable[[str], str], names: dict[str, str]) -> str:
        """For people, in the language of the gettext function ``_``; ``names`` are the organisations'."""
        adds = ", ".join(names.get(id, id) for id in self.adds)
        if self.outcome == "leads":
            return _("Matches first: {organisations} (the first named leads).").format(organisations=adds)
        if self.outcome == "supports":
            if not adds:
                return _("Matches as well, and adds nobody.")
            return _("Matches as well: {organisations} support.").format(organisations=adds)
        if self.outcome == "set_aside":
            return _("Matches, but the requester's choice comes first.")
        if self.outcome == "not_needed":
            return _("Not needed: another rule matches.")
        reasons = {
            "topics": _("Does not match: none of the topics {wanted}."),
            "requester_types": _("Does not match: the requester is none of {wanted}."),
            "countries": _("Does not match: the country is none of {wanted}."),
            "languages": _("Does not match: the language is none of {wanted}."),
            "activities": _("Does not match: the activity is none of {wanted}."),
            "words": _("Does not match: none of the words {wanted}."),
        }
        return reasons[self.condition or "topics"].format(wanted=", ".join(self.wanted))


class Explanation(Payload):
    """Why an inquiry went where it went: every rule of the set, in the order in which they were tried."""

    rules_version: str
    lead: str
    supporting: list[str]
    queue: str
    target_hours: float
    confined_to: str | None = None  # the one organisation that the requester shares with
    findings: list[Finding]
    names: dict[str, str]  # of the organisations, short

    def summary(self, _: Callable[[str], str]) -> str:
        """One sentence: who answers, with whose support."""
        lead = self.names.get(self.lead, self.lead)
        if self.confined_to:
            return _("{lead} answers alone: the requester shares the request with no one else.").format(lead=lead)
        if not self.supporting:
            return _("{lead} leads, without support.").format(lead=lead)
        others = ", ".join(self.names.get(id, id) for id in self.supporting)
        return _("{lead} leads, with the support of {others}.").format(lead=lead, others=others)

    def told(self, _: Callable[[str], str]) -> list[tuple[Finding, str]]:
        """Every rule with what it said."""
        return [(finding, finding.sentence(_, self.names)) for finding in self.findings]


class Recipient(Payload):
    """One person to write to, and how the mail takes its place in this person's conversation (RFC 5322, 3.6.4)."""

    name: str
    email: str
    language: str
    link: str  # the status page, or the inquiry at the desk
    reply_to: str  # signed address: an answer by mail finds its thread
    message_id: str  # with angle brackets
    references: list[str] = []  # oldest first; the last is the one that this mail answers


class InquiryPayload(Payload):
    """What every event about an inquiry says: ``recipients`` are those to whom a mail goes."""

    topic: ClassVar[str] = "inquiries"

    reference: str
    subject: str
    recipients: list[Recipient]


class AttachedFile(Payload):
    """Only named in mails: the file itself is behind the link."""

    name: str
    size: int  # bytes


class InquiryReceived(InquiryPayload):
    """A request came in and is kept. To the requester: the acknowledgement. Routing starts from it, too."""

    type: ClassVar[str] = "inquiry.received"
    message: str
    topics: list[str]  # names, in the requester's language


class InquiryLinkMailed(InquiryPayload):
    """To the requester, on request: the link that holds; or a new one, which makes those before void."""

    type: ClassVar[str] = "inquiry.link_mailed"


class StaffPayload(InquiryPayload):
    """To staff of one organisation; ``message`` is the latest that the requester wrote."""

    organisation: str  # short name
    requester: str
    requester_organisation: str
    country: str
    message: str
    due_at: datetime
    timezone: Zone  # of the organisation


class InquiryRouted(StaffPayload):
    """One organisation's part. To the assignee, or to the focal point where nobody can take it (``assigned`` False)."""

    type: ClassVar[str] = "inquiry.routed"
    leads: bool
    assigned: bool
    explanation: Explanation
    attachments: list[AttachedFile] = []


class InquiryAssigned(StaffPayload):
    """Given to somebody later: from the backlog, by a colleague, or with a part that came from another organisation."""

    type: ClassVar[str] = "inquiry.assigned"
    given_by: str  # a person's name; empty: the rota
    reason: str


class InquiryReminderDue(StaffPayload):
    """To the assignee (else the focal point) while there is still time. Outbox id ``remind:{reference}:...``."""

    type: ClassVar[str] = "inquiry.reminder_due"


class InquiryEscalated(StaffPayload):
    """To the focal point: the target passed without an answer. Outbox id ``escalate:{reference}:...``."""

    type: ClassVar[str] = "inquiry.escalated"
    assignee: str  # a person's name; empty: nobody has it


class InquiryMessageReceived(StaffPayload):
    """The requester wrote again. To the assignees of all parts, or their focal points."""

    type: ClassVar[str] = "inquiry.message_received"
    reopened: bool
    attachments: list[AttachedFile] = []
    mailed_from: str = ""  # the requester's address, where the message came by mail from it


class InquiryErasureRequested(StaffPayload):
    """The requester wants everything erased. To the lead's focal point."""

    type: ClassVar[str] = "inquiry.erasure_requested"


class InquiryErased(InquiryPayload):
    """The person's data are gone, and ``subject`` is empty. To the focal points of the others that shared it."""

    type: ClassVar[str] = "inquiry.erased"
    organisation: str  # short name of the lead, which did it
    requested: bool  # the person had asked for it
    files: list[str] = []  # names in the Files port that go with it


class InquiryAnswered(InquiryPayload):
    """To the requester: an answer, or a question (``awaits_reply``)."""

    type: ClassVar[str] = "inquiry.answered"
    author: str
    organisation: str  # full name, in the requester's language
    text: str
    awaits_reply: bool
    attachments: list[AttachedFile] = []


class InquiryClosed(InquiryPayload):
    """To the requester, unless they closed it (then ``recipients`` is empty)."""

    type: ClassVar[str] = "inquiry.closed"


class InquiryReopened(InquiryPayload):
    """Staff reopened it: to the requester. The requester did: to nobody, the message or the lists tell staff."""

    type: ClassVar[str] = "inquiry.reopened"

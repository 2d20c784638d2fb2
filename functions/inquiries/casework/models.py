"""What the inquiries slice stores of inquiries themselves, and the form that they arrive in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import ConfigDict, Field, computed_field

from functions.inquiries.content.models import SHARE_WITH_ALL, RequesterType
from functions.inquiries.files.attachments import Attachment
from shared.documents import Stored
from shared.fields import Consent, Country, Email, Instant, Language, Line, OptionalLine, Prose
from shared.formats.addresses import address_key
from shared.names import Named, name_of
from shared.text import N_

State = Literal["received", "routed", "assigned", "answered", "waiting", "closed", "reopened"]
Part = Literal["lead", "supporting"]
LINK_LIFE = timedelta(days=366)


class InquiryRequest(Named):
    """The contact form: the body of ``POST /api/inquiries``. Attachments travel beside it."""

    model_config = ConfigDict(str_strip_whitespace=True)

    email: Email
    country: Country
    organisation: OptionalLine = ""
    requester_type: RequesterType
    topics: list[str] = Field(default=[], max_length=20, description=N_("By their ids."))
    activity: str | None = Field(default=None, description=N_("The `id` of the activity whose page led here."))
    subject: Line
    message: Prose
    language: Language = "en"
    share_with: str = Field(
        default=SHARE_WITH_ALL, description=N_("Or the id of the one organisation that may see it.")
    )
    consent: Consent


class Requester(Stored):
    """Who asked, as they wrote it; texts are empty once erased. ``country`` is ISO 3166-1 alpha-2."""

    given_name: str
    family_name: str
    full_name: str = ""  # where it is not given name and family name in this order
    email: str
    country: str
    organisation: str
    type: RequesterType

    @property
    def name(self) -> str:
        """As people read it; empty once erased."""
        return name_of(self.full_name, self.given_name, self.family_name)

    def emptied(self) -> Requester:
        """What may be kept of somebody whose data are erased."""
        return Requester(given_name="", family_name="", email="", country=self.country, organisation="", type=self.type)


class ErasureProposal(Stored):
    """Somebody of the lead has asked a colleague to erase an inquiry."""

    by: str  # address of the staff
    at: Instant
    reason: str  # may be empty where the person has asked


class Inquiry(Stored):
    """Collection ``inquiries``, id: the reference. Only ``queries.py`` reads it for staff."""

    state: State = "received"
    requester: Requester
    topics: list[str]
    activity: str | None
    subject: str
    language: str
    share_with: str
    received_at: Instant
    updated_at: Instant
    visible_to: list[str] = []  # the organisations that have an assignment; empty until it is routed
    lead: str | None = None
    explanation: dict[str, Any] | None = None  # shared.contracts.inquiries.Explanation
    rules_version: str | None = None
    answered_at: Instant | None = None  # the first answer
    closed_at: Instant | None = None
    closed_by: str | None = None  # an address of the staff, or "requester"
    round: int = 1  # how often the requester has waited for us; each round has its own target
    last_mail_id: str | None = None  # Message-ID of the requester's latest mail
    link_version: int = 0  # the generation of status links that holds
    erasure_requested_at: Instant | None = None  # by the person
    erasure_proposed: ErasureProposal | None = None
    erased_at: Instant | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def address(self) -> str:
        """The same for every spelling of the requester's address: what their requests are found by. "" once erased."""
        return address_key(self.requester.email) if self.requester.email else ""

    @property
    def links_until(self) -> datetime:
        """Status links live from one change, and the mail that tells of it, to a year after the last."""
        return self.updated_at + LINK_LIFE

    @property
    def confined(self) -> bool:
        """Whether the requester shares it with one organisation only, which must not pass it on."""
        return self.share_with != SHARE_WITH_ALL


class Assignment(Stored):
    """Collection ``assignments``, id ``{reference}:{organisation}``: one organisation's part in one inquiry.

    It repeats what lists show and filter by, so that an organisation's list is one query over its own documents:
    what is not assigned to an organisation cannot appear in its lists or its search.
    """

    inquiry: str
    organisation: str
    part: Part
    queue: str
    assignee: str = ""  # address of the staff; empty: nobody yet
    backlog: str | None = None  # "{organisation}/{queue}" while it is open and nobody's
    target_hours: float
    remind_at: Instant
    due_at: Instant
    clock: Literal["running", "stopped"] = "running"
    next_at: Instant | None = None  # when the clock acts next: remind_at, then due_at
    reminded: bool = False
    late: bool = False  # the target passed unanswered
    round: int = 1
    ended_at: Instant | None = None  # a supporting organisation has done its part
    # repeated from the inquiry
    state: State
    subject: str
    requester: str
    country: str
    language: str
    topics: list[str]
    received_at: Instant
    updated_at: Instant
    answered_at: Instant | None = None
    terms: list[str] = []  # words and prefixes to search by


class MessageDoc(Stored):
    """Collection ``inquiry_messages``: one entry of a thread, ordered by ``at``. Notes never leave the staff."""

    inquiry: str
    at: Instant
    kind: Literal["request", "reply", "answer", "note", "auto_reply"]
    author: str  # a person's name
    email: str
    organisation: str | None = None  # of the staff; None: the requester
    text: str
    quoted: str = ""  # what the mail repeated of earlier ones
    attachments: list[Attachment] = []
    mail_id: str | None = None  # Message-ID, where it came by mail
    mail: str | None = None  # the whole mail, in the Files port
    is_cut: bool = False  # the mail says more than stands here

    @property
    def mail_key(self) -> str:
        """What the whole mail is called in links; empty where there is none."""
        return (self.mail or "").rpartition("/")[2]

    @property
    def files(self) -> list[str]:
        """All that it has in the Files port."""
        return [*(attachment.file for attachment in self.attachments), *([self.mail] if self.mail else [])]

    def emptied(self) -> MessageDoc:
        """That something was written, without who and what."""
        gone: dict[str, Any] = {"author": "", "email": "", "text": "", "quoted": "", "attachments": []}
        return self.model_copy(update=gone | {"mail_id": None, "mail": None, "is_cut": False})


Reason = Literal[
    "unknown_address",
    "forged_address",
    "expired_address",
    "ambiguous_address",
    "unknown_sender",
    "unverified_sender",
    "closed",
    "too_large",
    "attachment_refused",
    "sealed",
    "empty",
    "malformed",
]


class Quarantined(Stored):
    """Collection ``quarantine``: an inbound mail that could not be threaded; ``file`` holds it raw."""

    received_at: Instant
    state: Literal["open", "settled"] = "open"
    reason: Reason
    detail: str = ""
    sender: str
    recipients: list[str]
    subject: str
    inquiry: str | None = None  # where the address was genuine
    visible_to: list[str]
    file: str
    settled_by: str | None = None

    def settle(self, by: str) -> None:
        """Somebody (an address of the staff) has seen to it."""
        self.state, self.settled_by = "settled", by

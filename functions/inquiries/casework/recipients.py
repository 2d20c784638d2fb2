"""What mails about an inquiry need: who gets them, signed addresses to answer to, their place in a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from functions.inquiries.casework.case import Case
from functions.inquiries.casework.models import Assignment, Inquiry, MessageDoc
from functions.inquiries.content.repository import Directory
from functions.inquiries.files.attachments import Attachment
from functions.inquiries.means import Means
from shared.contracts.inquiries import AttachedFile, InquiryLinkMailed, InquiryMessageReceived, Recipient
from shared.formats.addresses import folded_address
from shared.keys.ids import key_of, normal_reference
from shared.keys.links import RENEWED_LIFE, Link
from shared.staff.models import Staff

REPLY_LIFE = timedelta(days=366)
REQUESTER_PARTY = "r"  # in a reply address, in the place of an organisation
PREFIX = "reply+"
LINK_PURPOSE = "inquiry"  # of status links


class Correspondence:
    """Whom a mail about an inquiry goes to, and where an answer to it leads."""

    def __init__(self, means: Means, content: Directory) -> None:
        self._means = means
        self._content = content

    def status_link(self, link: Link) -> str:
        """The address of the requester's page, signed: whoever has it gets in."""
        return f"{self._means.base_url}/i/{link.token(self._means.tokens, LINK_PURPOSE)}"

    def lasting_link(self, reference: str, inquiry: Inquiry) -> str:
        """The link that holds, and does so for some time even where the inquiry is old."""
        expires = self._means.clock.now() + RENEWED_LIFE
        return self.status_link(Link(reference, inquiry.link_version, expires))

    def renew_link(self, case: Case) -> None:
        """Every status link until now is void; the requester gets a new one."""
        case.inquiry.link_version += 1
        case.announce(self.link_payload(case, f"link:{case.inquiry.link_version}"))

    def link_payload(self, case: Case, key: str) -> InquiryLinkMailed:
        """The link that holds, by mail. ``key`` as in ``to_requester``."""
        link = self.lasting_link(case.reference, case.inquiry)
        recipient = self.to_requester(case.reference, case.inquiry, key).model_copy(update={"link": link})
        return InquiryLinkMailed(reference=case.reference, subject=case.inquiry.subject, recipients=[recipient])

    def to_requester(self, reference: str, inquiry: Inquiry, key: str) -> Recipient:
        """``key`` names the mail within the inquiry; the acknowledgement's is empty and begins the conversation."""
        first = self._message_id(reference, REQUESTER_PARTY)
        latest = [inquiry.last_mail_id] if inquiry.last_mail_id else []
        return Recipient(
            name=inquiry.requester.name,
            email=inquiry.requester.email,
            language=inquiry.language,
            link=self.status_link(Link(reference, inquiry.link_version)),
            reply_to=self._reply_address(reference, REQUESTER_PARTY),
            message_id=self._message_id(reference, REQUESTER_PARTY, key) if key else first,
            references=[first, *latest] if key else [],
        )

    def to_staff(self, reference: str, organisation: str, person: Staff | None, key: str) -> Recipient:
        """To ``person``, or to the organisation's focal point. The routed mail's ``key`` is empty."""
        focal_point = self._content.organisations[organisation].focal_point
        person = person or self._content.person(focal_point)
        email = person.email if person else focal_point
        first = self._message_id(reference, organisation)
        return Recipient(
            name=person.name if person else self._content.organisations[organisation].short_name,
            email=email,
            language=person.languages[0] if person else "en",
            link=f"{self._means.base_url}/desk/inquiries/{reference}",
            reply_to=self._reply_address(reference, organisation),
            message_id=self._message_id(reference, organisation, email, key) if key else first,
            references=[first] if key else [],
        )

    def staff_facts(self, case: Case, part: Assignment, message: str) -> dict[str, Any]:
        """The fields that all mails to staff of one organisation share."""
        organisation, requester = self._content.organisations[part.organisation], case.inquiry.requester
        return {
            "reference": case.reference,
            "subject": case.inquiry.subject,
            "organisation": organisation.short_name,
            "requester": requester.name,
            "requester_organisation": requester.organisation,
            "country": requester.country,
            "message": message,
            "due_at": part.due_at,
            "timezone": organisation.timezone,
        }

    def tell_staff_of_message(self, case: Case, message: MessageDoc, id: str, reopened: bool) -> None:
        """The requester wrote: the assignee, or the focal point, of each organisation that takes part gets it."""
        address = case.inquiry.requester.email
        by_mail = message.mail_id is not None and folded_address(message.email) == folded_address(address)
        mailed_from = address if by_mail else ""
        for organisation, part in case.assignments.items():
            if part.ended_at:
                continue
            person = self._content.person(part.assignee) if part.assignee else None
            case.announce(
                InquiryMessageReceived(
                    **self.staff_facts(case, part, message.text),
                    recipients=[self.to_staff(case.reference, organisation, person, id)],
                    reopened=reopened,
                    attachments=named(message.attachments),
                    mailed_from=mailed_from,
                )
            )

    def _reply_address(self, reference: str, party: str) -> str:
        value = f"{reference.replace('-', '').lower()}.{party}"
        token = self._means.tokens.sign_folded("reply", value, self._means.clock.now() + REPLY_LIFE)
        return f"{PREFIX}{token}@{self._means.mail_domain}"

    def read_reply_token(self, token: str) -> tuple[str, str]:
        """The reference and the party (``REQUESTER_PARTY`` or an organisation) of a reply address.

        Raises ``shared.keys.tokens.BadToken``, ``ExpiredToken``.
        """
        value = self._means.tokens.read_folded("reply", token, self._means.clock.now())
        reference, _, party = value.partition(".")
        return normal_reference(reference), party

    def _message_id(self, *parts: str) -> str:
        return f"<{key_of('inquiry', *parts)[:32]}@{self._means.mail_domain}>"


def named(files: Sequence[Attachment]) -> list[AttachedFile]:
    """Files as a mail lists them: name and size in bytes."""
    return [AttachedFile(name=file.name, size=file.size) for file in files]

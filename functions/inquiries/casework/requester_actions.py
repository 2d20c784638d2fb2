"""The requester's side: a request comes in, and its status page behind the signed link."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from functions.inquiries.casework.case import INQUIRIES, MESSAGES, REQUESTER, Case, messages_of
from functions.inquiries.casework.drafts import Drafts
from functions.inquiries.casework.models import Inquiry, InquiryRequest, MessageDoc, Requester
from functions.inquiries.casework.recipients import LINK_PURPOSE, Correspondence
from functions.inquiries.content.models import SHARE_WITH_ALL
from functions.inquiries.content.repository import Directory
from functions.inquiries.errors import Gone, NotFound
from functions.inquiries.files import attachments
from functions.inquiries.files.attachments import Attachment, Upload
from functions.inquiries.means import Means
from shared import languages
from shared.contracts.bus_events import outbox_row
from shared.contracts.inquiries import InquiryClosed, InquiryErasureRequested, InquiryReceived, InquiryReopened
from shared.errors import FaultyFields
from shared.fields import NOT_LISTED, written
from shared.idempotency import Key
from shared.keys.ids import key_of, new_reference
from shared.keys.links import Link
from shared.keys.tokens import BadToken
from shared.ports import Conflict, Create, Write, decide
from shared.text import N_

TO_REQUESTER = ("request", "reply", "answer")  # kinds of messages that the requester may see


@dataclass(frozen=True)
class Received:
    """The answer to a request."""

    reference: str
    status_link: str  # absolute URL, signed: /i/{token}


@dataclass(frozen=True)
class Status:
    """What the requester sees. ``inquiry.lead`` is an organisation's id; ``messages``: without notes, oldest first."""

    reference: str
    inquiry: Inquiry
    messages: list[MessageDoc]


class Requests:
    """What a requester does, with the form or behind the signed link."""

    def __init__(self, means: Means, content: Directory) -> None:
        self._means = means
        self._content = content
        self._mail = Correspondence(means, content)
        self.drafts = Drafts(means)

    # -- coming in --

    def receive(
        self,
        request: InquiryRequest,
        uploads: Sequence[Upload] = (),
        idempotency_key: str | None = None,
        draft: str = "",
    ) -> Received:
        """Keep the request and announce it. The same key and request again, or the same draft: the first answer again.

        Args:
            draft: the token of what it was written in, which is over then.

        Raises ``FaultyFields`` (unknown topic, organisation or activity; a file too large or of a refused kind),
        ``KeyReused``, ``DraftEnded``, ``Unavailable``.
        """
        key = _key(request, uploads, idempotency_key) if idempotency_key else None
        files: list[Attachment] | None = None

        def attempt() -> str:
            nonlocal files
            if key and (answer := key.answer(self._means.store)):
                return str(answer["reference"])
            begun = self.drafts.written(draft) if draft else None
            if begun and begun.sent:
                return begun.sent
            if files is None:
                self._check(request)
                files = attachments.check(uploads)
                attachments.write(self._means.files, files, uploads)
            now, reference = self._means.clock.now(), new_reference()
            writes = self._new_inquiry(reference, request, files, now)
            if key:
                writes.append(key.answering({"reference": reference}, now))
            if begun:
                writes.append(begun.becoming(reference, now))
            self._means.store.commit(writes)
            return reference

        return self.received(decide(attempt))

    def received(self, reference: str) -> Received:
        """The answer to the request that became ``reference``."""
        return Received(reference, self._mail.status_link(Link(reference)))

    def _check(self, request: InquiryRequest) -> None:
        errors = {}
        unknown = [topic for topic in request.topics if topic not in self._content.topics]
        if unknown:
            errors["topics"] = NOT_LISTED
        if request.activity is not None and request.activity not in self._content.activities:
            errors["activity"] = N_("There is no such activity.")
        if request.share_with != SHARE_WITH_ALL and request.share_with not in self._content.organisations:
            errors["share_with"] = NOT_LISTED
        if errors:
            raise FaultyFields(errors)

    def _new_inquiry(
        self, reference: str, request: InquiryRequest, files: list[Attachment], now: datetime
    ) -> list[Write]:
        requester = Requester(
            given_name=request.given_name,
            family_name=request.family_name,
            full_name=request.full_name,
            email=request.email,
            country=request.country,
            organisation=request.organisation,
            type=request.requester_type,
        )
        inquiry = Inquiry(
            requester=requester,
            topics=list(dict.fromkeys(request.topics)),
            activity=request.activity,
            subject=request.subject,
            language=request.language,
            share_with=request.share_with,
            received_at=now,
            updated_at=now,
        )
        message = MessageDoc(
            inquiry=reference,
            at=now,
            kind="request",
            author=requester.name,
            email=requester.email,
            text=request.message,
            attachments=files,
        )
        names = [self._content.topics[topic].name for topic in inquiry.topics]
        payload = InquiryReceived(
            reference=reference,
            subject=inquiry.subject,
            recipients=[self._mail.to_requester(reference, inquiry, "")],
            message=request.message,
            topics=[languages.text(name, request.language) for name in names],
        )
        return [
            Create(INQUIRIES, reference, inquiry.data()),
            Create(MESSAGES, f"{reference}:request", message.data()),
            outbox_row("inquiries", payload, now),
        ]

    # -- the status page --

    def link(self, token: str) -> Link:
        """What a status link ``/i/{token}`` says. Raises ``shared.keys.tokens.BadToken``.

        Whether it still holds is asked by everything that is done with it, which raises ``VoidLink`` (a ``BadToken``).
        """
        return Link.read(self._means.tokens, LINK_PURPOSE, token)

    def new_link(self, token: str) -> None:
        """Mail the requester a link. One that holds until now is void from then on; for one that does not any more,
        at most once an hour. Nothing where it never was ours, or leads to nothing any more."""
        try:
            link = self.link(token)
            decide(lambda: self._mail_link(link))
        except (BadToken, NotFound):
            return

    def _mail_link(self, link: Link) -> None:
        case = Case.load(self._means.store, link.reference, self._means.clock.now())
        if link.holds(case.inquiry.link_version, case.inquiry.links_until, case.now):
            self._mail.renew_link(case)
            case.audit(REQUESTER, None, "new_link")
            self._means.store.commit(case.writes())
            return
        self._mail_once_more(case)

    def send_again(self, link: Link) -> None:
        """Mail the link that holds once more, at most once an hour. Raises ``Gone``, ``VoidLink``."""
        self._mail_once_more(self._case(link))

    def _mail_once_more(self, case: Case) -> None:
        payload = self._mail.link_payload(case, f"again:{case.now:%Y%m%d%H}")
        id = f"link:{case.reference}:{case.now:%Y%m%d%H}"
        with suppress(Conflict):
            self._means.store.commit([outbox_row("inquiries", payload, case.now, id)])

    def status(self, link: Link) -> Status:
        """Raises ``Gone`` (never existed, or erased), ``VoidLink``."""
        case = self._case(link)
        return Status(link.reference, case.inquiry, self._messages(link.reference))

    def add_message(self, link: Link, text: str, key: str, uploads: Sequence[Upload] = ()) -> None:
        """A further message; it reopens a closed inquiry. With the same ``key`` it is added once.

        Raises ``FaultyFields``, ``Gone``, ``VoidLink``.
        """
        reference, text = link.reference, written("text", text)
        files = attachments.check(uploads)
        id = f"{reference}:{key_of(reference, key)[:16]}"
        self._case(link)
        if self._means.store.get(MESSAGES, id):
            return
        attachments.write(self._means.files, files, uploads)

        def attempt() -> None:
            case = self._case(link)
            if self._means.store.get(MESSAGES, id):
                return
            requester = case.inquiry.requester
            message = MessageDoc(
                inquiry=reference,
                at=case.now,
                kind="reply",
                author=requester.name,
                email=requester.email,
                text=text,
                attachments=files,
            )
            take_message(case, message, self._mail, self._content, id)
            self._means.store.commit(case.writes())

        decide(attempt)

    def close(self, link: Link) -> None:
        """The requester needs no more. Closing a closed inquiry changes nothing."""

        def attempt() -> None:
            case = self._case(link)
            if case.inquiry.state == "closed":
                return
            case.close(REQUESTER, None)
            case.announce(InquiryClosed(reference=case.reference, subject=case.inquiry.subject, recipients=[]))
            self._means.store.commit(case.writes())

        decide(attempt)

    def reopen(self, link: Link) -> None:
        """Reopening an open inquiry changes nothing."""

        def attempt() -> None:
            case = self._case(link)
            if case.inquiry.state != "closed":
                return
            case.reopen(self._content.organisations)
            case.audit(REQUESTER, None, "reopen")
            case.announce(InquiryReopened(reference=case.reference, subject=case.inquiry.subject, recipients=[]))
            self._means.store.commit(case.writes())

        decide(attempt)

    def ask_erasure(self, link: Link) -> None:
        """Tells the lead's focal point, once; staff erase with ``Endings.erase``."""

        def attempt() -> None:
            case = self._case(link)
            if case.inquiry.erasure_requested_at:
                return
            case.inquiry.erasure_requested_at = case.now
            case.audit(REQUESTER, None, "ask_erasure")
            if case.lead:
                recipient = self._mail.to_staff(case.reference, case.lead.organisation, None, "erasure")
                facts = self._mail.staff_facts(case, case.lead, "")
                case.announce(InquiryErasureRequested(**facts, recipients=[recipient]))
            self._means.store.commit(case.writes())

        decide(attempt)

    def attachment(self, link: Link, id: str) -> tuple[str, str, bytes]:
        """Name, media type and content, of a message the requester may see. Raises ``Gone``, ``VoidLink``."""
        self._case(link)
        if found := read_attachment(self._means, self._messages(link.reference), id):
            return found
        raise Gone(id)

    def _case(self, link: Link) -> Case:
        """What a link that holds leads to. Raises ``Gone``, ``VoidLink``."""
        try:
            case = Case.load(self._means.store, link.reference, self._means.clock.now())
        except NotFound:
            raise Gone(link.reference) from None
        link.check(case.inquiry.link_version, case.inquiry.links_until, case.now)
        return case

    def _messages(self, reference: str) -> list[MessageDoc]:
        return [message for _, message in messages_of(self._means.store, reference) if message.kind in TO_REQUESTER]


def take_message(
    case: Case, message: MessageDoc, mail: Correspondence, content: Directory, id: str | None = None
) -> None:
    """The requester wrote, on the page or by mail: it opens again what was closed or answered, and staff are told."""
    was_closed = case.inquiry.state == "closed"
    case.reopen(content.organisations)
    kept = case.say(message, id)
    case.audit(REQUESTER, None, "message")
    mail.tell_staff_of_message(case, message, kept, was_closed)


def read_attachment(means: Means, messages: Sequence[MessageDoc], id: str) -> tuple[str, str, bytes] | None:
    """Name, media type and content; None where no message has it."""
    for message in messages:
        for attachment in message.attachments:
            if attachment.id == id and (found := means.files.read(attachment.file)):
                return attachments.saved_name(message.inquiry, attachment), attachment.media_type, found[0]
    return None


def _key(request: InquiryRequest, uploads: Sequence[Upload], key: str) -> Key:
    files = [hashlib.sha256(upload.content).hexdigest() for upload in uploads]
    return Key.of("inquiries", key, request="\n".join([request.model_dump_json(exclude=request.unsaid), *files]))

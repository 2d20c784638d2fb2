"""Mail that comes back: threaded by its signed address, or kept aside for the desk. Never lost, never guessed.

A reply address says which inquiry it belongs to and whether the requester or an organisation got it; the sender must
be that party. A provider may deliver a mail again and again: its Message-ID makes it one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from functions.inquiries.casework import quarantine
from functions.inquiries.casework.case import INQUIRIES, MESSAGES, QUARANTINE, Case
from functions.inquiries.casework.models import MessageDoc, Quarantined, Reason
from functions.inquiries.casework.recipients import PREFIX, REQUESTER_PARTY, Correspondence
from functions.inquiries.casework.requester_actions import take_message
from functions.inquiries.casework.staff_actions import answer_case, refuse_ended
from functions.inquiries.content.repository import Directory
from functions.inquiries.errors import MailNotFound, NotFound
from functions.inquiries.files import attachments
from functions.inquiries.files.attachments import Attachment, Upload
from functions.inquiries.inbound_mail import authentication, parse, quotations
from functions.inquiries.inbound_mail.headers import Malformed
from functions.inquiries.inbound_mail.parse import Content, Head
from functions.inquiries.means import Means, Member
from shared.errors import FaultyFields
from shared.fields import without_unprintable
from shared.formats.addresses import folded_address
from shared.keys.ids import ALPHABET, key_of, normal_reference
from shared.keys.tokens import BadToken, ExpiredToken
from shared.ports import Create, Replace, decide
from shared.staff.models import Staff
from shared.text import N_

MAX_MAIL = 25 * 2**20  # bytes of a raw mail
MAX_TEXT = 200_000  # bytes (UTF-8) of new and of quoted text that one message holds; a document holds 1 MiB
_REFERENCE = re.compile(rf"(?<![A-Z0-9])[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}(?![A-Z0-9])")


@dataclass(frozen=True)
class Outcome:
    """``threaded``: part of the conversation. ``recorded``: an automatic mail, kept and told to nobody.
    ``quarantined``: kept aside, for ``reason``. ``duplicate``: it was taken before."""

    kind: Literal["threaded", "recorded", "quarantined", "duplicate"]
    reason: str = ""
    inquiry: str | None = None


class _Aside(Exception):
    """This mail is for the desk to look at. ``detail`` tells more, in English (for gettext) or in no language."""

    def __init__(self, reason: Reason, detail: str = "", inquiry: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.inquiry = reason, detail, inquiry


class Inbound:
    """Takes raw mails (RFC 5322) from the provider's hook."""

    def __init__(self, means: Means, content: Directory) -> None:
        self._means = means
        self._content = content
        self._mail = Correspondence(means, content)

    def take(self, raw: bytes, recipients: Sequence[str] = (), envelope_sender: str | None = None) -> Outcome:
        """Take one mail in. Returns when it is kept, wherever it belongs. Raises ``Unavailable``.

        Its address and sender are looked at first: what is not for us is not read any further.

        Args:
            recipients: of the SMTP transaction, where the provider tells them, besides those in the headers.
        """
        recipients = [without_unprintable(one)[: parse.MAX_ADDRESS] for one in recipients[: parse.MAX_RECIPIENTS]]
        head = None
        try:
            head = parse.read_head(raw, envelope_sender)
            reference, party = self._thread_of([*map(folded_address, recipients), *head.recipients])
            if len(raw) > MAX_MAIL:
                raise _Aside("too_large", f"{len(raw) / 1e6:.1f} MB", reference)
            return self._take(raw, head, reference, party)
        except Malformed as error:
            return self._aside(raw, head, recipients, _Aside("malformed", str(error)))
        except _Aside as aside:
            return self._aside(raw, head, recipients, aside)

    # -- where it belongs --

    def _thread_of(self, addresses: Sequence[str]) -> tuple[str, str]:
        """Reference and party of the one inquiry that the addresses name."""
        domain = f"@{self._means.mail_domain}"
        tokens = [
            address.removesuffix(domain).removeprefix(PREFIX)
            for address in dict.fromkeys(addresses)
            if address.startswith(PREFIX) and address.endswith(domain)
        ]
        if not tokens:
            raise _Aside("unknown_address")
        found, refused = {}, []
        for token in tokens:
            try:
                reference, party = self._mail.read_reply_token(token)
                found[reference] = party
            except ExpiredToken as error:
                reference = normal_reference(error.value.partition(".")[0])
                refused.append(_Aside("expired_address", inquiry=self._known(reference)))
            except BadToken:
                reference = normal_reference(token.partition(".")[0])
                refused.append(_Aside("forged_address", inquiry=self._known(reference)))
        if not found:
            raise refused[0]
        if len(found) > 1:
            raise _Aside("ambiguous_address", ", ".join(sorted(found)), min(found))
        return next(iter(found.items()))

    def _known(self, reference: str) -> str | None:
        return reference if self._means.store.get(INQUIRIES, reference) else None

    # -- taking it in --

    def _take(self, raw: bytes, head: Head, reference: str, party: str) -> Outcome:
        store, key = self._means.store, _key(head, raw, reference)
        id, name = f"{reference}:{key}", f"mails/{key}"
        if store.get(MESSAGES, id):
            return Outcome("duplicate", inquiry=reference)
        person = None if head.automatic else self._author(head, self._case(reference), party)
        content = parse.read_content(raw)
        if person and _is_long(content):  # an answer goes on to the requester: whole, or not at all
            raise _Aside("too_large", inquiry=reference)
        uploads = [] if head.automatic else self._uploads(content, reference)
        files = attachments.check(uploads)

        def attempt() -> Outcome:
            if store.get(MESSAGES, id):
                return Outcome("duplicate", inquiry=reference)
            case = self._case(reference)
            if person:
                self._author(head, case, party)  # again: it may have changed hands meanwhile
            message = self._message(head, content, case, person, files)
            message.mail = name
            if head.automatic:  # beside the inquiry: nobody's work on it becomes stale
                store.commit([Create(MESSAGES, id, message.data())])
                return Outcome("recorded", head.automatic, reference)
            if person is None:
                case.inquiry.last_mail_id = head.message_id or None
                take_message(case, message, self._mail, self._content, id)
            else:
                _reopen(case, person)
                answer_case(case, message, self._mail, self._content, id=id)
            store.commit(case.writes())
            return Outcome("threaded", inquiry=reference)

        attachments.write(self._means.files, files, uploads)
        self._means.files.write(name, raw, "message/rfc822")  # the same mail again has the same name
        try:
            outcome = decide(attempt)
        except _Aside:
            self._discard(name, *(file.file for file in files))
            raise
        if outcome.kind == "duplicate":
            self._discard(*(file.file for file in files))
        return outcome

    def _discard(self, *names: str) -> None:
        for name in names:
            self._means.files.delete(name)

    def _case(self, reference: str) -> Case:
        try:
            return Case.load(self._means.store, reference, self._means.clock.now())
        except NotFound:
            raise _Aside("expired_address", N_("The inquiry was erased."), self._known(reference)) from None

    def _author(self, head: Head, case: Case, party: str) -> Staff | None:
        """The member of staff who wrote it; None: the requester did."""
        is_requester = head.sender == folded_address(case.inquiry.requester.email)
        person = self._content.person(head.sender) if party != REQUESTER_PARTY and not is_requester else None
        if person and (person.organisation != party or party not in case.assignments):
            person = None
        if not is_requester and not (person and person.may("inquiries.answer")):
            raise _Aside("unknown_sender", inquiry=case.reference)
        if not self._means.trusts_senders:
            verified = authentication.verdict(head.authentication, self._means.authserv, head.sender)
            if not verified.is_verified:
                raise _Aside("unverified_sender", verified.says, case.reference)
        return person

    def _uploads(self, content: Content, reference: str) -> list[Upload]:
        """What is kept as files beside the text."""
        if content.is_sealed:
            raise _Aside("sealed", inquiry=reference)
        if not content.text and not content.files and not content.pictures:
            raise _Aside("empty", inquiry=reference)
        uploads = [*content.files, *_welcome(content.pictures, content.files)]
        try:
            attachments.check(uploads)
        except FaultyFields as error:
            total = sum(len(upload.content) for upload in uploads)
            reason: Reason = "too_large" if total > attachments.MAX_TOTAL else "attachment_refused"
            raise _Aside(reason, error.values.get("file", ""), reference) from None
        return uploads

    def _message(
        self, head: Head, content: Content, case: Case, person: Member | None, files: list[Attachment]
    ) -> MessageDoc:
        split = quotations.split(content.text, self._means.mail_domains)
        new, quoted = map(_fitting, split)
        return MessageDoc(
            inquiry=case.reference,
            at=case.now,
            kind="auto_reply" if head.automatic else "answer" if person else "reply",
            author=person.name if person else case.inquiry.requester.name if not head.automatic else head.sender_name,
            email=person.email if person else head.sender,
            organisation=person.organisation if person else None,
            text=new,
            quoted=quoted,
            attachments=files,
            mail_id=head.message_id or None,
            is_cut=content.is_cut or (new, quoted) != split,
        )

    # -- kept aside --

    def _aside(self, raw: bytes, head: Head | None, recipients: Sequence[str], aside: _Aside) -> Outcome:
        reference = aside.inquiry or (self._named_in(head.subject) if head else None)
        id = _key(head, raw, ",".join(sorted(recipients)))
        kept = Quarantined(
            received_at=self._means.clock.now(),
            reason=aside.reason,
            detail=aside.detail,
            sender=head.sender if head else "",
            recipients=list(dict.fromkeys([*recipients, *(head.recipients if head else ())]))[:20],
            subject=head.subject[:200] if head else "",
            inquiry=reference,
            visible_to=[] if reference else sorted(self._content.organisations),
            file=f"quarantine/{id}",
        )
        self._means.files.write(kept.file, raw, "message/rfc822")
        if not quarantine.keep(self._means.store, id, kept):
            return Outcome("duplicate", aside.reason)
        return Outcome("quarantined", aside.reason, reference)

    def _named_in(self, subject: str) -> str | None:
        found = _REFERENCE.search(subject.upper())
        return self._known(found.group()) if found else None

    def thread_by_hand(self, staff: Member, id: str, reference: str, as_answer: bool = False) -> None:
        """Somebody of the staff read a mail kept aside and says where it belongs: it becomes a message there.

        Raises ``NotFound`` (the mail, or the inquiry), ``FaultyFields`` (``reference``) for a mail without readable
        text, ``NotAllowed`` where they could not answer at the desk either.

        Args:
            as_answer: it goes to the requester, in the name of ``staff``; else it is what its sender wrote to us.
        """
        head, content, uploads = self._readable(self._open(staff, id)[0])
        files = attachments.check(uploads)
        attachments.write(self._means.files, files, uploads)

        def attempt() -> None:
            kept, version = self._open(staff, id)
            case = Case.load(self._means.store, reference, self._means.clock.now())
            if staff.organisation not in case.inquiry.visible_to:
                raise NotFound(reference)
            message = self._message(head, content, case, staff if as_answer else None, files)
            message.mail = kept.file
            if as_answer:
                message.kind = "answer"
                refuse_ended(case, staff)
                answer_case(case, message, self._mail, self._content, id=f"{reference}:{id}")
            else:
                message.kind, message.author = "reply", head.sender_name
                take_message(case, message, self._mail, self._content, f"{reference}:{id}")
            case.audit(staff.email, staff.organisation, "thread_mail")
            kept.settle(staff.email)
            kept.inquiry, kept.visible_to = reference, case.inquiry.visible_to
            case.also(Replace(QUARANTINE, id, kept.data(), version))
            self._means.store.commit(case.writes())

        decide(attempt)

    def _open(self, staff: Member, id: str) -> tuple[Quarantined, str]:
        """A mail that waits for somebody, with its version. Raises ``MailNotFound``."""
        kept, version = quarantine.one(self._means.store, staff, id)
        if kept.state != "open":
            raise MailNotFound(id)
        return kept, version

    def _readable(self, kept: Quarantined) -> tuple[Head, Content, list[Upload]]:
        """The mail, and those of its files that are taken. Raises ``FaultyFields``."""
        raw = self._means.files.read(kept.file)
        try:
            head, content = parse.read_head(raw[0] if raw else b""), parse.read_content(raw[0] if raw else b"")
        except Malformed:
            message = N_("This mail cannot be read. Save it and copy what matters into a note.")
            raise FaultyFields({"reference": message}) from None
        files = _welcome(content.files)
        return head, content, files + _welcome(content.pictures, files)


def _reopen(case: Case, staff: Staff) -> None:
    """An answer of the lead opens what was closed. Raises ``_Aside`` for another's."""
    if case.inquiry.state == "closed" and case.inquiry.lead != staff.organisation:
        raise _Aside("closed", inquiry=case.reference)
    case.inquiry.closed_at = case.inquiry.closed_by = None


def _welcome(uploads: Sequence[Upload], beside: Sequence[Upload] = ()) -> list[Upload]:
    """Those that are taken, as many as there is room for. The others are in the whole mail: a logo, say."""
    room, left, taken = attachments.MAX_TOTAL, attachments.MAX_FILES - len(beside), []
    room -= sum(len(upload.content) for upload in beside)
    for upload in uploads:
        if left > 0 and len(upload.content) <= room and attachments.is_taken(upload):
            taken.append(upload)
            left, room = left - 1, room - len(upload.content)
    return taken


def _is_long(content: Content) -> bool:
    return content.is_cut or _fitting(content.text) != content.text


def _fitting(text: str) -> str:
    encoded = text.encode()
    return text if len(encoded) <= MAX_TEXT else encoded[:MAX_TEXT].decode("utf-8", "ignore")


def _key(head: Head | None, raw: bytes, address: str) -> str:
    """The same mail to the same address, however often it is delivered."""
    identity = head.message_id if head and head.message_id else hashlib.sha256(raw).hexdigest()
    return key_of(identity, address)

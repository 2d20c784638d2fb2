"""How much mail one address gets because somebody typed it into a form.

Anybody can type anybody's address. Mails that only answer a form go out one by one up to a limit in a day; what comes
on top is gathered, and one mail lists it. Addresses that have shown that they want our mail (somebody followed a link
or answered) have a higher limit. What staff write, confirmations, reminders and codes are never held back, nor is a
search for links, which has a limit of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from functions.notification.mails.mail import Mail
from functions.notification.mails.own_notices import Item, Kind, MailsMerged
from shared.contracts.bus_events import BusEvent, Payload
from shared.contracts.inquiries import InquiryLinkMailed, InquiryMessageReceived, InquiryReceived
from shared.contracts.registration import (
    RegistrationConfirmed,
    RegistrationExpired,
    RegistrationLinkMailed,
    RegistrationPayload,
    RegistrationReceived,
    RegistrationRepeated,
    RegistrationWaitlisted,
)
from shared.formats.addresses import address_key
from shared.ports import Clock, Create, Data, Document, Replace, Store, Write, from_utc_text, utc_text

MAILBOXES = "mailboxes"
MAX_SINGLE = 3  # mails a day to an address that has confirmed nothing
MAX_SINGLE_CONFIRMED = 20
DAY = timedelta(days=1)
GATHER = timedelta(minutes=15)  # from the first mail held back to the merged one
APART = timedelta(hours=6)  # between two merged mails
APART_AT_LEAST = timedelta(hours=1)  # where a link in the second would end before
MAX_LISTED = 30  # in one merged mail; the others are counted
KEEP, KEEP_CONFIRMED = timedelta(days=2), timedelta(days=90)
PAGE = 50


class Verdict(NamedTuple):
    """What becomes of a mail; ``writes`` are committed with its delivery."""

    single: bool  # whether the mail goes out by itself
    writes: list[Write]


@dataclass(frozen=True)
class Mailboxes:
    """The books: one document for each address, under its hash.

    Args:
        limit: single mails in a day to an address that has confirmed nothing; 0: no limit for anybody.
    """

    store: Store
    clock: Clock
    limit: int = MAX_SINGLE

    def judge(self, event: BusEvent, mail: Mail) -> Verdict:
        """Whether ``mail`` may go out by itself, and the writes that count or keep it: commit them with it."""
        item = _item(event.payload)
        if item is None or not self.limit:
            return Verdict(True, [])
        key, now = address_key(mail.to.email), self.clock.now()
        known = self.store.get(MAILBOXES, key)
        book = dict(known.data) if known else _new(now)
        if from_utc_text(book["since"]) + DAY <= now:
            book |= {"since": utc_text(now), "count": 0}
        single = book["count"] < (max(MAX_SINGLE_CONFIRMED, self.limit) if book["confirmed"] else self.limit)
        if single:
            book["count"] += 1
        else:
            _hold(book, item, mail, now)
        return Verdict(single, [_kept(key, known, book, now)])

    def confirmed_by(self, event: BusEvent) -> list[Write]:
        """The writes for an event that proves an address: its owner followed a link or answered."""
        address = _proven(event.payload)
        if not address or not self.limit:
            return []
        key, now = address_key(address), self.clock.now()
        known = self.store.get(MAILBOXES, key)
        if known and known.data["confirmed"] and from_utc_text(known.data["expire_at"]) > now + KEEP_CONFIRMED / 2:
            return []
        book = {**(known.data if known else _new(now)), "confirmed": True}
        if book["held"]:
            book["due_at"] = utc_text(now)
        return [_kept(key, known, book, now)]

    def due(self) -> Sequence[Document]:
        """Books with mails to be merged now; a page of them, the longest due first."""
        return self.store.query(MAILBOXES, ("due_at", "<=", utc_text(self.clock.now())), order="due_at", limit=PAGE)

    def merged(self, due: Document) -> tuple[BusEvent | None, Write]:
        """What the merged mail tells (None where every link in it has ended), and the write that empties the book."""
        now, book = self.clock.now(), dict(due.data)
        items = [item for item in map(Item.model_validate, book["held"]) if not item.until or item.until > now]
        payload = MailsMerged(email=book["recipient"], language=book["language"], items=items, more=book["more"])
        event = BusEvent(f"merged:{due.id}:{book['due_at']}", now, "", payload) if items else None
        for name in ("due_at", "recipient", "language"):
            del book[name]
        book |= {"held": [], "more": 0, "merged_at": utc_text(now)}
        return event, _kept(due.id, due, book, now)


def _new(now: datetime) -> Data:
    return {"since": utc_text(now), "count": 0, "confirmed": False, "held": [], "more": 0}


def _hold(book: Data, item: Item, mail: Mail, now: datetime) -> None:
    """The latest about one reference counts: an earlier link may be void, or over, by then."""
    others = [other for other in book["held"] if other["reference"] != item.reference]
    if len(others) < MAX_LISTED:
        book["held"] = [*others, item.model_dump(mode="json")]
    else:
        book["more"] += 1
    last = from_utc_text(book["merged_at"]) if "merged_at" in book else now - APART
    apart = APART_AT_LEAST if item.until and item.until <= last + APART else APART
    due_at = utc_text(max(last + apart, now + GATHER))
    book |= {"recipient": mail.to.email, "language": mail.language, "due_at": min(due_at, book.get("due_at", due_at))}


def _kept(key: str, known: Document | None, book: Data, now: datetime) -> Write:
    book["expire_at"] = utc_text(now + (KEEP_CONFIRMED if book["confirmed"] else KEEP))
    return Replace(MAILBOXES, key, book, known.version) if known else Create(MAILBOXES, key, book)


def _item(payload: Payload) -> Item | None:
    """What a merged mail says instead; None for a mail that is never held back."""
    match payload:
        case InquiryReceived() | InquiryLinkMailed():
            return Item(kind="request", link=payload.recipients[0].link, reference=payload.reference)
        case RegistrationReceived():
            return _of_event(payload, "verify", payload.verify_link, payload.verify_by)
        case RegistrationRepeated():
            return _of_event(payload, "repeated", payload.manage_link)
        case RegistrationLinkMailed():
            return _of_event(payload, "link", payload.manage_link)
        case RegistrationExpired():
            return _of_event(payload, "expired", payload.event.page)
    return None


def _of_event(payload: RegistrationPayload, kind: Kind, link: str, until: datetime | None = None) -> Item:
    facts = payload.event
    return Item(
        kind=kind, link=link, reference=payload.reference, title=facts.title, timezone=facts.timezone, until=until
    )


def _proven(payload: Payload) -> str:
    """The address that an event shows to be its owner's; empty: none."""
    match payload:
        case RegistrationConfirmed() | RegistrationWaitlisted() if payload.verified:
            return payload.registrant.email
        case InquiryMessageReceived():
            return payload.mailed_from
    return ""

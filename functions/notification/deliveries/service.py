"""Deliveries: which mails are owed, who sends them, and what became of each.

A delivery is created together with the claim on its event, so that no mail is forgotten and none is owed twice. It
keeps the event until the mail is sent, and is rendered from it at each attempt: the bytes are the same (``render``),
a tenth of the size, and the personal links are gone from the store once the mail is out.
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from functools import cached_property

from functions.notification.deliveries.mailboxes import MAX_SINGLE, Mailboxes
from functions.notification.deliveries.unheard import Unheard
from functions.notification.mails.composers import mails_for
from functions.notification.mails.mail import Mail
from functions.notification.mails.render import Rendered, render
from shared.contracts.bus_events import BusEvent, parse
from shared.formats.addresses import address_key, ascii_address
from shared.institution.repository import Institution
from shared.observability import tracing
from shared.observability.logs import enter_trace
from shared.ports import (
    MAX_COUNTED,
    Clock,
    Conflict,
    Create,
    Cursor,
    Data,
    Delete,
    Document,
    Mailer,
    NoSuchMailbox,
    PermanentMailError,
    RecipientRefused,
    Replace,
    Store,
    Write,
    decide,
    having,
    utc_text,
)
from shared.staff import unreachable
from shared.text import N_

REFUSED_EARLIER = N_("Mail to this address was refused for good earlier.")
TOO_LATE = N_("It could not be sent in time: what it says is over.")
DELIVERIES = "deliveries"
SUPPRESSIONS = "suppressions"
STATES = ("queued", "sent", "failed", "suppressed", "merged")
LEASE = timedelta(minutes=2)  # longer than a sending can take
SEND_SECONDS = 25.0  # none begins later in a push: with the time that one may take, it ends before the push's deadline
KEEP = timedelta(days=90)
SECOND_REFUSAL = timedelta(days=7)  # within which another refused mail suppresses an address
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=4)
ATTEMPTS = 14  # about 28 hours
PAGE = 50
log = logging.getLogger(__name__)


def wait_after(attempt: int) -> timedelta:
    """The pause after the failed ``attempt`` (from 1): doubled each time, with up to a quarter of jitter."""
    doubled: timedelta = FIRST_WAIT * 2 ** (attempt - 1)
    return min(doubled, LONGEST_WAIT) * random.uniform(1.0, 1.25)


@dataclass(frozen=True)
class Deliveries:
    """The books of outgoing mail.

    A delivery that is ``queued`` is sent by whoever first moves its ``due_at`` beyond the present: that is the lease,
    and where its holder dies, the delivery falls due again by itself. Whose push creates it has the first lease, from
    the commit on: a duplicate finds it leased, and so does whoever cannot know whether the commit was his. A death
    between the relay's answer and our record makes a second copy, which carries the same Message-ID.

    Args:
        mail_from: ``onestop <noreply@example.org>``.
        lease: how long a sender has a delivery for itself.
        singles: mails a day to one address because somebody typed it into a form (``mailboxes``).
    """

    store: Store
    mailer: Mailer
    clock: Clock
    mail_from: str
    lease: timedelta = LEASE
    singles: int = MAX_SINGLE
    base_url: str = ""  # the public origin, for links to the desk

    # -- for the intake --

    def owed(self, event: BusEvent) -> Sequence[Write]:
        """The deliveries that ``event`` calls for, to be committed with the claim on it: leased, for ``send_for``."""
        writes = self.mailboxes.confirmed_by(event)
        for mail in mails_for(event):
            verdict = self.mailboxes.judge(event, mail)
            record = self._lease(self._queued(event, mail)) if verdict.single else self._record(event, mail, "merged")
            writes += [Create(DELIVERIES, _id(event, mail), record), *verdict.writes]
        return writes

    def send_for(self, event: BusEvent, owed: Sequence[Write]) -> None:
        """Send what has been committed of ``owed``. Without it, whatever ``event`` called for that has fallen due."""
        stop = time.monotonic() + SEND_SECONDS
        ours = [write for write in owed if isinstance(write, Create) and write.collection == DELIVERIES]
        for write in ours:
            if write.data["state"] == "queued" and time.monotonic() < stop:
                self._send(write.id, write.data, event)  # what is left goes with a tick, when its lease has lapsed
        for mail in () if owed else mails_for(event):
            if time.monotonic() < stop and (delivery := self.store.get(DELIVERIES, _id(event, mail))):
                self._send_due(delivery)

    def tick(self) -> None:
        """Each minute: merge what was held back long enough, then send what is due."""
        self._merge_due()
        self.send_due()

    def send_due(self) -> int:
        """Send what was put off or left behind, as much as fits into a push; returns how many were tried."""
        tried, stop = 0, time.monotonic() + SEND_SECONDS
        while time.monotonic() < stop:
            page = self.store.query(
                DELIVERIES,
                ("state", "==", "queued"),
                ("due_at", "<=", utc_text(self.clock.now())),
                order="due_at",
                limit=PAGE,
            )
            for delivery in page:
                if time.monotonic() < stop:
                    self._send_due(delivery)
                    tried += 1
            if len(page) < PAGE:
                break
        return tried

    # -- for the desk --

    def listed(self, state: str, after: Cursor | None = None, limit: int = PAGE, latest: bool = True) -> list[Document]:
        """Deliveries in one state, the ``latest`` or the earliest first."""
        return self.store.query(
            DELIVERIES, ("state", "==", state), order="time", descending=latest, after=after, limit=limit
        )

    def count(self, state: str) -> int:
        """To ``MAX_COUNTED``."""
        return self.store.count(DELIVERIES, ("state", "==", state), having("time"), at_most=MAX_COUNTED)

    def retry(self, id: str) -> bool:
        """Queue a failed or suppressed delivery once more and trust its address again; False where there is none."""

        def attempt() -> bool:
            delivery = self.store.get(DELIVERIES, id)
            if delivery is None or delivery.data["state"] not in ("failed", "suppressed"):
                return False
            again = {**delivery.data, "state": "queued", "attempts": 0, "due_at": utc_text(self.clock.now())}
            trusted = _trusting(delivery.data["recipient"])
            self.store.commit([Replace(DELIVERIES, id, again, delivery.version), *trusted])
            return True

        return decide(attempt)

    def resume(self, organisation: str, id: str, *record: Write) -> None:
        """Write to a colleague again whose mail has stopped. Nothing where this organisation has nobody of that kind.

        Args:
            id: of the line at the desk (``shared.staff.unreachable``).
            record: says in the same commit who did it.
        """
        found = unreachable.find(self.store, id)
        if found and found.organisation == organisation:
            self.store.commit([*_trusting(found.email), *record])

    # -- inside --

    @cached_property
    def institution(self) -> Institution:
        """How mails look."""
        return Institution(self.store, self.clock)

    @property
    def mailboxes(self) -> Mailboxes:
        """The books over the same store."""
        return Mailboxes(self.store, self.clock, self.singles)

    def _record(self, event: BusEvent, mail: Mail, state: str) -> Data:
        return {
            "state": state,
            "type": event.payload.type,
            "recipient": mail.to.email,
            "language": mail.language,
            "time": utc_text(event.time),
            "attempts": 0,
            "expire_at": utc_text(self.clock.now() + KEEP),
        }

    def _queued(self, event: BusEvent, mail: Mail) -> Data:
        record = self._record(event, mail, "queued")
        return {**record, "due_at": utc_text(self.clock.now()), "event": _pack(event)}

    def _merge_due(self) -> None:
        """Owe the merged mails whose time has come. What a page leaves, the next tick takes."""
        for book in self.mailboxes.due():
            event, emptied = self.mailboxes.merged(book)
            mails = [(event, mail) for mail in mails_for(event)] if event else []
            owed = [Create(DELIVERIES, _id(event, mail), self._queued(event, mail)) for event, mail in mails]
            with suppress(Conflict):  # one more was held back just now, or another tick was faster
                self.store.commit([emptied, *owed])

    def _send_due(self, delivery: Document) -> None:
        if leased := self._leased(delivery):
            self._send(delivery.id, leased)

    def _send(self, id: str, leased: Data, event: BusEvent | None = None) -> None:
        """Send what is ours. ``event`` is the one that it keeps, where it has been read already."""
        enter_trace(leased["event"]["attributes"].get("trace"))
        recipient = leased["recipient"]
        try:
            if self._suppressed(recipient):
                self._tell_of(recipient)
                self._close(id, state="suppressed", reason=REFUSED_EARLIER)
                return
            message = self._rendered(id, event or _unpacked(leased["event"]), recipient)
            if message is None:
                self._close(id, state="failed", reason=TOO_LATE)
                return
            attributes = leased["event"]["attributes"]
            about = {"onestop.event.id": attributes["event_id"], "onestop.event.type": attributes["type"]}
            with tracing.span("send mail", "client", about):
                relay = self.mailer.send(message.content, parseaddr(self.mail_from)[1], ascii_address(recipient))
        except PermanentMailError as error:
            if isinstance(error, NoSuchMailbox | RecipientRefused):
                self._note_refusal(id, recipient, error)
            self._close(id, state="failed", reason=str(error))
            log.warning("mail refused for good", extra={"fields": {"delivery": id}})
        except Exception as error:  # a relay's trouble, or a fault of ours that a new release may mend
            self._put_off(id, leased["attempts"], error)
        else:
            now = utc_text(self.clock.now())
            sent = {"sent_at": now, "relay": relay, "message_id": message.message_id}
            self._close(id, state="sent", reason="", **sent)
            labels = {"delivery": id, "type": leased["type"], "relay": relay}
            log.info("mail sent", extra={"fields": labels | {"event_id": leased["event"]["attributes"]["event_id"]}})

    def _leased(self, delivery: Document) -> Data | None:
        """The delivery's content, ours until ``due_at``; None where it is another's, or not to be sent now."""
        now = self.clock.now()
        if delivery.data["state"] != "queued" or delivery.data["due_at"] > utc_text(now):
            return None
        mine = self._lease(delivery.data)
        try:
            self.store.commit([Replace(DELIVERIES, delivery.id, mine, delivery.version)])
        except Conflict:
            return None
        return mine

    def _lease(self, queued: Data) -> Data:
        due_at = utc_text(self.clock.now() + self.lease)
        return {**queued, "due_at": due_at, "attempts": queued["attempts"] + 1}

    def _rendered(self, id: str, event: BusEvent, recipient: str) -> Rendered | None:
        """The message; None where it would come too late to be of use."""
        mail = next(mail for mail in mails_for(event) if mail.to.email == recipient)
        if mail.useless_after and self.clock.now() > mail.useless_after:
            return None
        return render(mail, id, self.mail_from, event.time, self.institution.look(mail.theme))

    def _suppressed(self, recipient: str) -> bool:
        return self._suppression(recipient) is not None

    def _suppression(self, recipient: str) -> Data | None:
        document = self.store.get(SUPPRESSIONS, address_key(recipient))
        return document.data if document and "once" not in document.data else None

    def _tell_of(self, recipient: str) -> None:
        """Of a colleague who has joined, or was told nothing of, since mail to the address stopped."""

        def attempt() -> None:
            if suppressed := self._suppression(recipient):
                self.store.commit(self._telling(recipient, suppressed["reason"], suppressed["expire_at"]))

        decide(attempt)

    def _telling(self, recipient: str, reason: str, expire_at: str) -> list[Write]:
        """That mail to ``recipient`` stops, where that is one of the staff: a line at the desk, and mails owed."""
        unheard = Unheard(self.store, self.clock, self.base_url, self._suppressed)
        writes, event = unheard.told(recipient, reason, expire_at)
        mails = [(event, mail) for mail in mails_for(event)] if event else []
        return [*writes, *(Create(DELIVERIES, _id(event, mail), self._queued(event, mail)) for event, mail in mails)]

    def _note_refusal(self, id: str, recipient: str, refusal: Exception) -> None:
        """An address is suppressed when its mailbox does not exist, or when it refuses a second mail within days.
        Where it is one of the staff, others are told in the same commit."""
        now, key = self.clock.now(), address_key(recipient)

        def attempt() -> None:
            noted = self.store.get(SUPPRESSIONS, key)
            earlier = noted.data if noted and noted.data["expire_at"] > utc_text(now) else {}
            first = isinstance(refusal, RecipientRefused) and (not earlier or earlier.get("once") == id)
            entry = {"reason": str(refusal), "time": utc_text(now), "expire_at": utc_text(now + KEEP)}
            if first:
                entry |= {"once": id, "expire_at": utc_text(now + SECOND_REFUSAL)}
            write = Replace(SUPPRESSIONS, key, entry, noted.version) if noted else Create(SUPPRESSIONS, key, entry)
            told = [] if first else self._telling(recipient, entry["reason"], entry["expire_at"])
            self.store.commit([write, *told])

        decide(attempt)

    def _put_off(self, id: str, attempt: int, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"
        if attempt >= ATTEMPTS:
            self._close(id, state="failed", reason=reason)
        else:
            self._close(id, state="queued", reason=reason, due_at=utc_text(self.clock.now() + wait_after(attempt)))
        log.warning("mail put off after attempt %d: %s", attempt, reason, extra={"fields": {"delivery": id}})

    def _close(self, id: str, **changes: str) -> None:
        """Record how an attempt ended. What is sent stays sent, should an attempt with a lost lease report late."""

        def attempt() -> None:
            delivery = self.store.get(DELIVERIES, id)
            if delivery and delivery.data["state"] != "sent":
                data = {**delivery.data, **changes}
                if data["state"] == "sent":
                    del data["event"]
                self.store.commit([Replace(DELIVERIES, id, data, delivery.version)])

        decide(attempt)


def _trusting(address: str) -> list[Write]:
    """The writes after which mail to the address goes out again."""
    return [Delete(SUPPRESSIONS, address_key(address), None), unreachable.gone(address)]


def _id(event: BusEvent, mail: Mail) -> str:
    return f"{event.id}:{address_key(mail.to.email)[:16]}"


def _pack(event: BusEvent) -> Data:
    attributes = {
        "event_id": event.id,
        "type": event.payload.type,
        "version": str(event.payload.version),
        "time": utc_text(event.time),
        "trace": event.trace,
    }
    return {"attributes": attributes, "data": event.payload.model_dump(mode="json")}


def _unpacked(packed: Data) -> BusEvent:
    """Raises ``ValueError`` where this release does not know the event's type or version."""
    event = parse(json.dumps(packed["data"]).encode(), packed["attributes"])
    if event is None:
        raise ValueError("the event is of a type or version that this release does not know")
    return event

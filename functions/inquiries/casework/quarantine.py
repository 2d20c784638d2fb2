"""Mail kept aside. What is about an inquiry is for the organisations that share it now, whoever did when it came.

``visible_to`` repeats them, so that an organisation's list is one query. It is only a hint: whoever reads a mail is
held to the inquiry itself. ``Case.writes`` corrects it in the commit of a change, ``corrected`` where a mail came at
the very moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from functions.inquiries.casework.case import INQUIRIES, MAX_WRITES, QUARANTINE
from functions.inquiries.casework.models import Quarantined
from functions.inquiries.errors import MailNotFound
from functions.inquiries.means import Member
from shared.contracts.bus_events import BusEvent
from shared.contracts.inquiries import InquiryPayload
from shared.ports import Conflict, Create, Cursor, Data, Document, Replace, Store, Where, Write, decide

Audience = dict[str, list[str]]  # organisations by inquiry


def keep(store: Store, id: str, kept: Quarantined) -> bool:
    """False where the mail is kept already."""
    try:
        store.commit([Create(QUARANTINE, id, kept.data())])
        is_new = True
    except Conflict:
        is_new = False
    decide(lambda: _correct(store, id))  # a new one and a known one alike: after a crash here it comes again
    return is_new


class Held(NamedTuple):
    """A page of open mails, by id, and where the next begins; None at the end."""

    rows: list[tuple[str, Quarantined]]
    next: Cursor | None


def listed(store: Store, staff: Member, after: Cursor | None, limit: int, descending: bool) -> Held:
    """Open mails that this organisation may see, by when they came."""
    seen: tuple[Where, Where] = (("state", "==", "open"), ("visible_to", "contains", staff.organisation))
    found = store.query(QUARANTINE, *seen, order="received_at", descending=descending, after=after, limit=limit)
    audience = _audience(store, found)
    visible = [one for one in found if staff.organisation in _seen_by(one.data, audience)]
    rows = [(one.id, Quarantined.model_validate(one.data)) for one in visible]
    return Held(rows, found[-1].cursor("received_at") if len(found) == limit else None)


def one(store: Store, staff: Member, id: str) -> tuple[Quarantined, str]:
    """A mail that this organisation may see, with its version. Raises ``MailNotFound``."""
    document = store.get(QUARANTINE, id)
    if document is None or staff.organisation not in _seen_by(document.data, _audience(store, [document])):
        raise MailNotFound(id)
    return Quarantined.model_validate(document.data), document.version


def corrected(store: Store, event: BusEvent) -> Sequence[Write]:
    """Handler of events that bring an organisation to an inquiry."""
    assert isinstance(event.payload, InquiryPayload)
    return _corrections(store, store.query(QUARANTINE, ("inquiry", "==", event.payload.reference), limit=MAX_WRITES))


def _correct(store: Store, id: str) -> None:
    """The inquiry may have changed hands while the mail was being kept."""
    document = store.get(QUARANTINE, id)
    if document and (writes := _corrections(store, [document])):
        store.commit(writes)


def _corrections(store: Store, documents: Sequence[Document]) -> list[Write]:
    audience = _audience(store, documents)
    pairs = [(document, _seen_by(document.data, audience)) for document in documents]
    return [
        Replace(QUARANTINE, document.id, document.data | {"visible_to": seen}, document.version)
        for document, seen in pairs
        if document.data["visible_to"] != seen
    ]


def _audience(store: Store, documents: Iterable[Document]) -> Audience:
    references = {document.data["inquiry"] for document in documents} - {None}
    return {document.id: list(document.data["visible_to"]) for document in store.get_many(INQUIRIES, references)}


def _seen_by(kept: Data, audience: Audience) -> list[str]:
    """A mail about one inquiry is for those who share it, nobody before it is routed; one about none is for all."""
    seen_by = audience.get(kept["inquiry"])
    return list(kept["visible_to"]) if seen_by is None else seen_by

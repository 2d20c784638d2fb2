"""Staff who get no mail any more, since their mailbox refuses it: a line at the desk of whoever may mend it.

Notification writes it in the commit that stops the mail, and takes it away in the one that lets it go on.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.documents import Stored
from shared.fields import Instant
from shared.formats.addresses import address_key
from shared.ports import Clock, Create, Data, Delete, Document, Replace, Store, Write, utc_text
from shared.staff.models import Staff

UNREACHABLE = "staff_unreachable"
MAX_SHOWN = 50


class Unreachable(Stored):
    """Collection ``staff_unreachable``, id: the address's key."""

    email: str
    name: str
    organisation: str
    reason: str  # the words of the relay
    since: Instant
    expire_at: Instant  # with what stops the mail

    @property
    def id(self) -> str:
        """The address's key, which does not show the address."""
        return address_key(self.email)


def noted(store: Store, clock: Clock, person: Staff, reason: str, expire_at: str) -> Write | None:
    """The write that notes it; None where that is noted already."""
    id = address_key(person.email)
    known, now = store.get(UNREACHABLE, id), utc_text(clock.now())
    if known and known.data["expire_at"] > now:
        return None
    about = {"email": person.email, "name": person.name, "organisation": person.organisation}
    data: Data = {**about, "reason": reason, "since": now, "expire_at": expire_at}
    return Replace(UNREACHABLE, id, data, known.version) if known else Create(UNREACHABLE, id, data)


def gone(email: str) -> Write:
    """The write for whoever gets mail again."""
    return Delete(UNREACHABLE, address_key(email), None)


def of_organisation(store: Store, clock: Clock, organisation: str) -> Sequence[Unreachable]:
    """To ``MAX_SHOWN``, without those whose time has passed."""
    found = store.query(UNREACHABLE, ("organisation", "==", organisation), limit=MAX_SHOWN)
    return [one for one in map(_read, found) if one.expire_at > clock.now()]


def find(store: Store, id: str) -> Unreachable | None:
    """None where nothing is noted; one whose time has passed may still be found."""
    document = store.get(UNREACHABLE, id)
    return _read(document) if document else None


def _read(document: Document) -> Unreachable:
    return Unreachable.model_validate(document.data)

"""What waits for staff in any slice, for the desk's page Today.

No slice reads another's documents, and a page put together from pages of three functions would need scripts, or be as
slow as the slowest and fail with each. So every slice but the one that shows the page keeps one small document here and
says in it, with the clock, all that waits now, from its own truth: at most a minute old, with nothing to add up, to
lose or to double; whatever was missed, the next minute says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from shared.documents import Stored
from shared.fields import Instant, OptionalLocalised
from shared.ports import Create, Replace, Store, decide
from shared.text import N_

WAITING = "waiting"
Kind = Literal["mails_failed", "not_handled", "event"]
MAY: dict[Kind, str] = {"mails_failed": "deliveries.view", "not_handled": "deliveries.view", "event": "events.view"}
"""The permission that the page behind an entry of this kind asks for."""
LABELS: dict[Kind, str] = {"mails_failed": N_("mails that failed"), "not_handled": N_("messages not handled")}


class Entry(Stored):
    """Something that waits, or is about to be. ``organisations``: whose staff it is for; empty: everybody's.

    Args:
        path: of the desk's page about it.
        count: of mails or messages.
        left: free seats of an event; None where there is no limit.
    """

    kind: Kind
    path: str
    organisations: list[str] = []
    count: int = 0
    title: OptionalLocalised = {}
    starts_at: Instant | None = None
    confirmed: int = 0
    waitlisted: int = 0
    left: int | None = None


def restate(store: Store, slice: str, entries: Sequence[Entry]) -> None:
    """Say what waits in a slice instead of what it said before. Writes where that has changed alone."""
    data = {"entries": [entry.data() for entry in entries]}

    def attempt() -> None:
        known = store.get(WAITING, slice)
        if known is None:
            store.commit([Create(WAITING, slice, data)])
        elif known.data != data:
            store.commit([Replace(WAITING, slice, data, known.version)])

    decide(attempt)


def told(store: Store, slices: Sequence[str], organisation: str, may: Callable[[str], bool]) -> list[Entry]:
    """What ``slices`` say that somebody of ``organisation``, who ``may`` some things, is to know."""
    found = {document.id: document.data["entries"] for document in store.get_many(WAITING, slices)}
    entries = [Entry.model_validate(entry) for slice in slices for entry in found.get(slice, [])]
    return [
        one for one in entries if may(MAY[one.kind]) and (not one.organisations or organisation in one.organisations)
    ]

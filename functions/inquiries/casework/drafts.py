"""A request that is written step by step: what was typed so far, until it is sent or its time is over.

Sending it turns the draft, in the commit that keeps the inquiry, into a note of what it became. So whoever sends it
again is led to that inquiry, and what was typed stands in one place only.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from functions.inquiries.errors import DraftEnded
from functions.inquiries.means import Means
from shared.keys.tokens import BadToken
from shared.ports import Create, Data, Delete, Replace, Write, decide, utc_text

DRAFTS = "drafts"  # {"values": {"subject": ...}} while it is written, {"sent": reference} afterwards
LIFE = timedelta(hours=24)  # since the last step
PURPOSE = "draft"  # of the tokens that name one


@dataclass(frozen=True)
class Draft:
    """``values`` as they were typed, by field; ``sent``: the reference of what it became, "" while it is written."""

    id: str
    version: str
    values: dict[str, Any]
    sent: str

    def becoming(self, reference: str, now: datetime) -> Write:
        """Goes into the commit of the inquiry. Fails with ``Conflict`` where the draft has been changed or sent."""
        return Replace(DRAFTS, self.id, {"sent": reference, "expire_at": utc_text(now + LIFE)}, self.version)


class Drafts:
    """Each is found by a token (``shared.keys.tokens``) that only the browser that writes it has."""

    def __init__(self, means: Means) -> None:
        self._means = means

    def find(self, token: str) -> Draft | None:
        """None where there is none, or none any more."""
        now = self._means.clock.now()
        try:
            id = self._means.tokens.read(PURPOSE, token, now)
        except BadToken:
            return None
        found = self._means.store.get(DRAFTS, id)
        if found is None or found.data["expire_at"] <= utc_text(now):
            return None
        return Draft(id, found.version, found.data.get("values", {}), found.data.get("sent", ""))

    def written(self, token: str) -> Draft:
        """The same, where it has to be there. Raises ``DraftEnded``."""
        if draft := self.find(token):
            return draft
        raise DraftEnded

    def keep(self, token: str, values: Data) -> str:
        """Add what was typed to the draft, or to a new one where that is over; returns its token, good for ``LIFE``."""

        def attempt() -> str:
            known, expire_at = self.find(token), utc_text(self._means.clock.now() + LIFE)
            if known and not known.sent:
                data = {"values": known.values | values, "expire_at": expire_at}
                self._means.store.commit([Replace(DRAFTS, known.id, data, known.version)])
                return known.id
            id = secrets.token_hex(16)
            self._means.store.commit([Create(DRAFTS, id, {"values": values, "expire_at": expire_at})])
            return id

        return self._means.tokens.sign(PURPOSE, decide(attempt), self._means.clock.now() + LIFE)

    def drop(self, token: str) -> None:
        """Forget what was typed; what was sent stays sent."""

        def attempt() -> None:
            known = self.find(token)
            if known and not known.sent:
                self._means.store.commit([Delete(DRAFTS, known.id, known.version)])

        decide(attempt)

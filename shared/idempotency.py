"""Idempotency keys (draft-ietf-httpapi-idempotency-key-header): what the first request with a key was answered, all
others with it are.

What a request does and the claim of its key go into one commit, so a retry costs a read only where that commit
conflicts or where it would be refused. A refusal claims the key too, for as long as a request can be under way: a twin
that was slower must not be given what somebody has just been told they do not get. After that time the key may try
again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.errors import DomainError
from shared.keys.ids import key_of
from shared.ports import Create, Data, Document, Replace, Store, Write, utc_text
from shared.text import N_

IDEMPOTENCY = "idempotency"
KEEP_KEYS = timedelta(days=2)
UNDER_WAY = timedelta(seconds=60)  # longer than any function may take


class KeyReused(DomainError):
    """The key was used before, with another request."""

    status, type = 422, "idempotency-key-reused"
    title = N_("This Idempotency-Key was used for another request.")
    detail = N_("Use a new key for a new request.")


@dataclass
class Key:
    """One client's key. ``found`` is what was last read under it.

    Args:
        id: of the document that claims it, made of all that the key is good for.
        fingerprint: of the request: another one under the same key is refused.
    """

    id: str
    fingerprint: str
    found: Document | None = None

    @classmethod
    def of(cls, *place: str, request: str) -> Key:
        """``place``: slice, what the key is good for, and the key itself; ``request``: all of the request's content."""
        return cls(key_of(*place), key_of(request))

    def answer(self, store: Store) -> Data | None:
        """What an earlier request was answered; None where none was. Raises ``KeyReused``."""
        self.found = store.get(IDEMPOTENCY, self.id)
        if self.found is None or "answer" not in self.found.data:
            return None
        if self.found.data["fingerprint"] != self.fingerprint:
            raise KeyReused(self.id)
        return dict(self.found.data["answer"])

    def refused(self, now: datetime) -> str | None:
        """Why a twin that may still be under way was refused, of what was found last."""
        data = self.found.data if self.found else {}
        if data.get("fingerprint") == self.fingerprint and utc_text(now) < data.get("refused_until", ""):
            return str(data["refused"])
        return None

    def answering(self, answer: Data, now: datetime) -> Write:
        """Goes into the commit of what is done."""
        return self._claim(now, answer=answer)

    def refusing(self, reason: str, now: datetime) -> Write:
        """``reason``: what ``refused`` tells a twin."""
        return self._claim(now, refused=reason, refused_until=utc_text(now + UNDER_WAY))

    def _claim(self, now: datetime, **told: Any) -> Write:
        """Fails with ``Conflict`` where somebody else used the key since it was looked up."""
        data = {"fingerprint": self.fingerprint, "expire_at": utc_text(now + KEEP_KEYS), **told}
        if self.found is None:
            return Create(IDEMPOTENCY, self.id, data)
        return Replace(IDEMPOTENCY, self.id, data, self.found.version)

"""Idempotency keys (draft-ietf-httpapi-idempotency-key-header): what the first request with a key was answered, all
others with it are.

A registration claims its key in its own commit, so a retry costs a read only where that commit conflicts or where it
would be refused. A refusal claims the key too, for as long as a request can be under way: a twin that was slower must
not register somebody who has just been told otherwise. After that time the key may try again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from functions.registration.errors import Closed, Full, KeyReused, Refusal
from functions.registration.events.models import EventDefinition, RegistrationRequest
from shared.keys.ids import key_of
from shared.ports import Create, Data, Document, Replace, Store, Write, utc_text

IDEMPOTENCY = "idempotency"
KEEP_KEYS = timedelta(days=2)
UNDER_WAY = timedelta(seconds=60)  # longer than any function may take
FULL = "full"


@dataclass
class Key:
    """One client's key for one event. ``found`` is what was last read under it."""

    id: str
    fingerprint: str
    found: Document | None = None

    @classmethod
    def of(cls, event: str, request: RegistrationRequest, key: str) -> Key:
        body = json.dumps(request.model_dump(), sort_keys=True)
        return cls(key_of("registration", event, key), key_of(body))

    def look_up(self, store: Store, event: EventDefinition, now: datetime) -> Data | None:
        """The answer that an earlier request got; None where there is none.

        Raises ``KeyReused`` for another request's, and the ``Refusal`` that a twin was told a moment ago.
        """
        self.found = store.get(IDEMPOTENCY, self.id)
        if self.found is None:
            return None
        data = self.found.data
        same = data["fingerprint"] == self.fingerprint
        if "answer" in data:
            if not same:
                raise KeyReused(self.id)
            return dict(data["answer"])
        if same and utc_text(now) < data["refused_until"]:
            kind = data["refused"]
            raise Full(event.id) if kind == FULL else Closed(event, kind)
        return None

    def answering(self, answer: Data, now: datetime) -> Write:
        return self._claim(now, answer=answer)

    def refusing(self, refusal: Refusal, now: datetime) -> Write:
        refused = refusal.phase if isinstance(refusal, Closed) else FULL
        return self._claim(now, refused=refused, refused_until=utc_text(now + UNDER_WAY))

    def _claim(self, now: datetime, **told: Any) -> Write:
        """Fails with ``Conflict`` where somebody else used the key since it was looked up."""
        data = {"fingerprint": self.fingerprint, "expire_at": utc_text(now + KEEP_KEYS), **told}
        if self.found is None:
            return Create(IDEMPOTENCY, self.id, data)
        return Replace(IDEMPOTENCY, self.id, data, self.found.version)

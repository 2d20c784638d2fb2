"""Organisations and staff as the store has them.

Organisations change rarely and are believed for a minute. Staff are read afresh: who is absent or has left must not
get the next request.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

from shared.documents import Content
from shared.formats.addresses import folded_address
from shared.ports import Clock, Store, every
from shared.staff.models import Organisation, Staff

ORGANISATIONS = "organisations"
FRESH = timedelta(minutes=1)
C = TypeVar("C", bound=Content)


class StaffDirectory:
    """Organisations and staff, read at most once a minute."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._cache: dict[str, tuple[datetime, dict[str, Content]]] = {}

    @property
    def organisations(self) -> dict[str, Organisation]:
        """By id."""
        return self._cached(ORGANISATIONS, Organisation)

    @property
    def short_names(self) -> dict[str, str]:
        """By id of the organisation."""
        return {id: organisation.short_name for id, organisation in self.organisations.items()}

    def staff(self, organisation: str) -> list[Staff]:
        """By address, absent ones included."""
        found = every(self._store, "staff", ("organisation", "==", organisation))
        return [Staff.model_validate(document.data) for document in found]

    def person(self, email: str) -> Staff | None:
        document = self._store.get("staff", folded_address(email))
        return Staff.model_validate(document.data) if document else None

    def _cached(self, kind: str, model: type[C]) -> dict[str, C]:
        """A collection of content, at most a minute old."""
        now = self._clock.now()
        read_at, items = self._cache.get(kind, (now - FRESH, {}))
        if now - read_at >= FRESH:
            found = every(self._store, kind)
            items = {document.id: model.model_validate(document.data) for document in found}
            self._cache[kind] = (now, items)
        return items  # type: ignore[return-value]

"""From the outbox to the bus: after the commit at once, and once more from the clock tick for what was left behind."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from shared.contracts.events import OUTBOX, message
from shared.ports import Bus, Create, Delete, Store, Unavailable, Write, from_utc_text, utc_text

LEFT_BEHIND = timedelta(seconds=30)
PAGE = 200
log = logging.getLogger(__name__)


class RelayingStore:
    """A ``Store`` whose commits publish their own outbox rows, where no other process watches the outbox.

    A row that cannot be published now stays for the clock tick: the commit has succeeded all the same.
    """

    def __init__(self, store: Store, bus: Bus) -> None:
        self._store = store
        self._bus = bus

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, writes: Sequence[Write]) -> None:
        self._store.commit(writes)
        try:
            publish(self._store, self._bus, ((w.id, w.data) for w in writes if _announces(w)))  # type: ignore[union-attr]
        except Unavailable:
            log.warning("published later: the bus did not answer", exc_info=True)


def publish(store: Store, bus: Bus, rows: Iterable[tuple[str, dict[str, Any]]]) -> int:
    """Publish outbox rows ``(id, data)`` and delete them. Raises ``Unavailable``; then some may go out again."""
    messages = [message(id, data) for id, data in rows]
    if messages:
        bus.publish(messages)
        store.commit([Delete(OUTBOX, m.id, None) for m in messages])
    return len(messages)


def relay(store: Store, bus: Bus, source: str, now: datetime) -> int:
    """Publish what a slice's earlier commits left behind; returns how many rows."""
    done = 0
    before = utc_text(now - LEFT_BEHIND)
    while rows := store.query(OUTBOX, ("source", "==", source), ("time", "<", before), order="time", limit=PAGE):
        age = (now - from_utc_text(rows[0].data["time"])).total_seconds()
        log.warning("events waited in the outbox", extra={"fields": {"outbox_age": age, "source": source}})
        done += publish(store, bus, ((row.id, row.data) for row in rows))
    return done


def _announces(write: Write) -> bool:
    return isinstance(write, Create) and write.collection == OUTBOX

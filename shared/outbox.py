"""From the outbox to the bus: after the commit at once, and once more from the clock tick for what was left behind."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from shared.contracts.bus_events import OUTBOX, message
from shared.observability import tracing
from shared.ports import Bus, Conflict, Create, Delete, Store, Unavailable, Write, from_utc_text, utc_text

LEFT_BEHIND = timedelta(seconds=30)
PAGE = 200
SWEEP_SECONDS = 0.5
log = logging.getLogger(__name__)


class RelayingStore:
    """A ``Store`` whose commits publish their own outbox rows, where no other process watches the outbox.

    A row that cannot be published now stays for the clock tick: the commit has succeeded all the same.

    Whoever commits waits for the bus, since on Cloud Run a thread behind the answer gets no processor and the mail
    would wait for the tick. The published rows need not go at once: of a rush, one commit in half a second deletes
    those of all. What a process leaves when the rush ends is published once more by the tick, and consumers know it.
    """

    def __init__(self, store: Store, bus: Bus) -> None:
        self._store = store
        self._bus = bus
        self._published: list[str] = []
        self._swept_at = float("-inf")
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, writes: Sequence[Write]) -> None:
        with tracing.span("commit", "client", {"onestop.writes": len(writes)}):
            self._store.commit(writes)
        rows = [w for w in writes if isinstance(w, Create) and w.collection == OUTBOX]
        if not rows:
            return
        try:
            with tracing.span("publish", "producer", {"messaging.batch.message_count": len(rows)}):
                self._bus.publish([message(row.id, row.data) for row in rows])
        except Unavailable:
            log.warning("published later: the bus did not answer", exc_info=True)
        else:
            self._sweep([row.id for row in rows])

    def _sweep(self, published: list[str]) -> None:
        """Delete published rows now and then. Whatever happens here, the commit before it has succeeded."""
        now = time.monotonic()
        with self._lock:
            self._published += published
            if now - self._swept_at < SWEEP_SECONDS and len(self._published) < PAGE:
                return
            swept = list(dict.fromkeys(self._published))  # an id that says what it tells may come twice
            self._published, self._swept_at = [], now
        try:
            for start in range(0, len(swept), PAGE):
                self._store.commit([Delete(OUTBOX, id, None) for id in swept[start : start + PAGE]])
        except (Conflict, Unavailable):  # Firestore aborts a commit that contends, preconditions or none
            log.warning("published once more later: the outbox was not cleared", exc_info=True)


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

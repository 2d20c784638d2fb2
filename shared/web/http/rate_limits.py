"""How much one visitor may send: fixed windows, counted in the store for all processes together.

A process takes its share of a limit in batches, one small write each, and counts within a batch by itself; the first
twentieth of a limit it lets pass uncounted, so that a visitor who comes once costs no write at all. With ``n``
processes at most ``n`` twentieths more than the limit pass in a window. What is stored is a count under a keyed hash,
erased when its window is over.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from shared.keys.ids import key_of
from shared.ports import Clock, Create, Replace, Store, Unavailable, decide, utc_text

LIMITS = "limits"
HOUR = timedelta(hours=1)
MAX_KNOWN = 20_000  # subjects that a process remembers; about 4 MB
log = logging.getLogger(__name__)


@dataclass
class _Share:
    granted: int
    used: int = 0
    over: bool = False


class Limiter:
    """
    Args:
        secret: keys the hashes, so that addresses cannot be found from what is stored.
    """

    def __init__(self, store: Store, clock: Clock, secret: str) -> None:
        self._store = store
        self._clock = clock
        self._secret = secret
        self._shares: dict[str, _Share] = {}
        self._lock = Lock()

    def take(self, kind: str, subject: str, limit: int, window: timedelta = HOUR) -> int:
        """Count one thing of ``kind`` that ``subject`` does.

        Returns 0 where it may, else the seconds until the next window. A ``limit`` of 0 is none. A store that does
        not answer lets it pass: what follows will say so.
        """
        if limit <= 0:
            return 0
        key, ends = self._window(kind, subject, window)
        with self._lock:
            share = self._share(key, limit)
            share.used += 1
            if share.used <= share.granted:
                return 0
            asking = not share.over
        if asking:
            try:
                granted = decide(lambda: self._lease(key, limit, ends))
            except Unavailable:
                log.warning("a limit could not be counted", exc_info=True)
                return 0
            with self._lock:
                share.granted += granted
                share.over = granted == 0
            if granted:
                return 0
        return max(1, int((ends - self._clock.now()).total_seconds()))

    def reached(self, kind: str, subject: str, limit: int, window: timedelta = HOUR) -> bool:
        """Whether the limit is spent in this window, counting nothing."""
        if limit <= 0:
            return False
        key, _ = self._window(kind, subject, window)
        share = self._shares.get(key)
        if share and share.over:
            return True
        found = self._store.get(LIMITS, key)
        return bool(found and found.data["used"] >= limit)

    def _window(self, kind: str, subject: str, window: timedelta) -> tuple[str, datetime]:
        number = int(self._clock.now().timestamp() // window.total_seconds())
        ends = datetime.fromtimestamp((number + 1) * window.total_seconds(), UTC)
        return key_of(self._secret, "limit", kind, subject, str(number)), ends

    def _share(self, key: str, limit: int) -> _Share:
        if len(self._shares) >= MAX_KNOWN:
            self._shares.clear()  # forgotten batches count as used
        return self._shares.setdefault(key, _Share(limit // 20))

    def _lease(self, key: str, limit: int, ends: datetime) -> int:
        """Take the next batch from what the store has left; returns how many, 0 where nothing is left."""
        found = self._store.get(LIMITS, key)
        used = found.data["used"] if found else 0
        batch: int = min(max(1, limit // 20), limit - used)
        if batch <= 0:
            return 0
        data = {"used": used + batch, "expire_at": utc_text(ends)}
        self._store.commit([Replace(LIMITS, key, data, found.version) if found else Create(LIMITS, key, data)])
        return batch

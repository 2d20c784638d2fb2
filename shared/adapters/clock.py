"""The clock, which a test run can set."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path


class SystemClock:
    """The machine's time, moved by the seconds that ``offset`` holds (a file; absent: not moved)."""

    def __init__(self, offset: Path | None = None) -> None:
        self._offset = offset
        self._seconds = 0.0
        self._read_at = -1.0

    def now(self) -> datetime:
        if self._offset and time.monotonic() - self._read_at > 0.1:
            self._read_at = time.monotonic()
            try:
                self._seconds = float(self._offset.read_text() or 0)
            except (FileNotFoundError, ValueError):
                self._seconds = 0.0
        return datetime.now(UTC) + timedelta(seconds=self._seconds)

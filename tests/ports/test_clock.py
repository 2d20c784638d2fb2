"""What ``shared.ports.Clock`` promises, and how a test run sets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.adapters.clock import SystemClock
from shared.ports import from_utc_text, utc_text


def test_the_clock_tells_the_present_in_utc() -> None:
    before, now, after = datetime.now(UTC), SystemClock().now(), datetime.now(UTC)
    assert before <= now <= after
    assert now.utcoffset() == timedelta(0)


def test_an_offset_file_moves_it_and_what_is_not_a_number_does_not(tmp_path: Path) -> None:
    for text, seconds in (("86400", 86400.0), ("-3600.5", -3600.5), ("", 0.0), ("soon", 0.0)):
        (tmp_path / "offset").write_text(text)
        moved = SystemClock(tmp_path / "offset").now() - datetime.now(UTC)
        assert abs(moved.total_seconds() - seconds) < 60, text
    assert abs(SystemClock(tmp_path / "missing").now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_instants_as_text_sort_by_time_and_come_back() -> None:
    start = datetime(2026, 12, 31, 23, 59, 59, 999999, UTC)
    instants = [start, start + timedelta(microseconds=1), start + timedelta(days=400)]
    texts = [utc_text(i) for i in instants]
    assert texts == sorted(texts)
    assert [from_utc_text(t) for t in texts] == instants
    assert utc_text(start.astimezone()) == texts[0] == "2026-12-31T23:59:59.999999Z"

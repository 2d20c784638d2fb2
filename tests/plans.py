"""What SQLite does for a query or count: whether an index leads to what is asked for, and to no more."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.embedded.database import Database
from shared.adapters.embedded.store import SqliteStore
from shared.ports import Where

ROOT = Path(__file__).parents[1]
OURS = [ROOT / name for name in ("functions", "shared", "infra")]
FILTERED = {"assignments": "the desk's list takes any filters at once; an index of one of them leads the way"}
SORTED = {("registrations", "address"): "what one address has is little"}
_known: dict[tuple[str, int, bool], str] = {}  # faults of statements by what they serve


def fault(plan: Sequence[str], collection: str, where: Sequence[Where], order: str = "id", counts: bool = False) -> str:
    """What a plan does that costs more as the collection grows; empty where it does not.

    Args:
        plan: the lines of ``EXPLAIN QUERY PLAN``.
    """
    pages = not counts and not where and order == "id"  # reads as many documents as its limit says
    steps = [step for step in plan if re.match(r"(SCAN|SEARCH) (?!\(subquery|json_each|j )", step)]
    if any(step.startswith("SCAN") for step in steps) and not (pages or _ordered(steps, where, counts)):
        return "reads the whole collection"
    few = any((collection, field) in SORTED for field, *_ in where)
    if any("TEMP B-TREE" in step for step in plan) and not few:
        return "sorts what it finds"
    led = len(re.findall(r"[=<>]\?", steps[0])) if steps else 0
    if led < len(where) and not (collection in FILTERED and (not counts or _since(where))):
        return f"enters by {led} of {len(where)} conditions"
    return ""


def _since(where: Sequence[Where]) -> bool:
    """What has come since an instant is little, whatever else is asked of it."""
    return any(operator == ">" and value for _, operator, value in where)


def _ordered(steps: Sequence[str], where: Sequence[Where], counts: bool) -> bool:
    """An index read from its beginning, up to the limit."""
    return not where and not counts and "USING INDEX" in steps[0]


def watched(monkeypatch: pytest.MonkeyPatch, ours: Callable[[Path], bool] | None = None) -> set[str]:
    """The faults of what is asked of any ``SqliteStore`` from now on.

    Args:
        ours: whether what a file asks is judged; without it, where it is no test's.
    """
    judged = ours or (lambda path: any(map(path.is_relative_to, OURS)))
    faults: set[str] = set()
    asking = threading.local()
    read = Database.read

    def watching(name: str) -> Callable[..., Any]:
        real = getattr(SqliteStore, name)

        def call(self: SqliteStore, collection: str, *where: Where, **options: Any) -> Any:
            file = asker()
            asking.now = (
                (file, collection, where, options.get("order", "id"), name == "count") if judged(file) else None
            )
            try:
                return real(self, collection, *where, **options)
            finally:
                asking.now = None

        return call

    def explained(self: Database, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if now := getattr(asking, "now", None):
            file, collection, where, *how = now
            if (key := (sql, len(where), _since(where))) not in _known:
                plan = [row[3] for row in read(self, f"EXPLAIN QUERY PLAN {sql}", values)]
                found = fault(plan, collection, where, *how)
                _known[key] = found and f"{found}: {'; '.join(plan)}"
            if _known[key]:
                asked = ", ".join(" ".join(map(str, one[:2])) for one in where)
                faults.add(f"{file.name}: {collection} ({asked}) by {how[0]} {_known[key]}")
        return read(self, sql, values)

    for name in ("query", "count"):
        monkeypatch.setattr(SqliteStore, name, watching(name))
    monkeypatch.setattr(Database, "read", explained)
    return faults


def asker() -> Path:
    """The file that asks the store something, where a test watches what is asked."""
    watchers = {Path(__file__), ROOT / "tests" / "functions" / "conftest.py"}
    frame = sys._getframe(1)
    while frame.f_back and (file := Path(frame.f_code.co_filename)) in watchers:
        frame = frame.f_back
    return file

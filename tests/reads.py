"""What a request costs on Firestore, in documents and index blocks read (https://cloud.google.com/firestore/pricing)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from shared.adapters.embedded.store import SqliteStore

BLOCK = 1000  # index entries that are counted as one read


def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Reads by collection, from now on: a document that is found, and one for each get, query or count that finds
    none; for a count one for each block of index entries."""
    reads: Counter[str] = Counter()

    def counting(name: str, cost: Callable[..., int]) -> None:
        real = getattr(SqliteStore, name)

        def call(self: SqliteStore, collection: str, *arguments: Any, **options: Any) -> Any:
            found = real(self, collection, *arguments, **options)
            reads[collection] += max(1, cost(found))
            return found

        monkeypatch.setattr(SqliteStore, name, call)

    counting("get", lambda found: 1)
    counting("query", len)
    counting("count", lambda found: -(-found // BLOCK))
    real = SqliteStore.get_many

    def get_many(self: SqliteStore, collection: str, ids: Iterable[str]) -> Any:
        asked = list(ids)
        reads[collection] += len(asked)  # those that are not there, too
        return real(self, collection, asked)

    monkeypatch.setattr(SqliteStore, "get_many", get_many)
    return reads

"""What a slice asks of the store in these tests must be what Firestore would do, which the emulator does not tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from shared import topology
from shared.adapters.embedded.store import SqliteStore
from shared.ports import Delete, Where, Write
from tests.house import House, opened
from tests.indexes import missing
from tests.plans import OURS, ROOT, asker, watched


@pytest.fixture(autouse=True)
def planned_queries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails the test whose code asks SQLite for what no index leads to (``tests/plans.py``)."""
    faults = watched(monkeypatch)
    yield
    assert not faults, "name the field that an index ends in, or declare one:\n" + "\n".join(sorted(faults))


@pytest.fixture(autouse=True)
def declared_indexes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails the test whose code makes a query without its index in ``shared/topology.toml``, or lets a document
    expire in a collection without ``ttl``, where it would live for ever."""
    lacking: set[str] = set()
    store = topology.load().store

    def checked(name: str) -> Callable[..., Any]:
        real = getattr(SqliteStore, name)

        def call(self: SqliteStore, collection: str, *where: Where, **options: Any) -> Any:
            caller = asker()
            if any(map(caller.is_relative_to, OURS)):
                order, descending = options.get("order", "id"), options.get("descending", False)
                if fields := missing(store.get(collection, {}), where, order, descending):
                    kind = "descending" if descending else "indexes"
                    lacking.add(f"{caller.relative_to(ROOT)}: [store.{collection}] {kind} lacks {list(fields)}")
            return real(self, collection, *where, **options)

        return call

    commit = SqliteStore.commit

    def checked_commit(self: SqliteStore, writes: Sequence[Write]) -> None:
        for write in writes:
            rules = store.get(write.collection, {})
            if not isinstance(write, Delete) and "expire_at" in write.data and not rules.get("ttl"):
                lacking.add(f"[store.{write.collection}] lacks ttl = true")
        commit(self, writes)

    monkeypatch.setattr(SqliteStore, "commit", checked_commit)
    for name in ("query", "count"):
        monkeypatch.setattr(SqliteStore, name, checked(name))
    yield
    assert not lacking, "add to shared/topology.toml:\n" + "\n".join(sorted(lacking))


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """All targets in one process, for all tests of a file."""
    with opened(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture
def house(shared_house: House) -> Iterator[House]:
    """The same; the test fails where something was logged as an error."""
    shared_house.complaints.clear()
    yield shared_house
    assert not shared_house.complaints

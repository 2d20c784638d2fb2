"""The ports in memory, with the promises of ``shared.ports``: quick enough for a million events."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.ports import (
    Conflict,
    Create,
    Cursor,
    Data,
    Document,
    Message,
    NoSuchMailbox,
    Where,
    Write,
    check_conditions,
    check_file_name,
    checked,
    findable,
)
from shared.topology import Topology


def _compared(found: Any, value: Any, holds: Callable[[Any, Any], bool]) -> bool:
    return type(found) is type(value) and holds(found, value)


_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda found, value: bool(found == value),
    "<": lambda found, value: _compared(found, value, lambda a, b: bool(a < b)),
    "<=": lambda found, value: _compared(found, value, lambda a, b: bool(a <= b)),
    ">": lambda found, value: _compared(found, value, lambda a, b: bool(a > b)),
    ">=": lambda found, value: _compared(found, value, lambda a, b: bool(a >= b)),
    "in": lambda found, value: found in value,
    "contains": lambda found, value: isinstance(found, list) and value in found,
}


@dataclass(slots=True)
class _Kept:
    text: str
    version: str
    data: Data  # never handed out


Change = tuple[Write, Data | None]
"""A write, and what the document held before it."""


class MemoryStore:
    """
    Args:
        schema: by collection, as in ``shared/topology.toml``: its ``database``, and whether ``ttl`` is on.
    """

    def __init__(self, schema: dict[str, dict[str, Any]] | None = None) -> None:
        self._schema = schema or {}
        self._databases = {name: rules["database"] for name, rules in self._schema.items() if "database" in rules}
        self._collections: defaultdict[str, dict[str, _Kept]] = defaultdict(dict)
        self._versions = itertools.count(1)
        self.watch: Callable[[list[Change]], None] = lambda changes: None

    def filled_from(self, other: MemoryStore) -> MemoryStore:
        """With a copy of what ``other`` holds."""
        for name, documents in other._collections.items():
            self._collections[name] = dict(documents)
        self._versions = itertools.count(10**6)
        return self

    def get(self, collection: str, id: str) -> Document | None:
        kept = self._collections[collection].get(id)
        return Document(collection, id, json.loads(kept.text), kept.version) if kept else None

    def get_many(self, collection: str, ids: Iterable[str]) -> list[Document]:
        return [document for id in ids if (document := self.get(collection, id))]

    def query(
        self,
        collection: str,
        *where: Where,
        order: str = "id",
        descending: bool = False,
        after: Cursor | None = None,
        limit: int = 100,
    ) -> list[Document]:
        check_conditions(where, order, descending, after)
        found = [
            ((id if order == "id" else kept.data[order], id), kept)
            for id, kept in self._matching(collection, where)
            if order == "id" or kept.data.get(order) is not None
        ]
        found.sort(key=lambda pair: pair[0], reverse=descending)
        if after is not None:
            mark = (after[1], after[1]) if order == "id" else after
            found = [pair for pair in found if (pair[0] < mark if descending else pair[0] > mark)]
        return [Document(collection, key[1], json.loads(kept.text), kept.version) for key, kept in found[:limit]]

    def count(self, collection: str, *where: Where, at_most: int | None = None) -> int:
        check_conditions(where)
        return len(self._matching(collection, where)[:at_most])

    def commit(self, writes: Sequence[Write]) -> None:
        texts = checked(writes, self._databases)
        changes: list[Change] = []
        for write in writes:
            kept = self._collections[write.collection].get(write.id)
            if isinstance(write, Create):
                broken = kept is not None
            else:
                broken = write.version is not None and (kept is None or kept.version != write.version)
            if broken:
                raise Conflict(f"{write.collection}/{write.id}")
            changes.append((write, kept.data if kept else None))
        for write, text in zip(writes, texts, strict=True):
            documents = self._collections[write.collection]
            if text is None:
                documents.pop(write.id, None)
            else:
                documents[write.id] = _Kept(text, str(next(self._versions)), json.loads(text))
        self.watch(changes)

    def erase_expired(self, now: str) -> None:
        """As the platform erases documents past their ``expire_at``."""
        for name, rules in self._schema.items():
            if rules.get("ttl"):
                gone = [id for id, kept in self._collections[name].items() if kept.data.get("expire_at", now) < now]
                for id in gone:
                    del self._collections[name][id]

    def contents(self, *but: str) -> dict[str, dict[str, str]]:
        """Every document's text, without the collections named."""
        return {
            name: {id: kept.text for id, kept in documents.items()}
            for name, documents in self._collections.items()
            if name not in but and documents
        }

    def _matching(self, collection: str, where: Sequence[Where]) -> list[tuple[str, _Kept]]:
        documents = self._collections[collection]
        asked = findable(where)
        if asked is None:
            return []
        for name, operator, value in asked:
            if name == "id" and operator == "==":
                return [(value, documents[value])] if value in documents else []
        conditions = [(name, _HOLDS[operator], value) for name, operator, value in asked]
        return [
            (id, kept)
            for id, kept in documents.items()
            if all(holds(id if name == "id" else kept.data.get(name), value) for name, holds, value in conditions)
        ]


@dataclass(slots=True)
class Pending:
    """A message that a subscription has not acknowledged."""

    subscription: str
    message: Message
    attempt: int = 1


class MemoryBus:
    """``shared.ports.Bus``: what was published waits in ``pending`` until somebody pushes and removes it."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self.pending: list[Pending] = []
        self.published: dict[str, Message] = {}

    def publish(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self.published[message.id] = message
            for subscription in self._topology.subscriptions_of(message.topic):
                self.pending.append(Pending(subscription.name, message))


class MemoryFiles:
    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, str]] = {}

    def write(self, name: str, content: bytes, media_type: str) -> None:
        check_file_name(name)
        self.kept[name] = bytes(content), media_type

    def read(self, name: str) -> tuple[bytes, str] | None:
        check_file_name(name)
        return self.kept.get(name)

    def delete(self, name: str) -> None:
        check_file_name(name)
        self.kept.pop(name, None)


@dataclass(frozen=True, slots=True)
class Sent:
    message: bytes
    recipient: str


class MemoryMailer:
    """``shared.ports.Mailer`` that keeps what it is given, in order."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.watch: Callable[[Sent], None] = lambda sent: None
        self.gone = ""  # an address whose mailbox does not exist any more

    def send(self, message: bytes, sender: str, recipient: str) -> str:
        if any(character in sender + recipient for character in "\r\n"):
            raise ValueError("an address must not hold a line break")
        if recipient == self.gone:
            raise NoSuchMailbox("550 5.1.1 no such mailbox")
        self.sent.append(Sent(message, recipient))
        self.watch(self.sent[-1])
        return "memory"

"""``shared.ports.Store`` in memory: quick enough for thousands of worlds."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from shared.ports import Conflict, Create, Cursor, Document, Where, Write, check_conditions, checked

_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda found, value: bool(found == value),
    "<": lambda found, value: found is not None and found < value,
    "<=": lambda found, value: found is not None and found <= value,
    ">": lambda found, value: found is not None and found > value,
    ">=": lambda found, value: found is not None and found >= value,
    "in": lambda found, value: found in value,
    "contains": lambda found, value: isinstance(found, list) and value in found,
}


class MemoryStore:
    def __init__(self) -> None:
        self._collections: defaultdict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
        self._versions = itertools.count(1)

    def get(self, collection: str, id: str) -> Document | None:
        found = self._collections[collection].get(id)
        return Document(collection, id, json.loads(found[0]), found[1]) if found else None

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
        check_conditions(where, order, descending)
        found = [d for d in self._matching(collection, where) if d.cursor(order)[0] is not None]
        found.sort(key=lambda document: document.cursor(order), reverse=descending)
        if after is not None:
            found = [d for d in found if (d.cursor(order) < after if descending else d.cursor(order) > after)]
        return found[:limit]

    def count(self, collection: str, *where: Where) -> int:
        check_conditions(where)
        return len(self._matching(collection, where))

    def commit(self, writes: Sequence[Write]) -> None:
        texts = checked(writes, {})
        for write in writes:
            found = self._collections[write.collection].get(write.id)
            if isinstance(write, Create):
                broken = found is not None
            else:
                broken = write.version is not None and (found is None or found[1] != write.version)
            if broken:
                raise Conflict(f"{write.collection}/{write.id}")
        for write, text in zip(writes, texts, strict=True):
            documents = self._collections[write.collection]
            if text is None:
                documents.pop(write.id, None)
            else:
                documents[write.id] = (text, str(next(self._versions)))

    def _matching(self, collection: str, where: Sequence[Where]) -> list[Document]:
        found = []
        for id, (text, version) in self._collections[collection].items():
            data = json.loads(text)
            if all(_HOLDS[operator](id if name == "id" else data.get(name), value) for name, operator, value in where):
                found.append(Document(collection, id, data, version))
        return found

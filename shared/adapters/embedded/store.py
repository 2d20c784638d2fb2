"""Documents in one SQLite file (WAL), shared by all processes of one machine.

A collection is a table ``(id, data, version)``; one of ``small`` documents is its own index, which is best for rows
below some 200 bytes (https://sqlite.org/withoutrowid.html). The indexes of ``shared/topology.toml`` become expression
indexes, the ``single`` ones too, and one over a list field (``"terms[]"``) a small table of its own, kept in step by
every write.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from shared.adapters.embedded.database import Database
from shared.ports import (
    Conflict,
    Create,
    Cursor,
    Data,
    Delete,
    Document,
    Replace,
    Where,
    Write,
    check_conditions,
    checked,
    findable,
    storable,
)

_OPERATORS = {"==": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_EXACT = ("==", "contains")
MANY = 2000  # documents; looking at one costs some 20 microseconds
_IN = "IN (SELECT value FROM json_each(?))"  # one statement and one parameter, however many values


class SqliteStore:
    """``shared.ports.Store`` on SQLite.

    Args:
        schema: by collection, its ``indexes``, ``single``, ``ttl``, ``database``, ``small`` and ``may_come_again``, as
            in ``shared/topology.toml``. All lie in the one file, and a commit over two databases is refused as on
            Firestore.
    """

    def __init__(self, path: Path, schema: dict[str, dict[str, Any]]) -> None:
        self._database = Database(path)
        self._schema = schema
        self._databases = {name: rules["database"] for name, rules in schema.items() if "database" in rules}
        self._list_indexes = {name: list(_list_indexes(rules)) for name, rules in schema.items()}
        self._known: set[str] = set()

    # -- reading --

    def get(self, collection: str, id: str) -> Document | None:
        if not storable(id):
            return None
        sql = f"SELECT id, data, version FROM {self._table(collection)} WHERE id = ?"
        rows = self._database.read(sql, (id,))
        return _document(collection, rows[0]) if rows else None

    def get_many(self, collection: str, ids: Iterable[str]) -> list[Document]:
        sql = f"SELECT id, data, version FROM {self._table(collection)} WHERE id {_IN}"
        asked = json.dumps(list(filter(storable, ids)))
        return [_document(collection, row) for row in self._database.read(sql, (asked,))]

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
        if (asked := findable(where)) is None:
            return []
        source, conditions, values, field = self._select(
            collection, _not_implied(asked, order, descending, after), order
        )
        direction, beyond = ("DESC", "<") if descending else ("ASC", ">")
        if after is not None and order == "id":
            conditions.append(f"{field('id')} {beyond} ?")
            values.append(after[1])
        elif after is not None:
            conditions.append(f"{field(order)} {beyond}= ?")  # an index on expressions has no use for the pair below
            conditions.append(f"({field(order)}, {field('id')}) {beyond} (?, ?)")
            values.extend((after[0], *after))
        if order != "id":
            conditions.append(f"{field(order)} IS NOT NULL")
        filters = " AND ".join(conditions) or "1"
        ordering = ", ".join(f"{field(name)} {direction}" for name in dict.fromkeys((order, "id")))
        sql = f"SELECT d.id, d.data, d.version FROM {source} WHERE {filters} ORDER BY {ordering} LIMIT ?"
        return [_document(collection, row) for row in self._database.read(sql, [*values, limit])]

    def count(self, collection: str, *where: Where, at_most: int | None = None) -> int:
        check_conditions(where)
        if (asked := findable(where)) is None:
            return 0
        source, conditions, values, _ = self._select(collection, asked, "id")
        found = f"SELECT 1 FROM {source} WHERE {' AND '.join(conditions) or '1'} LIMIT ?"
        values.append(-1 if at_most is None else at_most)  # none, to SQLite
        return int(self._database.read(f"SELECT count(*) FROM ({found})", values)[0][0])

    # -- writing --

    def commit(self, writes: Sequence[Write]) -> None:
        rows = list(zip(writes, checked(writes, self._databases), strict=True))
        for write in writes:
            self._table(write.collection)
        with self._database.transaction(lasting=not all(map(self._may_come_again, writes))) as db:
            for write, data in rows:
                self._write(db, write, data)

    def erase_expired(self, now: str) -> int:
        """Delete the documents whose ``expire_at`` lies before ``now``, in collections with ``ttl`` on."""
        erased = 0
        for collection in (name for name, rules in self._schema.items() if rules.get("ttl")):
            while page := self.query(collection, ("expire_at", "<", now), order="expire_at", limit=500):
                try:
                    self.commit([Delete(collection, document.id, document.version) for document in page])
                except Conflict:
                    continue  # one of them has just been given more time
                erased += len(page)
        return erased

    def collections(self) -> list[str]:
        """Every collection that has a table, for export."""
        sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%|%' AND name NOT LIKE 'sqlite%'"
        return sorted(row[0] for row in self._database.read(sql, ()))

    # -- inside --

    def _may_come_again(self, write: Write) -> bool:
        return isinstance(write, Delete) and bool(self._schema.get(write.collection, {}).get("may_come_again"))

    def _write(self, db: sqlite3.Connection, write: Write, data: str | None) -> None:
        table, version = _quote(write.collection), random.getrandbits(62)
        match write:
            case Create():
                try:
                    db.execute(f"INSERT INTO {table} VALUES (?, ?, ?)", (write.id, data, version))
                except sqlite3.IntegrityError:
                    raise Conflict(f"{write.collection}/{write.id} exists") from None
            case Replace(version=None):
                db.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", (write.id, data, version))
            case Replace():
                sql = f"UPDATE {table} SET data = ?, version = ? WHERE id = ? AND version = ?"
                if not db.execute(sql, (data, version, write.id, int(write.version or 0))).rowcount:
                    raise Conflict(f"{write.collection}/{write.id} has changed")
            case Delete(version=None):
                db.execute(f"DELETE FROM {table} WHERE id = ?", (write.id,))
            case Delete():
                sql = f"DELETE FROM {table} WHERE id = ? AND version = ?"
                if not db.execute(sql, (write.id, int(write.version or 0))).rowcount:
                    raise Conflict(f"{write.collection}/{write.id} has changed")
        for fields in self._list_indexes.get(write.collection, ()):
            index = _quote(_index_name(write.collection, fields))
            if not isinstance(write, Create):
                db.execute(f"DELETE FROM {index} WHERE id = ?", (write.id,))
            if not isinstance(write, Delete):
                marks = ",".join("?" * (len(fields) + 1))
                rows = [(*entry, write.id) for entry in _entries(write.data, fields)]
                db.executemany(f"INSERT OR IGNORE INTO {index} VALUES ({marks})", rows)

    def _select(self, collection: str, where: Sequence[Where], order: str) -> tuple[str, list[str], list[Any], Any]:
        """``FROM`` source, conditions, their values, and how a field is written in this query."""
        source, columns = f"{self._table(collection)} d", {}
        if fields := self._entrance(collection, where, order):
            columns = {name: f"x.c{position}" for position, name in enumerate(fields)} | {"id": "x.id"}
            source = f"{_quote(_index_name(collection, fields))} x JOIN {self._table(collection)} d ON d.id = x.id"

        def field(name: str) -> str:
            return columns.get(name) or ("d.id" if name == "id" else _extract(name, "d."))

        conditions, values = [], []
        for name, operator, value in where:
            if operator == "in":
                conditions.append(f"{field(name)} {_IN}")
                values.append(json.dumps(list(value)))
            elif operator != "contains":
                conditions.append(f"{field(name)} {_OPERATORS[operator]} ?")
                values.append(value)
            elif f"{name}[]" in columns:
                conditions.append(f"{columns[f'{name}[]']} = ?")
                values.append(value)
            else:
                element = f"json_each(d.data, '{_path(name)}') j WHERE typeof(j.key) = 'integer' AND j.value = ?"
                conditions.append(f"EXISTS (SELECT 1 FROM {element})")
                values.append(value)
        return source, conditions, values, field

    def _entrance(self, collection: str, where: Sequence[Where], order: str) -> list[str] | None:
        """The list index to enter by: one of all the fields, else one that leaves few documents to look at.

        Where it leaves many, most documents hold the value, and entering by another field finds some soon.
        """
        asked = {f"{name}[]" if operator == "contains" else name: value for name, operator, value in where}
        listed, needed = [name for name in asked if name.endswith("[]")], {*asked, order} - {"id"}
        usable = [fields for fields in self._list_indexes.get(collection, ()) if listed and listed[0] in fields]
        fields = max((fields for fields in usable if set(fields) <= needed), key=len, default=None)
        if fields is None or set(fields) == needed:
            return fields
        exact = {f"{name}[]" if operator == "contains" else name for name, operator, _ in where if operator in _EXACT}
        given = {f"c{place} = ?": asked[name] for place, name in enumerate(fields) if name in exact}
        index, conditions = _quote(_index_name(collection, fields)), " AND ".join(given)
        sql = f"SELECT count(*) FROM (SELECT 1 FROM {index} WHERE {conditions} LIMIT {MANY})"
        return fields if self._database.read(sql, list(given.values()))[0][0] < MANY else None

    def _table(self, collection: str) -> str:
        """The quoted table name, created with its indexes when it is new."""
        if collection not in self._known:
            rules = self._schema.get(collection, {})
            with self._database.transaction() as db:
                table = _quote(collection)
                db.execute(
                    f"CREATE TABLE IF NOT EXISTS {table}"
                    " (id TEXT NOT NULL PRIMARY KEY, data TEXT NOT NULL, version INTEGER NOT NULL)"
                    + (" WITHOUT ROWID" if rules.get("small") else "")
                )
                plain = [f for f in rules.get("indexes", ()) if not any(name.endswith("[]") for name in f)]
                single = [*rules.get("single", ()), *(["expire_at"] if rules.get("ttl") else [])]
                for fields in [*plain, *([name] for name in single)]:
                    named = dict.fromkeys((*fields, "id"))
                    columns = ", ".join("id" if name == "id" else _extract(name) for name in named)
                    name = _quote(_index_name(collection, fields))
                    found = "" if fields[-1] == "id" else f" WHERE {_extract(fields[-1])} IS NOT NULL"  # as queries ask
                    db.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {table} ({columns}){found}")
                for fields in self._list_indexes.get(collection, ()):
                    columns = ", ".join([*(f"c{n}" for n in range(len(fields))), "id"])
                    name = _index_name(collection, fields)
                    key = f"({columns}, PRIMARY KEY ({columns})) WITHOUT ROWID"
                    db.execute(f"CREATE TABLE IF NOT EXISTS {_quote(name)} {key}")
                    db.execute(f"CREATE INDEX IF NOT EXISTS {_quote(name + '|id')} ON {_quote(name)} (id)")
            self._known.add(collection)
        return _quote(collection)


def _not_implied(where: list[Where], order: str, descending: bool, after: Cursor | None) -> list[Where]:
    """The conditions without bounds that lie behind the cursor: of two bounds on one field SQLite enters the index by
    one, perhaps by the one that is further back, and reads all that is between."""
    if after is None:
        return where
    bounds, reached = ("<", "<=") if descending else (">", ">="), after[1] if order == "id" else after[0]

    def implied(name: str, operator: str, value: Any) -> bool:
        return name == order and operator in bounds and bool(reached < value if descending else reached > value)

    return [condition for condition in where if not implied(*condition)]


def _document(collection: str, row: tuple[Any, ...]) -> Document:
    return Document(collection, row[0], json.loads(row[1]), str(row[2]))


def _list_indexes(rules: dict[str, Any]) -> Iterator[list[str]]:
    for fields in rules.get("indexes", ()):
        if any(name.endswith("[]") for name in fields):
            yield [name for name in fields if name != "id"]  # which always comes last


def _entries(data: Data, fields: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The rows that one document has in a list index: one for each element of the list."""
    values = [data.get(name.removesuffix("[]")) for name in fields]
    place = next(n for n, name in enumerate(fields) if name.endswith("[]"))
    elements = values[place]
    for element in elements if isinstance(elements, list) else ():
        yield (*values[:place], element, *values[place + 1 :])


def _index_name(collection: str, fields: Sequence[str]) -> str:
    return "|".join((collection, *fields))


@cache
def _quote(name: str) -> str:
    return '"' + name.replace('"', "") + '"'


def _path(name: str) -> str:
    return "$." + name.replace("'", "")


def _extract(name: str, prefix: str = "") -> str:
    return f"json_extract({prefix}data, '{_path(name)}')"

"""Move every document from one engine to another through one file.

    python -m infra.transfer export all.jsonl              # make export-all FILE=all.jsonl
    python -m infra.transfer import all.jsonl [--replace]  # make import-all FILE=all.jsonl

The store is the embedded one in the folder ``DATA`` (``.onestop``), or with ``PROJECT`` set the Firestore of that
project (on its emulator where ``FIRESTORE_EMULATOR_HOST`` is set). Stop onestop first, for
pages are read one after another.

The file holds one document a line, ``{"collection", "id", "data"}`` in canonical JSON, by collection and id, and last
the count and the SHA-256 of each collection's lines. An import checks them before it writes and once more by reading
the store back.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Protocol

from shared import topology
from shared.ports import Delete, Document, Replace, Store, Unavailable

PAGE = 200  # documents in one read and in one commit
Sums = dict[str, dict[str, Any]]
"""Collection -> ``{"count": documents, "sha256": of their lines}``; collections without documents are not in it."""


class NotMoved(Exception):
    """Nothing was moved, or not everything; the text says what and why."""


class WholeStore(Store, Protocol):
    """A store that knows what it holds."""

    def collections(self) -> list[str]:
        """Names, sorted."""
        ...


def main(arguments: list[str]) -> int:
    """Returns the exit status: 1 where nothing or not all was moved, and it said why."""
    parser = argparse.ArgumentParser(prog="infra.transfer", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("direction", choices=("export", "import"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--replace", action="store_true", help="import: delete what the store holds first")
    asked = parser.parse_args(arguments)
    try:
        store = open_store(os.environ, must_exist=asked.direction == "export")
        sums = export(store, asked.file) if asked.direction == "export" else load(store, asked.file, asked.replace)
    except (NotMoved, OSError, Unavailable) as error:
        print(f"{asked.direction}: {error}", file=sys.stderr)
        return 1
    for collection, total in sums.items():
        print(f"{total['count']:>10,}  {total['sha256'][:16]}  {collection}")
    return 0


def open_store(environ: Mapping[str, str], must_exist: bool) -> WholeStore:
    """``PROJECT``'s Firestore, else the folder ``DATA``. Raises ``NotMoved`` where that ``must_exist`` and does not."""
    if project := environ.get("PROJECT"):
        from shared.adapters.cloud.firestore import FirestoreStore

        return FirestoreStore(project, topology.load().databases)
    from shared.adapters.embedded.store import SqliteStore

    path = Path(environ.get("DATA") or ".onestop") / "store.db"
    if must_exist and not path.exists():
        raise NotMoved(f"there is no {path}: set DATA to the data folder, or PROJECT to a Google Cloud project")
    return SqliteStore(path, topology.load().store)


def export(store: WholeStore, path: Path) -> Sums:
    """Write every document to ``path``, which appears only when it is complete."""
    draft = path.with_name(f"{path.name}.draft")
    with draft.open("w", encoding="utf-8") as file:
        totals = sums(_written(lines(store), file))
        file.write(canonical({"collections": totals}) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return totals


def load(store: WholeStore, path: Path, replace: bool = False) -> Sums:
    """Bring the file's documents into an empty store; ``replace`` empties it first. Raises ``NotMoved``."""
    promised = check(path)
    held = [name for name in store.collections() if store.query(name, limit=1)]
    if held and not replace:
        raise NotMoved(f"the store is not empty ({', '.join(held)}); --replace deletes what it holds")
    for collection in held:
        while page := store.query(collection, limit=PAGE):
            store.commit([Delete(collection, document.id, None) for document in page])
    for collection, group in groupby(read(path), key=itemgetter(0)):  # collections may lie in different databases
        rows = (json.loads(line) for _, line in group)
        while batch := list(islice(rows, PAGE)):
            store.commit([Replace(collection, row["id"], row["data"], None) for row in batch])
    found = sums(lines(store))
    if found != promised:
        different = sorted(name for name in promised.keys() | found.keys() if promised.get(name) != found.get(name))
        raise NotMoved(
            f"the store does not hold what the file does: {', '.join(different)}; import with --replace again"
        )
    return found


def check(path: Path) -> Sums:
    """What a file promises to hold, after looking that it does. Raises ``NotMoved``."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 1_000_000))
        last = file.read().rstrip(b"\n").rpartition(b"\n")[2]
    try:
        promised: Sums = json.loads(last)["collections"]
        complete = sums(read(path)) == promised
    except (ValueError, KeyError, TypeError):
        complete = False
    if not complete:
        raise NotMoved(f"{path} is damaged or not complete; nothing was changed")
    return promised


def read(path: Path) -> Iterator[tuple[str, str]]:
    """The file's documents as ``(collection, line)``."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            if not line.startswith('{"collections":'):
                yield json.loads(line)["collection"], line.rstrip("\n")


def lines(store: WholeStore) -> Iterator[tuple[str, str]]:
    """The store's documents as ``(collection, line)``, by collection and id."""
    for collection in store.collections():
        after = None
        while page := store.query(collection, after=after, limit=PAGE):
            yield from ((collection, line_of(document)) for document in page)
            after = page[-1].cursor()


def line_of(document: Document) -> str:
    """Without the version, which another store would not have."""
    return canonical({"collection": document.collection, "id": document.id, "data": document.data})


def canonical(value: Any) -> str:
    """One text for one value (after RFC 8785: sorted keys, no spaces)."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def sums(rows: Iterable[tuple[str, str]]) -> Sums:
    """By collection, how many documents and the SHA-256 of their lines; ``rows`` are grouped by collection."""
    totals: Sums = {}
    for collection, group in groupby(rows, key=lambda row: row[0]):
        count, digest = 0, hashlib.sha256()
        for _, line in group:
            count += 1
            digest.update(line.encode() + b"\n")
        totals[collection] = {"count": count, "sha256": digest.hexdigest()}
    return totals


def _written(rows: Iterable[tuple[str, str]], file: Any) -> Iterator[tuple[str, str]]:
    for row in rows:
        file.write(row[1] + "\n")
        yield row


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What a slice may ask of the platform: Store, Bus, Mailer, Files, Clock.

Each port has an embedded adapter (SQLite, folders) and a cloud adapter (Firestore, Pub/Sub, SMTP, Cloud Storage);
one test suite in ``tests/ports`` holds them to what is written here.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

T = TypeVar("T")

Data = dict[str, Any]
"""A document's content: JSON values only, no list directly in a list. Instants are ``utc_text`` strings, which sort in
time order; the field ``expire_at`` is the instant after which the platform may erase the document by itself."""

Operator = Literal["==", "<", "<=", ">", ">=", "in", "contains"]
Where = tuple[str, Operator, Any]
"""``(field, operator, value)``; ``id`` names the document's own id; ``contains`` looks for one value in a list."""
MAX_VALUES = 30
"""How many values ``in`` takes (Firestore's limit)."""


MAX_COMMIT = 500
"""In one commit. Firestore has no such limit any more, but one of 10 MiB, which 500 documents of ours never come near;
other clients and its past had this one."""
MAX_DOCUMENT_ID, MAX_DOCUMENT = 1500, 2**20 - 89
"""Bytes (https://cloud.google.com/firestore/quotas); 89 less than a mebibyte is what one value may have."""


class Document(NamedTuple):
    """What the store has under an id."""

    collection: str
    id: str
    data: Data  # JSON values
    version: str  # opaque; changes with every write

    def cursor(self, order: str = "id") -> Cursor:
        """Where a next ``query`` with the same ``order`` continues."""
        return (self.id if order == "id" else self.data.get(order), self.id)


Cursor = tuple[Any, str]


MAX_COUNTED = 1000
"""How far to count what need not be told exactly: one read on Firestore."""


def having(field: str) -> Where:
    """What holds for every document with a text in ``field``: an index that ends there serves a count with it."""
    return (field, ">", "")


def within(name: str) -> list[Where]:
    """The range of the ids that begin with ``{name}:``, as conditions: ``;`` is the letter after ``:``."""
    return [("id", ">", f"{name}:"), ("id", "<", f"{name};")]


_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9:-]*")


def storable(id: str) -> bool:
    """Whether every engine can hold a document of this id; there is none of another."""
    if _PLAIN_ID.fullmatch(id):
        return len(id) <= MAX_DOCUMENT_ID
    try:
        size = len(id.encode())
    except UnicodeEncodeError:
        return False
    if "/" in id or "\0" in id or id in (".", ".."):
        return False
    return 0 < size <= MAX_DOCUMENT_ID and not (len(id) > 3 and id.startswith("__") and id.endswith("__"))


@dataclass(frozen=True, slots=True)
class Create:
    """Write a new document; a document of that id must not exist."""

    collection: str
    id: str
    data: Data


@dataclass(frozen=True, slots=True)
class Replace:
    """Write the whole document. With a ``version`` it must still have it; with None any former content goes."""

    collection: str
    id: str
    data: Data
    version: str | None


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the document. With a ``version`` it must still have it; with None it may be gone already."""

    collection: str
    id: str
    version: str | None


Write = Create | Replace | Delete


class Conflict(Exception):
    """A precondition of a commit did not hold; nothing of it was written."""


class Unavailable(Exception):
    """The platform did not answer in time. Whether a write arrived is unknown: ask again with the same ids."""


class Store(Protocol):
    """Documents in collections. Reads see every earlier commit. Every call raises ``Unavailable`` within seconds.

    No document has an id that is not ``storable``: to read one finds nothing, to write one is an error.
    """

    def get(self, collection: str, id: str) -> Document | None:
        """None where there is none."""
        ...

    def get_many(self, collection: str, ids: Iterable[str]) -> list[Document]:
        """Those of ``ids`` that exist, in no order."""
        ...

    def query(
        self,
        collection: str,
        *where: Where,
        order: str = "id",
        descending: bool = False,
        after: Cursor | None = None,
        limit: int = 100,
    ) -> list[Document]:
        """At most ``limit`` documents that match all conditions, by the field ``order`` and then by id.

        A document where the field ``order`` is absent or None is not found. Raises ``ValueError`` for what not every
        engine can answer (``check_conditions``).
        """
        ...

    def count(self, collection: str, *where: Where, at_most: int | None = None) -> int:
        """How many documents match; counting ends at ``at_most``. Raises ``ValueError`` as ``query`` does.

        It costs as much as there is to count: some 4 microseconds a document on SQLite, a read for each 1,000 on
        Firestore. So what many ask for, or anybody, is counted up to a limit. Where conditions are not all of one
        field, name the one that their index ends in (``having``).
        """
        ...

    def commit(self, writes: Sequence[Write]) -> None:
        """Write all or nothing.

        Raises:
            Conflict: a precondition did not hold.
            ValueError: two writes name the same document or lie in different databases, a value is not JSON, an id
                not ``storable``, a document larger than ``MAX_DOCUMENT``, or there are more than ``MAX_COMMIT``.
        """
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """One event on its way. ``id`` is the outbox row's, so that publishing it twice is seen as a duplicate."""

    id: str
    topic: str
    data: bytes
    attributes: dict[str, str] = field(default_factory=dict)


class Bus(Protocol):
    """Messages to topics, at least once and in any order (Pub/Sub)."""

    def publish(self, messages: Sequence[Message]) -> None:
        """Returns when every message is kept safe. Raises ``Unavailable``; some may then have been published."""
        ...


class PermanentMailError(Exception):
    """This mail will never be taken. That alone says nothing about the next mail to the same address."""


class RecipientRefused(PermanentMailError):
    """The receiving side wants no mail for this recipient, for a reason that may pass."""


class NoSuchMailbox(PermanentMailError):
    """The address leads nowhere: no mail should go there again."""


class TransientMailError(Exception):
    """Try again later (SMTP 4xx, no connection, a mailbox that is full, a relay that does not let us in)."""


class Mailer(Protocol):
    """A relay, or several."""

    def send(self, message: bytes, sender: str, recipient: str) -> str:
        """Hand over one RFC 5322 message; ``sender`` is the envelope's (RFC 5321 MAIL FROM). Returns the relay used.

        Both addresses have their domain in ASCII. Takes half a minute at most, whatever the other side does.
        Raises ``PermanentMailError`` or ``TransientMailError``, and ``ValueError`` for an address with a line break.
        """
        ...


class Files(Protocol):
    """Attachments and exports. Names are chosen by us (never by a visitor): ``folder/id``, letters, digits, ``-_:``.

    Raises ``ValueError`` for a name of another form, ``Unavailable`` where the platform does not answer.
    """

    def write(self, name: str, content: bytes, media_type: str) -> None:
        """Whole or not at all; what had the name before is replaced."""
        ...

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Content and media type; None where there is none."""
        ...

    def delete(self, name: str) -> None:
        """A file that is gone already is no error."""
        ...


class Clock(Protocol):
    """The time that all rules go by: tests and simulations have their own."""

    def now(self) -> datetime:
        """The current instant, in UTC."""
        ...


_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def json_text(data: Data) -> str:
    """A document's content as compact JSON. Raises ``ValueError`` for what ``Data`` does not allow."""
    try:
        text = _compact(data)
    except TypeError as error:
        raise ValueError(f"not JSON: {error}") from None
    if ("[[" in text or ",[" in text) and _nests_lists(data):  # the text acquits most documents at once
        raise ValueError("a list must not stand directly in a list: Firestore does not store it")
    return text


def _nests_lists(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_nests_lists, value.values()))
    return isinstance(value, list | tuple) and any(isinstance(v, list | tuple) or _nests_lists(v) for v in value)


def check_file_name(name: str) -> None:
    """Raises ``ValueError`` where ``name`` is not ``folder/id``."""
    if not re.fullmatch(r"[\w-]+(/[\w:-]+)+", name, re.ASCII):
        raise ValueError(f"not a file name of ours: {name!r}")


def checked(writes: Sequence[Write], databases: Mapping[str, str]) -> list[str | None]:
    """Each document as ``json_text``, None for a deletion. Raises ``ValueError`` as ``Store.commit`` does.

    Args:
        databases: by collection, where that is not the default one (``shared.topology.Topology.databases``).
    """
    if len(writes) > MAX_COMMIT:
        raise ValueError(f"{len(writes)} writes in one commit: make several, of at most {MAX_COMMIT}")
    if len({(w.collection, w.id) for w in writes}) < len(writes):
        raise ValueError("two writes of one commit name the same document")
    check_one_database(writes, databases)
    for write in writes:
        if not storable(write.id):
            raise ValueError(f"no engine holds a document of this id: {write.collection}/{write.id[:80]!r}")
    return [None if isinstance(write, Delete) else _checked_text(write) for write in writes]


def _checked_text(write: Create | Replace) -> str:
    text = json_text(write.data)
    size = len(text) if text.isascii() else len(text.encode())  # a lone surrogate is a ValueError
    if 16 * size > MAX_DOCUMENT:
        name = f"{write.collection}/{write.id}"
        if len(name.encode()) + 17 + _size(write.data) > MAX_DOCUMENT:
            raise ValueError(f"{name} is too large to be one document: {size} bytes")
    return text


def _size(value: Any) -> int:
    """What a value counts (https://cloud.google.com/firestore/docs/storage-size); in JSON it has at least a 16th."""
    match value:
        case str():
            return len(value.encode()) + 1
        case dict():
            return 32 + sum(len(name.encode()) + 1 + _size(one) for name, one in value.items())
        case list() | tuple():
            return sum(map(_size, value))
        case _:
            return 8


def findable(where: Sequence[Where]) -> list[Where] | None:
    """The conditions without ids that no document has; None where nothing can match them."""
    asked: list[Where] = []
    for name, operator, value in where:
        if name == "id" and operator == "in":
            value = [id for id in value if storable(id)]
        if (operator == "in" and not value) or (name == "id" and operator == "==" and not storable(value)):
            return None
        asked.append((name, operator, value))
    return asked


def check_one_database(writes: Sequence[Write], databases: Mapping[str, str]) -> None:
    """Raises ``ValueError`` for a commit over two databases, which Firestore cannot make atomic.

    Args:
        databases: by collection, where that is not the default one (``shared.topology.Topology.databases``).
    """
    if len({databases.get(write.collection, "") for write in writes}) > 1:
        names = ", ".join(sorted({write.collection for write in writes}))
        raise ValueError(f"these collections lie in different databases: {names}; commit one after the other")


def check_conditions(
    where: Sequence[Where], order: str | None = None, descending: bool = False, after: Cursor | None = None
) -> None:
    """Refuse what not every engine can answer (https://cloud.google.com/firestore/docs/query-data/queries).

    Raises ``ValueError`` for a comparison with None, a second ``contains``, ``in`` with more than ``MAX_VALUES``
    values, ``<`` and its kin on another field than ``order`` (without an order: on more than one field), ids in
    descending order, and ids in a range or cursor that are not ``storable``.
    """
    ids = [value for name, operator, value in where if name == "id" and operator not in ("==", "in")]
    if not all(map(storable, [*ids, *([after[1]] if after else [])])):
        raise ValueError("no document has an id like the one that this begins after")
    if descending and order == "id":
        raise ValueError("ids are read in ascending order only")
    ranged = {name for name, operator, _ in where if operator in ("<", "<=", ">", ">=")}
    if len(ranged | {order or name for name in ranged}) > 1:
        raise ValueError(f"a range needs the query ordered by its own field, not {sorted(ranged)} by {order!r}")
    if sum(operator == "contains" for _, operator, _ in where) > 1:
        raise ValueError("one query can look into one list")
    for name, operator, value in where:
        if value is None or (operator == "in" and None in value):
            raise ValueError(f"{name!r} cannot be compared with None: store a value that says it")
        if operator == "in" and len(value) > MAX_VALUES:
            raise ValueError(f"{name!r}: 'in' takes at most {MAX_VALUES} values, not {len(value)}")


def utc_text(instant: datetime) -> str:
    """An aware ``datetime`` as RFC 3339 in UTC with microseconds: ``2026-11-21T18:13:45.000000Z``. Sorts by time."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def from_utc_text(text: str) -> datetime:
    """The instant of a ``utc_text``, in UTC. Raises ``ValueError``."""
    return datetime.fromisoformat(text)


def every(
    store: Store, collection: str, *where: Where, order: str = "id", descending: bool = False, at_once: int = 500
) -> Iterator[Document]:
    """All documents that match, however many, read ``at_once`` at a time (see ``Store.query``)."""
    after: Cursor | None = None
    while True:
        page = store.query(collection, *where, order=order, descending=descending, after=after, limit=at_once)
        yield from page
        if len(page) < at_once:
            return
        after = page[-1].cursor(order)


def decide(decision: Callable[[], T], attempts: int = 12) -> T:
    """Run ``decision`` (read, decide, commit) again, with jitter, for as long as its commit conflicts.

    Raises ``Unavailable`` when it still conflicts after ``attempts`` runs.
    """
    for attempt in range(attempts):
        try:
            return decision()
        except Conflict:
            time.sleep(random.uniform(0, min(0.005 * 2**attempt, 0.5)))
    raise Unavailable("too many writers at once; try again")

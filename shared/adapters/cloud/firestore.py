"""Documents in Firestore, by commits with preconditions: no transactions, so no lock is ever held between two calls.

Speaks to the service through its generated client and plain protocol buffers: the high-level client spends several
times the processor time on every document (measured: 0.4 ms), and offers no precondition on replacing one.
https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from secrets import token_hex
from typing import Any

from google.api_core import exceptions
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport
from google.protobuf.timestamp_pb2 import Timestamp  # type: ignore[attr-defined]
from google.protobuf.wrappers_pb2 import Int32Value  # type: ignore[attr-defined]

from shared.adapters.cloud.calls import ONCE, PASSING, ask, attempts, each_process, open_channel
from shared.ports import (
    Conflict,
    Create,
    Cursor,
    Data,
    Delete,
    Document,
    Replace,
    Unavailable,
    Where,
    Write,
    check_conditions,
    checked,
    findable,
    from_utc_text,
    storable,
    utc_text,
)

EMULATOR = "FIRESTORE_EMULATOR_HOST"
PAGE = 300  # documents read in one call
EXPIRY = "expire_at"  # a timestamp there, as Firestore's TTL policy wants it
NONCE = "_nonce"
"""A stored field that no reader sees: Firestore leaves the update time of a document alone when a write changes nothing
in it, so a decision that writes a document only to guard it would not be seen by others."""

PbDocument, PbValue, PbWrite = types.Document.pb(), types.Value.pb(), types.Write.pb()
PbArray, PbMap = types.ArrayValue.pb(), types.MapValue.pb()
PbCursor, PbPrecondition, PbQuery = types.Cursor.pb(), types.Precondition.pb(), types.StructuredQuery.pb()
OPERATORS = {
    "==": "EQUAL",
    "<": "LESS_THAN",
    "<=": "LESS_THAN_OR_EQUAL",
    ">": "GREATER_THAN",
    ">=": "GREATER_THAN_OR_EQUAL",
    "in": "IN",
    "contains": "ARRAY_CONTAINS",
}


class FirestoreStore:
    """``shared.ports.Store`` on Firestore; on its emulator where ``FIRESTORE_EMULATOR_HOST`` is set.

    Args:
        databases: by collection, the database that holds it, where that is not the default one
            (``shared.topology.Topology.databases``).
    """

    def __init__(self, project: str, databases: Mapping[str, str]) -> None:
        self._project = project
        self._databases = databases
        self._client = each_process(_open)

    # -- reading --

    def get(self, collection: str, id: str) -> Document | None:
        if not storable(id):
            return None
        call = partial(self._client().get_document, {"name": self._name(collection, id)})
        try:
            return _document(types.Document.pb(self._ask(call, self._database(collection))))
        except exceptions.NotFound:
            return None

    def get_many(self, collection: str, ids: Iterable[str]) -> list[Document]:
        rest = iter([self._name(collection, id) for id in dict.fromkeys(ids) if storable(id)])
        found: list[Document] = []
        while page := list(islice(rest, PAGE)):
            database = self._database(collection)
            call = partial(self._client().batch_get_documents, {"database": database, "documents": page})
            answers = map(types.BatchGetDocumentsResponse.pb, self._ask_all(call, database))
            found.extend(_document(answer.found) for answer in answers if answer.HasField("found"))
        return found

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
        if (asked := findable(where)) is None:  # Firestore refuses ``in`` with no values
            return []
        query = self._selection(collection, asked, order)
        for name in dict.fromkeys((order, "id")):
            query.order_by.add(field=_field(name), direction=2 if descending else 1)
        if after is not None:
            place = {order: after[0], "id": after[1]}
            values = [self._comparable(collection, name, value) for name, value in place.items()]
            query.start_at.CopyFrom(PbCursor(values=values, before=False))
        query.limit.CopyFrom(Int32Value(value=limit))
        database = self._database(collection)
        call = partial(self._client().run_query, {"parent": f"{database}/documents", "structured_query": query})
        answers = map(types.RunQueryResponse.pb, self._ask_all(call, database))
        return [_document(answer.document) for answer in answers if answer.HasField("document")]

    def count(self, collection: str, *where: Where, at_most: int | None = None) -> int:
        check_conditions(where)
        if (asked := findable(where)) is None or at_most == 0:
            return 0
        selection = self._selection(collection, asked, "id")
        limit = {} if at_most is None else {"up_to": at_most}
        counted = {"structured_query": selection, "aggregations": [{"alias": "n", "count": limit}]}
        database = self._database(collection)
        request = {"parent": f"{database}/documents", "structured_aggregation_query": counted}
        answers = self._ask_all(partial(self._client().run_aggregation_query, request), database)
        return int(answers[0].result.aggregate_fields["n"].integer_value)

    def collections(self) -> list[str]:
        """Every collection that has documents, for export."""
        found: set[str] = set()
        for database in {self._database(collection) for collection in ("", *self._databases)}:
            call = partial(self._client().list_collection_ids, {"parent": f"{database}/documents"})
            found |= {name for name in self._ask_all(call, database) if self._database(name) == database}
        return sorted(found)

    # -- writing --

    def commit(self, writes: Sequence[Write]) -> None:
        """One ``Commit`` call, tried again while that is safe.

        An aborted commit has written nothing. After an attempt whose answer was lost, the next one either writes what
        that one did not, or meets its own preconditions broken, by itself or by another: then nobody can tell, so it
        is ``Unavailable`` and never ``Conflict``, which would promise that nothing was written.
        """
        if not writes:
            return
        database = self._database(writes[0].collection)
        request = {"database": database, "writes": self._encoded(writes)}
        lost: Exception | None = None
        aborted: Exception | None = None
        for timeout in attempts():
            try:
                self._client().commit(request, retry=ONCE, timeout=timeout, metadata=_metadata(database))
                return
            except exceptions.Aborted as error:
                aborted = error
            except (exceptions.AlreadyExists, exceptions.FailedPrecondition, exceptions.NotFound) as error:
                if lost:
                    break
                raise Conflict(error.message) from None
            except exceptions.InvalidArgument as error:
                raise ValueError(f"Firestore does not take this: {error.message}") from None
            except PASSING as error:
                lost = error
        if lost:
            raise Unavailable(f"Firestore did not answer: {lost}") from lost
        raise Conflict(f"too many writers: {aborted}") from aborted

    # -- inside --

    def _ask(self, call: Any, database: str) -> Any:
        return ask(lambda timeout: call(retry=ONCE, timeout=timeout, metadata=_metadata(database)))

    def _ask_all(self, call: Any, database: str) -> list[Any]:
        """All answers of a streaming call, or of one that pages."""
        return ask(lambda timeout: list(call(retry=ONCE, timeout=timeout, metadata=_metadata(database))))

    def _database(self, collection: str) -> str:
        return f"projects/{self._project}/databases/{self._databases.get(collection, '(default)')}"

    def _name(self, collection: str, id: str) -> str:
        return f"{self._database(collection)}/documents/{collection}/{id}"

    def _selection(self, collection: str, where: Sequence[Where], order: str) -> Any:
        query = PbQuery()
        query.from_.add(collection_id=collection)
        filters = query.where.composite_filter.filters
        for name, operator, value in where:
            compared = self._comparable(collection, name, value)
            filters.add(field_filter={"field": _field(name), "op": OPERATORS[operator], "value": compared})
        if order != "id" and all(name != order for name, _, _ in where):
            filters.add(unary_filter={"field": _field(order), "op": "IS_NOT_NULL"})
        if filters:
            query.where.composite_filter.op = PbQuery.CompositeFilter.AND
        else:
            query.ClearField("where")
        return query

    def _comparable(self, collection: str, name: str, value: Any) -> Any:
        if isinstance(value, list | tuple | set | frozenset):
            return PbValue(array_value=PbArray(values=[self._comparable(collection, name, one) for one in value]))
        return PbValue(reference_value=self._name(collection, value)) if name == "id" else _value(name, value)

    def _encoded(self, writes: Sequence[Write]) -> list[Any]:
        checked(writes, self._databases)
        return [self._write(write) for write in writes]

    def _write(self, write: Write) -> Any:
        name = self._name(write.collection, write.id)
        match write:
            case Create():
                document = PbDocument(name=name, fields=_fields(write.data))
                return PbWrite(update=document, current_document=PbPrecondition(exists=False))
            case Replace():
                document = PbDocument(name=name, fields=_fields({**write.data, NONCE: token_hex(4)}))
                return PbWrite(update=document, current_document=_unchanged(write.version))
            case Delete():
                return PbWrite(delete=name, current_document=_unchanged(write.version))


def _metadata(database: str) -> list[tuple[str, str]]:
    """Google routes a call by its database; the emulator takes one that says it may do all."""
    owner = [("authorization", "Bearer owner")] if EMULATOR in os.environ else []
    return [("google-cloud-resource-prefix", database), *owner]


def _open() -> FirestoreClient:
    return FirestoreClient(transport=FirestoreGrpcTransport(channel=open_channel(FirestoreGrpcTransport, EMULATOR)))


def _unchanged(version: str | None) -> Any:
    if version is None:
        return None
    instant = Timestamp()
    instant.FromJsonString(version)  # to the nanosecond
    return PbPrecondition(update_time=instant)


def _field(name: str) -> Any:
    return PbQuery.FieldReference(field_path="__name__" if name == "id" else name)


def _document(found: Any) -> Document:
    collection, id = found.name.rsplit("/", 2)[1:]
    data = {name: _plain(value) for name, value in found.fields.items() if name != NONCE}
    return Document(collection, id, data, found.update_time.ToJsonString())


def _fields(data: Data) -> Mapping[str, Any]:
    return {name: _value(name, value) for name, value in data.items()}


def _value(name: str, value: Any) -> Any:
    """A JSON value as Firestore's; ``name`` is the field's."""
    if name == EXPIRY and isinstance(value, str):
        return PbValue(timestamp_value=from_utc_text(value))
    if value is None:
        return PbValue(null_value=0)
    if isinstance(value, str):
        return PbValue(string_value=value)
    if isinstance(value, bool):
        return PbValue(boolean_value=value)
    if isinstance(value, int):
        return PbValue(integer_value=value)
    if isinstance(value, float):
        return PbValue(double_value=value)
    if isinstance(value, datetime):
        return PbValue(timestamp_value=value)
    if isinstance(value, dict):
        return PbValue(map_value=PbMap(fields={key: _value("", one) for key, one in value.items()}))
    return PbValue(array_value=PbArray(values=[_value("", one) for one in value]))


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value_type")
    if kind == "null_value":
        return None
    if kind == "map_value":
        return {name: _plain(one) for name, one in value.map_value.fields.items()}
    if kind == "array_value":
        return [_plain(one) for one in value.array_value.values]
    if kind == "timestamp_value":
        return utc_text(value.timestamp_value.ToDatetime(UTC))
    return getattr(value, kind)

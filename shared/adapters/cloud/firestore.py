"""Documents in Firestore, by commits with preconditions: no transactions, so no lock is ever held between two calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, partial
from itertools import islice
from secrets import token_hex
from typing import Any

from google.api_core import exceptions
from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

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
    from_utc_text,
    json_text,
    utc_text,
)

PAGE = 300  # documents read in one call
EXPIRY = "expire_at"  # a timestamp there, as Firestore's TTL policy wants it
NONCE = "_nonce"
"""A stored field that no reader sees: Firestore leaves the update time of a document alone when a write changes nothing
in it, so a decision that writes a document only to guard it would not be seen by others."""
_OPERATORS = {"contains": "array_contains"}


class FirestoreStore:
    """``shared.ports.Store`` on Firestore; on its emulator where ``FIRESTORE_EMULATOR_HOST`` is set."""

    def __init__(self, project: str) -> None:
        self._client = each_process(lambda: _Client(project=project))

    # -- reading --

    def get(self, collection: str, id: str) -> Document | None:
        reference = self._reference(collection, id)
        return _document(ask(lambda timeout: reference.get(retry=ONCE, timeout=timeout)))

    def get_many(self, collection: str, ids: Iterable[str]) -> list[Document]:
        rest = iter([self._reference(collection, id) for id in dict.fromkeys(ids)])
        found: list[Document] = []
        while page := list(islice(rest, PAGE)):
            found.extend(ask(partial(self._get_page, page)))
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
        check_conditions(where, order, descending)
        if _impossible(where):
            return []
        query = self._filtered(collection, where)
        direction = firestore.Query.DESCENDING if descending else firestore.Query.ASCENDING
        if order != "id":
            if all(name != order for name, _, _ in where):
                query = query.where(filter=FieldFilter(order, "!=", None))
            query = query.order_by(order, direction=direction)
        query = query.order_by("__name__", direction=direction)
        if after is not None:
            place = [after[1]] if order == "id" else [_stored(order, after[0]), after[1]]
            query = query.start_after(place)
        snapshots = ask(lambda timeout: query.limit(limit).get(retry=ONCE, timeout=timeout))
        return [document for document in map(_document, snapshots) if document]

    def count(self, collection: str, *where: Where) -> int:
        check_conditions(where)
        if _impossible(where):
            return 0
        counted = self._filtered(collection, where).count()
        return int(ask(lambda timeout: counted.get(retry=ONCE, timeout=timeout))[0][0].value)

    # -- writing --

    def commit(self, writes: Sequence[Write]) -> None:
        """One ``Commit`` call, tried again while that is safe.

        An aborted commit has written nothing. After an attempt whose answer was lost, the next one either writes what
        that one did not, or meets its own preconditions broken, by itself or by another: then nobody can tell, so it
        is ``Unavailable`` and never ``Conflict``, which would promise that nothing was written.
        """
        if not writes:
            return
        batch = self._batch(writes)
        lost: Exception | None = None
        aborted: Exception | None = None
        for timeout in attempts():
            try:
                batch.commit(retry=ONCE, timeout=timeout)
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

    def collections(self) -> list[str]:
        """Every collection that has documents, for export."""
        found = ask(lambda timeout: list(self._client().collections(retry=ONCE, timeout=timeout)))
        return sorted(collection.id for collection in found)

    # -- inside --

    def _get_page(self, references: list[Any], timeout: float) -> list[Document]:
        snapshots = self._client().get_all(references, retry=ONCE, timeout=timeout)
        return [document for document in map(_document, snapshots) if document]

    def _reference(self, collection: str, id: str) -> Any:
        if "/" in id:
            raise ValueError(f"a document id must not hold a slash: {id!r}")
        return self._client().collection(collection).document(id)

    def _filtered(self, collection: str, where: Sequence[Where]) -> Any:
        query: Any = self._client().collection(collection)
        for name, operator, value in where:
            symbol = _OPERATORS.get(operator, operator)
            if name == "id":
                many = operator == "in"
                value = [self._reference(collection, v) for v in value] if many else self._reference(collection, value)
                query = query.where(filter=FieldFilter("__name__", symbol, value))
            else:
                query = query.where(filter=FieldFilter(name, symbol, _stored(name, value)))
        return query

    def _batch(self, writes: Sequence[Write]) -> firestore.WriteBatch:
        if len({(w.collection, w.id) for w in writes}) < len(writes):
            raise ValueError("two writes of one commit name the same document")
        client = self._client()
        batch = _Batch(client)
        for write in writes:
            reference = self._reference(write.collection, write.id)
            match write:
                case Create():
                    batch.create(reference, _encoded(write.data))
                case Replace():
                    batch.replace(
                        reference, {**_encoded(write.data), NONCE: token_hex(4)}, _unchanged(client, write.version)
                    )
                case Delete():
                    batch.delete(reference, _unchanged(client, write.version))
        return batch


class _Client(firestore.Client):
    @cached_property
    def _firestore_api(self) -> FirestoreClient:
        channel = open_channel(FirestoreGrpcTransport, "FIRESTORE_EMULATOR_HOST")
        return FirestoreClient(transport=FirestoreGrpcTransport(channel=channel))


class _Batch(firestore.WriteBatch):
    """A batch whose ``set`` takes a precondition, as the service's does
    (https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1#write)."""

    def replace(self, reference: Any, data: Data, option: Any) -> None:
        self.set(reference, data)
        if option:
            option.modify_write(self._write_pbs[-1])


def _unchanged(client: firestore.Client, version: str | None) -> Any:
    if version is None:
        return None
    instant = DatetimeWithNanoseconds.from_rfc3339(version)  # type: ignore[no-untyped-call]
    return client.write_option(last_update_time=instant)


def _impossible(where: Sequence[Where]) -> bool:
    """Firestore refuses ``in`` with no values; nothing can match."""
    return any(operator == "in" and not value for _, operator, value in where)


def _document(snapshot: Any) -> Document | None:
    if not snapshot.exists:
        return None
    data = snapshot.to_dict()
    data.pop(NONCE, None)
    if isinstance(data.get(EXPIRY), DatetimeWithNanoseconds):
        data[EXPIRY] = utc_text(data[EXPIRY])
    return Document(snapshot.reference.parent.id, snapshot.id, data, snapshot.update_time.rfc3339())


def _encoded(data: Data) -> Data:
    json_text(data).encode()  # raises ValueError for what is no JSON; the client takes more than that
    return {**data, EXPIRY: _stored(EXPIRY, data[EXPIRY])} if EXPIRY in data else data


def _stored(name: str, value: Any) -> Any:
    return from_utc_text(value) if name == EXPIRY and isinstance(value, str) else value

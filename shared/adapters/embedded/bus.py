"""Topics and subscriptions in one SQLite file; ``infra/local/pusher.py`` delivers from it.

Keeps the promises of Pub/Sub push (at least once, no order, exponential backoff, dead letter after so many attempts)
so that a function sees the same here and there.
"""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.adapters.embedded.database import Database
from shared.ports import Message
from shared.topology import Topology

DEAD_LETTER_TOPIC = "dead-letters"
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS queue (subscription TEXT, id TEXT, topic TEXT, data BLOB, attributes TEXT,"
    " attempt INTEGER, due REAL, published REAL, PRIMARY KEY (subscription, id)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS queue_due ON queue (subscription, due, published)",
)
_ENQUEUE = "INSERT OR IGNORE INTO queue VALUES (?, ?, ?, ?, ?, 0, 0.0, ?)"
_REMOVE = "DELETE FROM queue WHERE subscription = ? AND id = ?"


@dataclass(frozen=True, slots=True)
class Queued:
    """A message that waits in one subscription; ``attempt`` counts from 1."""

    subscription: str
    message: Message
    attempt: int


class SqliteBus:
    """``shared.ports.Bus``, with the subscriber's side for the pusher.

    Args:
        first_retry: seconds, in place of the topology's lower bound of the backoff.
    """

    def __init__(self, path: Path, topology: Topology, first_retry: float | None = None) -> None:
        self._database = Database(path, _SCHEMA)
        self._topology = topology
        self._first_retry = topology.delivery.backoff[0] if first_retry is None else first_retry

    def publish(self, messages: Sequence[Message]) -> None:
        with self._database.transaction() as db:
            self._enqueue(db, messages)

    def due(
        self,
        now: float,
        limit: int,
        exclude: Collection[tuple[str, str]] = (),
        subscriptions: Sequence[str] | None = None,
    ) -> list[Queued]:
        """Messages to push at ``now`` (seconds since the epoch), oldest first.

        Args:
            exclude: (subscription, message id) of those under way.
            subscriptions: only of these; None: of all.
        """
        names = [s.name for s in self._topology.subscriptions] if subscriptions is None else subscriptions
        rows = self._database.read(
            "SELECT subscription, id, topic, data, attributes, attempt FROM queue WHERE subscription IN"  # noqa: S608
            f" ({','.join('?' * len(names))}) AND due <= ? ORDER BY due, published LIMIT ?",
            (*names, now, limit + len(exclude)),
        )
        return [
            Queued(row[0], Message(row[1], row[2], row[3], json.loads(row[4])), row[5] + 1)
            for row in rows
            if (row[0], row[1]) not in exclude
        ][:limit]

    def acknowledge(self, queued: Sequence[Queued]) -> None:
        """After a power cut some may be pushed once more, as duplicates."""
        with self._database.transaction(lasting=False) as db:
            db.executemany(_REMOVE, [(q.subscription, q.message.id) for q in queued])

    def postpone(self, queued: Queued, now: float) -> None:
        """After a failed push: try again later, or move the message to the dead letters."""
        delivery, message = self._topology.delivery, queued.message
        key = (queued.subscription, message.id)
        wait = min(self._first_retry * 2 ** min(queued.attempt - 1, 16), delivery.backoff[1]) * random.uniform(0.8, 1.2)
        with self._database.transaction() as db:
            if queued.attempt >= delivery.attempts and message.topic != DEAD_LETTER_TOPIC:
                self._enqueue(db, [_dead_letter(queued)])
                db.execute(_REMOVE, key)
            else:
                sql = "UPDATE queue SET attempt = ?, due = ? WHERE subscription = ? AND id = ?"
                db.execute(sql, (queued.attempt, now + wait, *key))

    def depth(self) -> int:
        """How many deliveries wait, in all subscriptions."""
        return int(self._database.read("SELECT count(*) FROM queue")[0][0])

    def _enqueue(self, db: sqlite3.Connection, messages: Sequence[Message]) -> None:
        now = time.time()
        for m in messages:
            for subscription in self._topology.subscriptions_of(m.topic, m.attributes.get("type", "")):
                db.execute(_ENQUEUE, (subscription.name, m.id, m.topic, m.data, json.dumps(m.attributes), now))


def _dead_letter(queued: Queued) -> Message:
    """The message with the attributes that Pub/Sub adds: https://cloud.google.com/pubsub/docs/handling-failures."""
    attributes = {
        **queued.message.attributes,
        "CloudPubSubDeadLetterSourceSubscription": queued.subscription,
        "CloudPubSubDeadLetterSourceDeliveryCount": str(queued.attempt),
    }
    return Message(f"{queued.message.id}:{queued.subscription}", DEAD_LETTER_TOPIC, queued.message.data, attributes)

"""Topics and subscriptions in one SQLite file; ``infra/local/pusher.py`` delivers from it.

Keeps the promises of Pub/Sub push (at least once, no order, exponential backoff, dead letter after so many attempts)
so that a function sees the same here and there.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from shared.ports import Message, Unavailable
from shared.topology import Topology

DEAD_LETTER_TOPIC = "dead-letters"


@dataclass(frozen=True, slots=True)
class Queued:
    """A message that waits in one subscription; ``attempt`` counts from 1."""

    subscription: str
    message: Message
    attempt: int


class SqliteBus:
    """``shared.ports.Bus``, with the subscriber's side for the pusher."""

    def __init__(self, path: Path, topology: Topology) -> None:
        self._path = path
        self._topology = topology

    @cached_property
    def _db(self) -> sqlite3.Connection:
        """Opened at first use, after the server has forked its workers."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=5, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute(
            "CREATE TABLE IF NOT EXISTS queue (subscription TEXT, id TEXT, topic TEXT, data BLOB, attributes TEXT,"
            " attempt INTEGER, due REAL, PRIMARY KEY (subscription, id)) WITHOUT ROWID"
        )
        db.execute("CREATE INDEX IF NOT EXISTS queue_due ON queue (due)")
        return db

    def publish(self, messages: Sequence[Message]) -> None:
        rows = [
            (subscription.name, m.id, m.topic, m.data, json.dumps(m.attributes), 0, 0.0)
            for m in messages
            for subscription in self._topology.subscriptions_of(m.topic)
        ]
        self._execute_many("INSERT OR IGNORE INTO queue VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def due(self, now: float, limit: int, exclude: Sequence[tuple[str, str]] = ()) -> list[Queued]:
        """Messages to push at ``now`` (seconds since the epoch), oldest first; ``exclude`` are those under way."""
        rows = self._db.execute(
            "SELECT subscription, id, topic, data, attributes, attempt FROM queue WHERE due <= ? ORDER BY due LIMIT ?",
            (now, limit + len(exclude)),
        )
        under_way = set(exclude)
        return [
            Queued(row[0], Message(row[1], row[2], row[3], json.loads(row[4])), row[5] + 1)
            for row in rows
            if (row[0], row[1]) not in under_way
        ][:limit]

    def acknowledge(self, queued: Sequence[Queued]) -> None:
        self._execute_many(
            "DELETE FROM queue WHERE subscription = ? AND id = ?", [(q.subscription, q.message.id) for q in queued]
        )

    def postpone(self, queued: Queued, now: float) -> None:
        """After a failed push: try again later, or move the message to the dead letters."""
        delivery = self._topology.delivery
        last = queued.attempt >= delivery.attempts and queued.message.topic != DEAD_LETTER_TOPIC
        if last:
            message = queued.message
            attributes = {
                **message.attributes,
                "CloudPubSubDeadLetterSourceSubscription": queued.subscription,
                "CloudPubSubDeadLetterSourceDeliveryCount": str(queued.attempt),
                "topic": message.topic,
            }
            letter = Message(f"{message.id}:{queued.subscription}", DEAD_LETTER_TOPIC, message.data, attributes)
            self.publish([letter])
            self.acknowledge([queued])
            return
        low, high = delivery.backoff
        wait = min(low * 2 ** min(queued.attempt - 1, 16), high) * random.uniform(0.8, 1.2)
        self._execute_many(
            "UPDATE queue SET attempt = ?, due = ? WHERE subscription = ? AND id = ?",
            [(queued.attempt, now + wait, queued.subscription, queued.message.id)],
        )

    def depth(self) -> int:
        """How many deliveries wait, in all subscriptions."""
        return int(self._db.execute("SELECT count(*) FROM queue").fetchone()[0])

    def _execute_many(self, sql: str, rows: Sequence[tuple[object, ...]]) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany(sql, rows)
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
        except sqlite3.OperationalError as error:
            raise Unavailable(f"the bus did not answer: {error}") from error

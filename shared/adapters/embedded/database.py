"""One SQLite file (WAL), shared by all threads and processes of one machine."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.ports import Unavailable

BUSY_SECONDS = 5.0


class Database:
    """A connection for each thread, opened at first use and again after a fork.

    Writers queue at a file lock: waiting in the kernel is fair and wakes at once, where SQLite's own busy handler
    sleeps in steps. A commit survives a power cut: SQLite only writes it (``synchronous=NORMAL``), and the write-ahead
    log is synced after the lock is released, before ``transaction`` returns, so that writers do not wait for each
    other's disk. Whoever builds on a commit that is not synced yet syncs it too, with the same log.

    Args:
        path: the file; its folder is made where it is missing.
        schema: statements that make what is missing, run when a connection opens.
    """

    def __init__(self, path: Path, schema: Sequence[str] = ()) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._schema = schema
        self._local = threading.local()

    def read(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Raises ``Unavailable``."""
        try:
            return self._connection().execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            raise _unavailable(error) from error

    @contextmanager
    def transaction(self, lasting: bool = True) -> Iterator[sqlite3.Connection]:
        """One ``BEGIN IMMEDIATE``, rolled back when the body raises. Raises ``Unavailable``.

        Args:
            lasting: False where a power cut may undo it, for what is known when it is done again. It is never undone
                beneath a later one that lasts, which syncs the log up to itself.
        """
        try:
            db = self._connection()
            fcntl.flock(self._local.lock, fcntl.LOCK_EX)
            try:
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                    db.execute("COMMIT")
                except BaseException:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise
            finally:
                fcntl.flock(self._local.lock, fcntl.LOCK_UN)
            if lasting:
                os.fdatasync(self._local.log)
        except sqlite3.OperationalError as error:
            raise _unavailable(error) from error

    def _connection(self) -> sqlite3.Connection:
        if getattr(self._local, "pid", None) != os.getpid():
            self._local.lock = open(f"{self._path}.lock", "ab")  # noqa: SIM115
            fcntl.flock(self._local.lock, fcntl.LOCK_EX)  # two processes must not turn WAL on at the same time
            try:
                db = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
                for statement in (
                    "PRAGMA journal_mode = WAL",
                    "PRAGMA synchronous = NORMAL",
                    "PRAGMA cache_size = -16000",  # KiB
                    "PRAGMA wal_autocheckpoint = 4000",  # pages of 4 KiB
                    *self._schema,
                ):
                    db.execute(statement)
                db.execute("BEGIN IMMEDIATE")  # the first write makes the log
                db.execute("COMMIT")
                self._local.log = os.open(f"{self._path}-wal", os.O_RDONLY)
            finally:
                fcntl.flock(self._local.lock, fcntl.LOCK_UN)
            self._local.db, self._local.pid = db, os.getpid()
        connection: sqlite3.Connection = self._local.db
        return connection


def _unavailable(error: sqlite3.OperationalError) -> Unavailable:
    return Unavailable(f"the database did not answer: {error}")

"""The least that keeps something: one SQLite insert transaction for a request, as durable as onestop's store."""

import os
import sqlite3
import threading
import uuid

import functions_framework

_local = threading.local()


def _database() -> sqlite3.Connection:
    if getattr(_local, "pid", None) != os.getpid():
        _local.db = sqlite3.connect(os.environ["BARE_DATABASE"], timeout=30, isolation_level=None)
        _local.db.execute("PRAGMA journal_mode = WAL")
        _local.db.execute(f"PRAGMA synchronous = {os.environ.get('BARE_SYNCHRONOUS', 'FULL')}")
        _local.db.execute("CREATE TABLE IF NOT EXISTS people (id TEXT PRIMARY KEY, body TEXT)")
        _local.pid = os.getpid()
    return _local.db


@functions_framework.http
def target(request):  # type: ignore[no-untyped-def]
    db = _database()
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO people VALUES (?, ?)", (uuid.uuid4().hex, request.get_data(as_text=True)))
    db.execute("COMMIT")
    return {"stored": True}, 201

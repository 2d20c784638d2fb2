"""A message that a function keeps refusing ends the same on every engine: once in the store, for the desk."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from infra.local.emulators import Emulators, create_topics
from infra.local.pusher import push_body
from shared import settings, topology, wiring
from shared.adapters.cloud.pubsub import PubsubBus
from shared.adapters.embedded.bus import SqliteBus
from shared.contracts.bus_events import message, outbox_row
from shared.contracts.registration import SeatsReleased
from shared.intake import DEAD_LETTERS, Intake
from shared.ports import Message

PATIENCE = 60.0  # seconds; the emulator looks at its queue every few
QUICK = replace(topology.load(), delivery=replace(topology.load().delivery, backoff=(0, 1), attempts=5))


@contextmanager
def functions() -> Iterator[tuple[dict[str, str], list[dict[str, Any]]]]:
    """Push endpoints of a registration that always fails and a notification that takes all, and what came there."""
    taken: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/notification":
                taken.append(body)
            self.send_response(204 if self.path == "/notification" else 500)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield {"registration": f"{url}/registration", "notification": f"{url}/notification"}, taken
    finally:
        server.shutdown()
        server.server_close()


def is_letter(push: dict[str, Any]) -> bool:
    return bool(push["subscription"].endswith("notification-dead-letters"))


def kept(letter: dict[str, Any], data: Path) -> list[dict[str, Any]]:
    """What the desk finds once ``letter`` has been pushed to the function, twice."""
    platform = replace(wiring.build(settings.from_environment({"ONESTOP_DATA": str(data)})), push_guard=None)
    for _ in range(2):
        request = Request(EnvironBuilder(method="POST", json=letter).get_environ())
        assert Intake(platform, "notification", {})(request).status_code == 204  # type: ignore[arg-type]
    return [document.data for document in platform.store.query(DEAD_LETTERS)]


def check(found: list[dict[str, Any]], sent: Message) -> None:
    [letter] = found
    assert letter["subscription"] == "registration-registrations"
    assert (letter["state"], letter["reason"]) == ("open", "The subscription gave up on it.")
    assert base64.b64decode(letter["data"]) == sent.data
    assert {k: v for k, v in letter["attributes"].items() if not k.startswith("CloudPubSub")} == sent.attributes


@pytest.fixture
def sent() -> Message:
    row = outbox_row("registration", SeatsReleased(event="forum"), datetime.now(UTC), "one")
    return message(row.id, row.data)


def test_on_the_embedded_engine(sent: Message, tmp_path: Path) -> None:
    bus = SqliteBus(tmp_path / "quick.db", QUICK)
    bus.publish([sent])
    for _ in range(QUICK.delivery.attempts):
        for queued in bus.due(1e12, 10, subscriptions=["registration-registrations"]):
            bus.postpone(queued, 0)
    [letter] = [push_body(q) for q in bus.due(1e12, 10, subscriptions=["notification-dead-letters"])]
    check(kept(json.loads(json.dumps(letter)), tmp_path), sent)


@pytest.mark.emulators
def test_on_the_emulators(sent: Message, tmp_path: Path, emulators: Emulators) -> None:
    project = f"test-{secrets.token_hex(6)}"
    with functions() as (endpoints, taken):
        create_topics(emulators.pubsub, QUICK, project, endpoints)
        PubsubBus(project).publish([sent])
        deadline = time.monotonic() + PATIENCE
        while not any(map(is_letter, taken)) and time.monotonic() < deadline:
            time.sleep(0.1)
    [letter] = filter(is_letter, taken)
    check(kept(letter, tmp_path), sent)

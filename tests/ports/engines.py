"""The engines that the port suite runs on. A further one is one more entry of ``ENGINES``.

``place`` is where an engine keeps its data, as text, so that another process can open the same: a folder, or a project
of the emulators.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from shared import topology
from shared.adapters.embedded.bus import SqliteBus
from shared.adapters.embedded.files import FolderFiles
from shared.adapters.embedded.store import SqliteStore
from shared.ports import Bus, Files, Message, Store
from tests.simulation.memory import MemoryBus, MemoryFiles, MemoryStore

SCHEMA = {
    "things": {"indexes": [["kind", "rank"], ["kind", "id"], ["tags[]", "kind", "rank"], ["tags[]", "rank", "id"]]},
    "claims": {"ttl": True},
    "badges": {"database": "apart"},
}
PATIENCE = 60.0  # seconds for one call: an emulator beside other tests may be slow, which is no fault
TOPIC, TYPE = "inquiries", "inquiry.received"  # which two subscriptions of the topology take


@dataclass(frozen=True)
class Engine:
    """How the suite opens an engine's adapters at a ``place``.

    ``received`` takes what reached the subscriptions of ``TOPIC`` (``count`` messages in each): subscription, message.
    """

    new_place: Callable[[Path], str]
    store: Callable[[str], Store]
    bus: Callable[[str], Bus]
    received: Callable[[str, int], list[tuple[str, Message]]]
    files: Callable[[str], Files]
    needs: tuple[str, ...] = ()  # fixtures that must be up
    shared: bool = True  # whether another process can open the same place


@dataclass
class _Memory:
    """What the simulation runs on, by place: it lives as long as this process."""

    store: MemoryStore
    bus: MemoryBus
    files: MemoryFiles


@cache
def _memory(place: str) -> _Memory:
    return _Memory(MemoryStore(SCHEMA), MemoryBus(topology.load()), MemoryFiles())


def _memory_received(place: str, count: int) -> list[tuple[str, Message]]:
    return [(pending.subscription, pending.message) for pending in _memory(place).bus.pending]


def _embedded_bus(place: str) -> SqliteBus:
    return SqliteBus(Path(place) / "bus.db", topology.load())


def _embedded_received(place: str, count: int) -> list[tuple[str, Message]]:
    return [(q.subscription, q.message) for q in _embedded_bus(place).due(0, 10_000)]


def _new_project(folder: Path) -> str:
    return f"test-{secrets.token_hex(6)}"  # the emulators keep the projects apart


def _firestore(place: str) -> Store:
    from shared.adapters.cloud import calls
    from shared.adapters.cloud.firestore import FirestoreStore

    calls.ANSWER_SECONDS = PATIENCE
    return FirestoreStore(place, {name: rules["database"] for name, rules in SCHEMA.items() if "database" in rules})


def _pubsub(place: str) -> Bus:
    from infra.local.emulators import create_topics
    from shared.adapters.cloud import pubsub

    pubsub.SECONDS = PATIENCE
    create_topics(os.environ["PUBSUB_EMULATOR_HOST"], topology.load(), place, endpoints={})
    return pubsub.PubsubBus(place)


def _pulled(place: str, count: int) -> list[tuple[str, Message]]:
    """Waits until each subscription has given ``count`` messages, then asks once more for what should not be there."""
    from google.cloud.pubsub_v1 import SubscriberClient

    found: list[tuple[str, Message]] = []
    with SubscriberClient() as subscriber:
        for subscription in topology.load().subscriptions_of(TOPIC, TYPE):
            path = subscriber.subscription_path(place, subscription.name)
            ids: set[str] = set()
            deadline = time.monotonic() + PATIENCE
            while True:
                request = {"subscription": path, "max_messages": 1000, "return_immediately": True}
                received = subscriber.pull(request=request, timeout=PATIENCE).received_messages
                for one in received:
                    attributes = dict(one.message.attributes)
                    ids.add(one.message.message_id)
                    message = Message(attributes.get("event_id", ""), TOPIC, one.message.data, attributes)
                    found.append((subscription.name, message))
                if received:
                    subscriber.acknowledge(subscription=path, ack_ids=[one.ack_id for one in received])
                elif len(ids) >= count or time.monotonic() > deadline:
                    break
    return found


def _bucket_files(place: str) -> Files:
    from shared.adapters.cloud.storage import BucketFiles

    return BucketFiles(place)


ENGINES = {
    "embedded": Engine(
        new_place=str,
        store=lambda place: SqliteStore(Path(place) / "store.db", SCHEMA),
        bus=_embedded_bus,
        received=_embedded_received,
        files=lambda place: FolderFiles(Path(place) / "files"),
    ),
    "memory": Engine(
        new_place=str,
        store=lambda place: _memory(place).store,
        bus=lambda place: _memory(place).bus,
        received=_memory_received,
        files=lambda place: _memory(place).files,
        shared=False,
    ),
    "emulators": Engine(
        new_place=_new_project,
        store=_firestore,
        bus=_pubsub,
        received=_pulled,
        files=_bucket_files,
        needs=("emulators", "fake_storage"),
    ),
}


def params(apart: bool = False) -> list[Any]:
    """The names of the engines, for pytest. ``apart``: of those that several processes can open at once."""
    named = ((name, engine) for name, engine in ENGINES.items() if engine.shared or not apart)
    return [pytest.param(name, marks=[pytest.mark.emulators] if engine.needs else []) for name, engine in named]

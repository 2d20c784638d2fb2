"""The engines that the port suite runs on. A further one is one more entry of ``ENGINES``.

``place`` is where an engine keeps its data, as text, so that another process can open the same: a folder, or a project
of the emulators.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared import topology
from shared.adapters.embedded.bus import SqliteBus
from shared.adapters.embedded.files import FolderFiles
from shared.adapters.embedded.store import SqliteStore
from shared.ports import Bus, Files, Message, Store

SCHEMA = {
    "things": {"indexes": [["kind", "rank"], ["kind", "id"], ["tags[]", "kind", "rank"], ["tags[]", "rank", "id"]]},
    "claims": {"ttl": True},
}
TOPIC = "registrations"  # two subscriptions of the topology listen to it


@dataclass(frozen=True)
class Engine:
    """How the suite opens an engine's adapters at a ``place``.

    ``received`` lists what reached the subscriptions of ``TOPIC``: subscription and message.
    """

    new_place: Callable[[Path], str]
    store: Callable[[str], Store]
    bus: Callable[[str], Bus]
    received: Callable[[str], list[tuple[str, Message]]]
    files: Callable[[str], Files]
    needs: tuple[str, ...] = ()  # fixtures that must be up


def _embedded_bus(place: str) -> SqliteBus:
    return SqliteBus(Path(place) / "bus.db", topology.load())


def _embedded_received(place: str) -> list[tuple[str, Message]]:
    return [(q.subscription, q.message) for q in _embedded_bus(place).due(0, 10_000)]


def _new_project(folder: Path) -> str:
    return f"test-{secrets.token_hex(6)}"  # the emulators keep the projects apart


def _firestore(place: str) -> Store:
    from shared.adapters.cloud.firestore import FirestoreStore

    return FirestoreStore(place)


def _pubsub(place: str) -> Bus:
    from infra.local.emulators import create_topics
    from shared.adapters.cloud.pubsub import PubsubBus

    create_topics(os.environ["PUBSUB_EMULATOR_HOST"], topology.load(), place, endpoints={})
    return PubsubBus(place)


def _pulled(place: str) -> list[tuple[str, Message]]:
    """Everything that waits now, acknowledged; empty after three empty answers, for the emulator is in no hurry."""
    from google.api_core.exceptions import DeadlineExceeded
    from google.cloud.pubsub_v1 import SubscriberClient

    found: list[tuple[str, Message]] = []
    with SubscriberClient() as subscriber:
        for subscription in topology.load().subscriptions_of(TOPIC):
            path = subscriber.subscription_path(place, subscription.name)
            while True:
                try:
                    answer = subscriber.pull(subscription=path, max_messages=1000, timeout=2, retry=None)
                except DeadlineExceeded:
                    break
                if not answer.received_messages:
                    break
                for one in answer.received_messages:
                    attributes = dict(one.message.attributes)
                    message = Message(attributes.get("event_id", ""), TOPIC, one.message.data, attributes)
                    found.append((subscription.name, message))
                subscriber.acknowledge(subscription=path, ack_ids=[one.ack_id for one in answer.received_messages])
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
    "emulators": Engine(
        new_place=_new_project,
        store=_firestore,
        bus=_pubsub,
        received=_pulled,
        files=_bucket_files,
        needs=("emulators", "fake_storage"),
    ),
}

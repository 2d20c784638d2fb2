"""Google Cloud behind the ports. The emulators' environment variables turn the same clients to the emulators."""

from __future__ import annotations

from shared import topology
from shared.outbox import RelayingStore
from shared.ports import Bus, Store
from shared.settings import Settings


def connect(settings: Settings) -> tuple[Store, Bus]:
    """The store, which publishes what its commits announce, and the bus. Nothing is called or opened yet."""
    from shared.adapters.cloud.firestore import FirestoreStore
    from shared.adapters.cloud.pubsub import PubsubBus

    bus = PubsubBus(settings.project)
    return RelayingStore(FirestoreStore(settings.project, topology.load().databases), bus), bus

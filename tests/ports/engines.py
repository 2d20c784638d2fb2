"""The engines that the port suite runs on. A further one is one more entry of ``ENGINES``.

``place`` is where an engine keeps its data, as text, so that another process can open the same: a folder, or a project
of the emulators.
"""

from __future__ import annotations

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


def _embedded_bus(place: str) -> SqliteBus:
    return SqliteBus(Path(place) / "bus.db", topology.load())


def _embedded_received(place: str) -> list[tuple[str, Message]]:
    return [(q.subscription, q.message) for q in _embedded_bus(place).due(0, 10_000)]


ENGINES = {
    "embedded": Engine(
        new_place=str,
        store=lambda place: SqliteStore(Path(place) / "store.db", SCHEMA),
        bus=_embedded_bus,
        received=_embedded_received,
        files=lambda place: FolderFiles(Path(place) / "files"),
    ),
}

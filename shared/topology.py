"""The topology file as objects. Standard library only: every function reads it at start."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("topology.toml")


@dataclass(frozen=True, slots=True)
class Target:
    """One deployed function: ``registration.web`` is target ``web`` of the package ``functions/registration``."""

    function: str
    name: str
    paths: tuple[str, ...]

    @property
    def id(self) -> str:
        """As services and processes are named: ``registration-web``."""
        return f"{self.function}-{self.name}"


@dataclass(frozen=True, slots=True)
class Subscription:
    """Of a function's ``events`` target to a topic."""

    name: str
    topic: str
    function: str
    types: frozenset[str] = frozenset()  # of bus events; empty: all of the topic

    def takes(self, type: str) -> bool:
        """Whether bus events of this ``type`` come by it."""
        return not self.types or type in self.types


@dataclass(frozen=True, slots=True)
class Server:
    """How many processes, and threads in each, answer for one target."""

    workers: int
    threads: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """How every subscription is delivered; times in seconds."""

    ack_deadline: int
    backoff: tuple[int, int]
    attempts: int
    retention: int


@dataclass(frozen=True, slots=True)
class Topology:
    """All of ``topology.toml`` that running needs; the rest is Terraform's."""

    targets: tuple[Target, ...]
    topics: tuple[str, ...]
    subscriptions: tuple[Subscription, ...]
    delivery: Delivery
    local_servers: dict[str, Server]  # by the target's name
    schedules: dict[str, dict[str, str]]
    store: dict[str, dict[str, Any]]
    bearer_paths: tuple[str, ...] = ()  # what follows them in a path is a key

    @property
    def databases(self) -> dict[str, str]:
        """By collection, the Firestore database that holds it, where that is not the default one."""
        return {name: rules["database"] for name, rules in self.store.items() if "database" in rules}

    def subscriptions_of(self, topic: str, type: str | None = None) -> list[Subscription]:
        """Those that listen to the topic, or that take its events of one type."""
        return [s for s in self.subscriptions if s.topic == topic and (type is None or s.takes(type))]


@cache
def load() -> Topology:
    """Read once in a process."""
    raw = tomllib.loads(FILE.read_text("utf-8"))
    delivery = raw["delivery"]
    return Topology(
        bearer_paths=tuple(raw["bearer_paths"]),
        targets=tuple(
            Target(function, name, tuple(target.get("paths", ())))
            for function, targets in raw["functions"].items()
            for name, target in targets.items()
        ),
        topics=tuple(raw["topics"]),
        subscriptions=tuple(
            Subscription(name, s["topic"], s["function"], frozenset(s.get("types", ())))
            for name, s in raw["subscriptions"].items()
        ),
        delivery=Delivery(
            delivery["ack_deadline"], tuple(delivery["backoff"]), delivery["attempts"], delivery["retention"]
        ),
        local_servers={name: Server(**shape) for name, shape in raw["server"]["local"].items()},
        schedules=raw["schedules"],
        store=raw["store"],
    )

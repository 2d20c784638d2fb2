"""A search for links goes from slice to slice, duplicated, out of order, and with crashes before and after any call to
the store: one mail comes out, with every link that is of use.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared import ports
from shared.adapters.embedded.files import FolderFiles
from shared.intake import PROCESSED
from shared.keys.tokens import Tokens
from shared.ports import Create, Document, Store, Write
from shared.wiring import Platform
from tests.functions.browser import SETTINGS, NoMail, StoppedClock
from tests.functions.find_world import Slices, links_in
from tests.simulation.memory import MemoryStore

WORLDS = 40
MOST_DELIVERIES = 200  # in one world: all of it is delivered long before
PEOPLE = ("ana@example.org", "ben@example.org", "eva@example.org")


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Fragile:
    """A store whose processes die now and then, before or after what they ask of it."""

    store: Store
    chance: random.Random
    risk: float = 0.0

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.store, name)

        def call(*arguments: Any, **options: Any) -> Any:
            if self.chance.random() < self.risk:
                raise Crash
            result = real(*arguments, **options)
            if name == "commit" and self.chance.random() < self.risk:
                raise Crash
            return result

        return call


class World(Slices):
    """
    Args:
        spoil: a fault, put around the store: the negative control.
    """

    def __init__(self, folder: Path, seed: int, spoil: Callable[[Store], Store] = lambda store: store) -> None:
        self.chance = random.Random(seed)
        plain = MemoryStore()
        tokens, files = Tokens(SETTINGS.secret_keys, SETTINGS.desk_keys), FolderFiles(folder)
        self.fragile = Fragile(spoil(plain), self.chance)
        here = Platform(SETTINGS, plain, NoMail(), NoMail(), files, StoppedClock(), tokens)  # type: ignore[arg-type]
        super().__init__(here, lambda _: self.fragile)  # type: ignore[arg-type,return-value]
        self.useful: dict[str, int] = dict.fromkeys(PEOPLE, 0)
        self.wanted: set[str] = set()
        self.faults: list[str] = []

    def run(self) -> list[str]:
        """The faults that were seen."""
        for id in ("one", "two"):
            self.event(id, verify_email=self.chance.random() < 0.5)
        for address in PEOPLE[:2]:
            self._furnish(address)
        for row in self.waiting():
            self.forget(row)
        self.fragile.risk = 0.04
        for _ in range(self.chance.randrange(3, 12)):
            self._survive(self.chance.choice((self._want, self._deliver, self._deliver, self._tick)))
        for _ in range(MOST_DELIVERIES):
            self._survive(self._deliver)
        self.faults += [f"{row.data['type']} cannot be delivered" for row in self.waiting()]
        self.fragile.risk = 0.0
        self.clock.forward(minutes=5)  # type: ignore[attr-defined]
        self.deliveries.tick()
        return self._look()

    def _furnish(self, address: str) -> None:
        for id in ("one", "two"):
            if self.chance.random() < 0.7:
                self.register(id, address)
                self.useful[address] += 1
        for _ in range(self.chance.randrange(3)):
            self.ask(address)
            self.useful[address] += 1

    def _survive(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Crash:
            self.start()

    def _want(self) -> None:
        address = self.chance.choice(PEOPLE)
        try:
            self.registrations.want_links(address, "en")
        finally:  # a crash behind the commit leaves the promise made
            if any(row.data["data"].get("email") == address for row in self.waiting()):
                self.wanted.add(address)

    def _deliver(self) -> None:
        """Any that waits; often the bus thinks that it was lost, and brings it again."""
        rows: Sequence[Document] = self.waiting()
        if rows:
            row = self.chance.choice(rows)
            if self.deliver(row) and self.chance.random() < 0.6:
                self.forget(row)

    def _tick(self) -> None:
        self.deliveries.tick()

    def _look(self) -> list[str]:
        for address in PEOPLE:
            mails = [mail for mail in self.found() if mail["To"] == address]
            due = 1 if address in self.wanted and self.useful[address] else 0
            if len(mails) != due:
                self.faults.append(f"{address} got {len(mails)} mails where {due} was due")
            listed = [links_in(mail) for mail in mails]
            if any(len(set(links)) != len(links) or len(links) != self.useful[address] for links in listed):
                self.faults.append(f"{address} got {listed} where {self.useful[address]} links are of use")
        return self.faults


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody writes at the same time: there is nothing to wait for between two attempts."""
    monkeypatch.setattr(ports.time, "sleep", lambda seconds: None)


def test_a_search_mails_once_whatever_happens_in_between(tmp_path: Path) -> None:
    for seed in range(WORLDS):
        assert not World(tmp_path, seed).run(), f"seed {seed}"


@dataclass
class Forgetful:
    """A claim on an event is not kept: what comes twice is done twice."""

    store: Store

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def commit(self, writes: Sequence[Write]) -> None:
        self.store.commit([write for write in writes if write.collection != PROCESSED])


@dataclass
class Lossy:
    """What a slice passes on is not in the commit of its claim."""

    store: Store

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def commit(self, writes: Sequence[Write]) -> None:
        claims = [write for write in writes if write.collection == PROCESSED]
        kept = [write for write in writes if not (claims and _passes_on(write))]
        self.store.commit(kept)


def _passes_on(write: Write) -> bool:
    return isinstance(write, Create) and write.collection == "outbox"


@pytest.mark.parametrize("spoil", [Forgetful, Lossy])
def test_a_broken_store_is_noticed(tmp_path: Path, spoil: Callable[[Store], Store]) -> None:
    assert any(World(tmp_path, seed, spoil).run() for seed in range(WORLDS))

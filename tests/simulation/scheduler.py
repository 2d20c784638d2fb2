"""Who runs next: requests and pushes as greenlets, and one seeded chance that decides at every call to a port.

A process answers one request at a time and has caches of its own, as an instance of a function with one thread has.
Before and after each call to a port others may have their turn, the process may die, or the platform may not answer:
then the call was never made, or it was and nobody was told.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import greenlet

from shared.ports import TransientMailError, Unavailable

EFFECTS = frozenset({"commit", "publish", "send", "write", "delete"})
READS = frozenset({"get", "get_many", "query", "count", "read"})
SOURCES = ("functions.", "shared.")


class Crash(BaseException):
    """The process is gone, between two calls to a port."""


@dataclass
class Chances:
    """How likely each fault is, at each call to a port."""

    crash: float = 0.0
    outage: float = 0.0
    switch: float = 0.5  # that another process has its turn
    stall: float = 0.0  # that a process stands still for long, at each turn


@dataclass
class Process:
    """One instance. ``made`` is what it keeps between two requests; a crash takes it away.

    Attributes:
        leases: the deliveries that it has leased, with the end of each lease.
        unrecorded: the one of them whose mail a relay took, and the books do not say so yet.
        began_at: when it began what it is at.
        began: how many commits there were when it began what it is at.
    """

    number: int
    made: Any = None
    job: greenlet.greenlet | None = None
    dead: bool = False
    began: int = 0
    began_at: datetime = datetime.min
    leases: dict[str, str] = field(default_factory=dict)
    unrecorded: str = ""
    awake_at: int = 0  # the turn before which it stands still


@dataclass
class Scheduler:
    chance: random.Random
    chances: Chances
    over: Callable[[Process], None]
    processes: list[Process] = field(default_factory=list)
    running: Process | None = None
    crashes: int = 0
    outages: int = 0
    turns: int = 0
    hub: Any = None

    def next(self) -> Process:
        """Who has the next turn. Some stand still for long, so that others do much meanwhile."""
        self.turns += 1
        awake = [process for process in self.processes if process.awake_at <= self.turns]
        process = self.chance.choice(awake or self.processes)
        if process.job and self.chance.random() < self.chances.stall:
            process.awake_at = self.turns + self.chance.randrange(5, 60)
            return self.chance.choice(self.processes)
        return process

    def start(self, process: Process, job: Callable[[], None]) -> None:
        process.dead = False
        process.job = greenlet.greenlet(job)
        self.go_on(process)

    def go_on(self, process: Process) -> None:
        assert process.job is not None
        self.running, self.hub = process, greenlet.getcurrent()
        try:
            process.job.switch()
        except Crash:
            self.crashes += 1
            process.made = None
        finally:
            self.running = None
        if process.job.dead:
            process.job = None
            self.over(process)

    def alone(self, process: Process, job: Callable[[], None]) -> None:
        """Run a job from its beginning to its end, with nobody in between."""
        self.running = process
        try:
            job()
        finally:
            self.running = None
            self.over(process)

    def turn(self, before: bool, name: str) -> None:
        """What may happen around a call to a port."""
        process = self.running
        if process is None or process.job is None:
            return
        if process.dead:
            raise Crash  # of its ``finally`` clauses none runs any more
        if self.chance.random() < self.chances.switch:
            self.hub.switch()
        if self.chance.random() < self.chances.crash:
            process.dead = True
            raise Crash
        if (before or name in EFFECTS) and self.chance.random() < self.chances.outage:
            self.outages += 1
            if name == "send":
                raise TransientMailError(
                    "421 the connection broke" if before else "451 the connection broke after DATA"
                )
            raise Unavailable(f"{name}: no answer {'came' if before else 'after it was done'}")

    def pause(self, _seconds: float = 0.0) -> None:
        """As ``time.sleep``."""
        if self.running and self.running.job and not self.running.dead:
            self.hub.switch()


class Port:
    """A port as the processes have it."""

    def __init__(self, real: Any, scheduler: Scheduler) -> None:
        self._real, self._scheduler = real, scheduler

    def __getattr__(self, name: str) -> Any:
        real, turn = getattr(self._real, name), self._scheduler.turn
        effect = name in EFFECTS
        if not effect and name not in READS:
            return real

        def call(*arguments: Any, **options: Any) -> Any:
            turn(True, name)
            result = real(*arguments, **options)
            if effect:
                turn(False, name)
            return result

        self.__dict__[name] = call
        return call


@contextmanager
def determined() -> Iterator[Callable[[random.Random, Callable[[], float], Callable[[float], None]], None]]:
    """Every module of the product has the world's chance and clock in the place of the standard library's.

    Gives a function that says whose: a chance, what ``time.monotonic`` tells, what ``time.sleep`` does.
    """
    real = {name: sys.modules[name] for name in ("random", "secrets", "time")}
    modules = [module for name, module in sorted(sys.modules.items()) if name.startswith(SOURCES)]
    places = [(module, name) for module in modules for name in real if getattr(module, name, None) is real[name]]

    def use(chance: random.Random, monotonic: Callable[[], float], sleep: Callable[[float], None]) -> None:
        standins = {
            "random": chance,
            "secrets": SimpleNamespace(
                token_hex=lambda count=16: f"{chance.getrandbits(8 * count):0{2 * count}x}",
                token_urlsafe=lambda count=16: f"{chance.getrandbits(8 * count):0{2 * count}x}",
                randbelow=chance.randrange,
                choice=chance.choice,
            ),
            "time": SimpleNamespace(monotonic=monotonic, sleep=sleep, time=monotonic, perf_counter=monotonic),
        }
        for module, name in places:
            setattr(module, name, standins[name])

    try:
        yield use
    finally:
        for module, name in places:
            setattr(module, name, real[name])

"""What a world is made of, and what those who act in it and look at it see of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from functions.inquiries.services import Service
from functions.notification.deliveries.service import Deliveries
from functions.registration.events.models import EventDefinition
from functions.registration.registrations.service import Registrations
from shared.intake import Intake
from shared.wiring import Platform
from tests.simulation import content
from tests.simulation.memory import MemoryStore
from tests.simulation.scheduler import Scheduler

THEMES = ("all", "all", "seats", "seats", "imports", "inquiries", "clock", "forms")
"""What a world is about: the rarer the meeting, the more of it must happen in one place."""


@dataclass
class SetClock:
    instant: datetime = content.BEGINNING

    def now(self) -> datetime:
        return self.instant


@dataclass(frozen=True)
class Plan:
    """What makes a world, all of it drawn from ``seed``; a failing one is shrunk by taking away from it.

    Args:
        people: how many addresses there are.
        jobs: requests and pushes before it comes to rest.
        faults: a factor of all chances of a fault.
        theme: what it is about (``THEMES``).
    """

    seed: int
    people: int
    jobs: int
    faults: float = 1.0
    theme: str = "all"

    @classmethod
    def of(cls, seed: int, theme: str = "") -> Plan:
        """Args: theme: of ``THEMES``; empty: the seed draws one."""
        chance = random.Random(seed)
        people, jobs, faults = chance.randrange(3, 13), chance.randrange(60, 260), chance.choice((0.3, 1.0, 3.0, 10.0))
        return cls(seed, people, jobs, faults, theme or chance.choice(THEMES))

    def repeated(self) -> str:
        """The arguments that repeat it."""
        size = f"--people {self.people} --jobs {self.jobs} --faults {self.faults}"
        return f"--world {self.seed} {size} --theme {self.theme}"


@dataclass
class Slices:
    """The real services and intakes, as one process has them."""

    registrations: Registrations
    inquiries: Service
    deliveries: Deliveries
    intakes: dict[str, Intake]
    platform: Platform


class World(Protocol):
    """``tests.simulation.world.World``, which knows them all."""

    plan: Plan
    chance: random.Random
    clock: SetClock
    store: MemoryStore
    scheduler: Scheduler
    books: Any  # invariants.Books, which look at the world
    people: int
    theme: str
    wanted: EventDefinition
    retries: list[Callable[[Slices], object]]  # what somebody was not answered, and asks again

    def drawn_event(self) -> EventDefinition:
        """Another definition of the event."""

"""Worlds until so many events have happened, and one line of JSON about them; 1 where something did not hold.

python -m tests.simulation --events 1000000 --seed 1
python -m tests.simulation --events 20000 --without gate     the negative control: it must be caught
python -m tests.simulation --world 17 --people 4 --jobs 90   one world again, as a failure prints it
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace

from tests.simulation.faults import NAMES, without
from tests.simulation.scene import THEMES, Plan
from tests.simulation.scheduler import determined
from tests.simulation.world import Spoil, World

SPREAD = 1_000_000  # worlds of one seed; those of another are others


@dataclass
class Tally:
    events: int = 0
    worlds: int = 0
    crashes: int = 0
    outages: int = 0
    duplicates: int = 0
    seconds: float = 0.0  # of processor time
    violations: list[str] = field(default_factory=list)

    def count(self, world: World) -> None:
        self.events += world.events
        self.worlds += 1
        self.crashes += world.scheduler.crashes
        self.outages += world.scheduler.outages
        self.duplicates += world.duplicates
        self.violations += world.books.violations[:1]

    def line(self) -> str:
        counts = {name: getattr(self, name) for name in ("events", "worlds", "crashes", "outages", "duplicates")}
        speed = round(self.events / self.seconds) if self.seconds else 0
        return json.dumps({**counts, "violations": len(self.violations), "events_per_cpu_second": speed})


def run(events: int, seeds: Sequence[int], fault: str = "", theme: str = "") -> Tally:
    """One world after the other, until there were so many events or one has failed."""
    logging.disable(logging.CRITICAL)
    tally, began = Tally(), time.process_time()
    with without(fault) as spoil, determined() as use:
        for seed in seeds:
            world = World(Plan.of(seed, theme), spoil)
            failed = bool(world.run(use))
            tally.count(world)
            if failed:
                tally.violations[-1] += "\n" + _repeated(_shrunk(world.plan, spoil, use), fault)
            if failed or tally.events >= events:
                break
    tally.seconds = time.process_time() - began
    return tally


def _shrunk(plan: Plan, spoil: Spoil, use: object) -> Plan:
    """The smallest failing world like it that is quickly found: fewer people, then fewer jobs, then fewer faults."""

    def fails(smaller: Plan) -> bool:
        return bool(World(smaller, spoil).run(use))

    for people in range(1, plan.people):
        if fails(replace(plan, people=people)):
            plan = replace(plan, people=people)
            break
    for _ in range(12):
        if not fails(smaller := replace(plan, jobs=plan.jobs * 4 // 5)):
            break
        plan = smaller
    for faults in (0.0, 0.1, 0.3, 1.0):
        if faults < plan.faults and fails(replace(plan, faults=faults)):
            return replace(plan, faults=faults)
    return plan


def _repeated(plan: Plan, fault: str) -> str:
    return f"repeat it: python -m tests.simulation {plan.repeated()}" + (f" --without {fault}" if fault else "")


def _one(plan: Plan, fault: str) -> Tally:
    logging.disable(logging.CRITICAL)
    tally, began = Tally(), time.process_time()
    with without(fault) as spoil, determined() as use:
        world = World(plan, spoil)
        world.run(use)
    tally.count(world)
    tally.seconds = time.process_time() - began
    return tally


def _all(events: int, seed: int, fault: str, theme: str) -> Tally:
    """Each processor has worlds of its own, so that the same seed gives the same worlds on machines of one size."""
    shares = 1 if events < 50_000 else os.cpu_count() or 1
    ranges = [range(seed * SPREAD + share, (seed + 1) * SPREAD, shares) for share in range(shares)]
    if shares == 1:
        return run(events, ranges[0], fault, theme)
    total = Tally()
    with ProcessPoolExecutor(shares) as pool:
        for tally in pool.map(run, [events // shares] * shares, ranges, [fault] * shares, [theme] * shares):
            for name, value in vars(tally).items():
                setattr(total, name, getattr(total, name) + value)
    return total


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without", choices=NAMES, default="", help="take away a guard")
    parser.add_argument("--theme", choices=sorted(set(THEMES)), default="", help="worlds of one kind only")
    parser.add_argument("--world", type=int, help="one world only, by its seed")
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--faults", type=float, default=1.0)
    asked = parser.parse_args()
    if asked.world is None:
        tally = _all(asked.events, asked.seed, asked.without, asked.theme)
    else:
        tally = _one(Plan(asked.world, asked.people, asked.jobs, asked.faults, asked.theme or "all"), asked.without)
    for violation in tally.violations:
        print(violation, file=sys.stderr)
    print(tally.line())
    return 1 if tally.violations else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of a set of strings is part of what a seed repeats
        os.execve(
            sys.executable,
            [sys.executable, "-m", "tests.simulation", *sys.argv[1:]],
            os.environ | {"PYTHONHASHSEED": "0"},
        )
    sys.exit(main())

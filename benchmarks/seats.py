"""Finding and claiming a seat, from the first of 20,000 to the last: two ideas, on both engines.

*Tickets* is what onestop does: a document for each free seat, deleted by its taker
(``functions.registration.registrations.seats``).
*Numbers* is the other one: a document for each taken seat, created at a number that seems free.
"""

from __future__ import annotations

import random
import secrets
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import product

from benchmarks.stores import PROCESSES, THREADS, Work, crowd, fill, insist, open_store
from functions.registration.registrations.seats import Seats, ticket
from shared.ports import Create, Store, Write, decide

POOLS = {"hall:*": 20_000, "hall:delegation": 5_000}  # every claim takes a seat of each
FULL = (0.01, 0.5, 0.99, 1.0)
CLAIMS = 15  # for each thread, so that 99 % full has enough for most
WINDOW = 300
TAKEN = "taken_seats"


class Numbers:
    """Tries a number at random; after a conflict, looks for gaps among the taken ones."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._gaps: defaultdict[str, list[int]] = defaultdict(list)
        self._crowded: set[str] = set()
        self._lock = threading.Lock()

    def take(self, pools: Sequence[str]) -> list[Write] | None:
        numbers = [(pool, self._number(pool)) for pool in pools]
        if any(number is None for _, number in numbers):
            return None
        return [Create(TAKEN, f"{pool}:{number:06}", {"pool": pool}) for pool, number in numbers]

    def forget(self, pools: Iterable[str]) -> None:
        with self._lock:
            for pool in pools:
                self._gaps.pop(pool, None)
                self._crowded.add(pool)

    def _number(self, pool: str) -> int | None:
        if pool not in self._crowded:
            return random.randrange(POOLS[pool])
        with self._lock:
            if self._gaps[pool]:
                return self._gaps[pool].pop()
        gaps = self._look(pool)
        random.shuffle(gaps)
        with self._lock:
            self._gaps[pool] = gaps[1:]
        return gaps[0] if gaps else None

    def _look(self, pool: str) -> list[int]:
        """Free numbers of the first window that has any, from a random one on; one count tells a full pool."""
        within = [("id", ">", f"{pool}:"), ("id", "<", f"{pool};")]
        if self._store.count(TAKEN, *within) >= POOLS[pool]:
            return []
        start, seen = random.randrange(POOLS[pool]), 0
        while seen < POOLS[pool]:
            id = f"{pool}:{start - 1:06}"
            found = self._store.query(TAKEN, *within, after=(id, id), limit=WINDOW)
            taken = {int(document.id.rpartition(":")[2]) for document in found}
            end = max(taken) + 1 if len(found) == WINDOW else POOLS[pool]
            if gaps := [number for number in range(start, end) if number not in taken]:
                return gaps
            seen, start = seen + end - start, end % POOLS[pool]
        return []


IDEAS = {"tickets": Seats, "numbers": Numbers}


def prepare(store: Store, idea: str, full: float) -> None:
    """The pools as they are when so much of them is taken."""
    for pool, capacity in POOLS.items():
        taken = round(capacity * full)
        if idea == "tickets":
            fill(store, (ticket("seats", "hall", pool) for _ in range(capacity - taken)))
        else:
            numbers = random.sample(range(capacity), taken)
            fill(store, (Create(TAKEN, f"{pool}:{number:06}", {"pool": pool}) for number in numbers))


def claimant(store: Store, idea: str) -> Work:
    """All threads of a process share its finder, as they do in a function."""
    finder = IDEAS[idea](store)

    def claim() -> None:
        writes = finder.take(list(POOLS))
        if writes is None:
            return
        try:
            store.commit([Create("registrations", secrets.token_hex(8), {}), *writes])
        except Exception:
            finder.forget(POOLS)
            raise

    def work(store: Store, thread: int) -> None:
        for _ in range(CLAIMS):
            insist(lambda: decide(claim, attempts=40))

    return work


def report(engine: str, new_place: Iterable[str], lines: Iterable[tuple[str, float]] = product(IDEAS, FULL)) -> None:
    """What a claim costs. ``new_place`` gives an empty store for each of ``lines``, an idea and how full it is."""
    claims = PROCESSES * THREADS * CLAIMS
    print(
        f"\nA seat of a hall and of a quota ({', '.join(map(str, POOLS.values()))}) on {engine}, for each of {claims}"
    )
    print(f"claims by {PROCESSES} processes of {THREADS} threads\n")
    print("idea      full  claims/s  reading calls  documents read  conflicts  seated")
    for (idea, full), place in zip(lines, new_place, strict=False):
        prepare(open_store(place), idea, full)
        seconds, n = crowd(place, claimant, idea)
        print(
            f"{idea:9} {full:4.0%} {claims / seconds:9.0f} {n['asked'] / claims:14.2f} {n['read'] / claims:15.2f}"
            f" {n['conflicts'] / claims:10.2f} {n['commits']:7}",
            flush=True,
        )

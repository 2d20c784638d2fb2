"""Many claimants at once: threads in several processes, all let go at the same moment."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from typing import Any

from shared.ports import Create, Replace, Store, Write
from tests.ports.engines import ENGINES

PROCESSES = 2
THREADS = 4
CLAIMANTS = PROCESSES * THREADS

Claimant = Callable[[Store, int, Callable[[], Any]], Any]
"""Called with the store, the claimant's number and ``ready``, which returns when all claimants have called it."""


class Unguarded:
    """A store that forgets preconditions: the negative control."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, writes: Sequence[Write]) -> None:
        self._store.commit(
            [
                Replace(w.collection, w.id, w.data, None) if isinstance(w, Create) else replace(w, version=None)
                for w in writes
            ]
        )


def race(engine_name: str, place: str, claimant: Claimant, guarded: bool = True) -> list[Any]:
    """What each claimant returned. Raises ``RuntimeError`` with the first one's error where one failed."""
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(CLAIMANTS), context.SimpleQueue()
    processes = [
        context.Process(target=_process, args=(engine_name, place, claimant, guarded, number, barrier, results))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    answers = [results.get() for _ in processes]
    for process in processes:
        process.join()
    failed = [answer for answer in answers if isinstance(answer, str)]
    if failed:
        raise RuntimeError(failed[0])
    return [one for answer in answers for one in answer]


def _process(
    engine_name: str,
    place: str,
    claimant: Claimant,
    guarded: bool,
    number: int,
    barrier: Barrier,
    results: SimpleQueue[Any],
) -> None:
    try:
        opened = ENGINES[engine_name].store(place)
        store: Store = opened if guarded else Unguarded(opened)
        numbers = range(number * THREADS, (number + 1) * THREADS)
        with ThreadPoolExecutor(THREADS) as pool:
            results.put(list(pool.map(lambda n: claimant(store, n, barrier.wait), numbers)))
    except BaseException as error:
        barrier.abort()
        results.put(f"{type(error).__name__}: {error}")

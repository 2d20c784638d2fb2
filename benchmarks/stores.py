"""Stores under measurement: opened by name in any process, with their calls counted."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import islice
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, TypeVar

from shared import topology
from shared.ports import Conflict, Create, Replace, Store, Unavailable, Write

T = TypeVar("T")
PROCESSES = 3
THREADS = 4
Work = Callable[[Store, int], None]
"""What one thread does with its process's store; called with the thread's number."""


def open_store(place: str) -> Store:
    """Of a folder, or of a project on the emulator that the environment names."""
    if "/" in place:
        from shared.adapters.embedded.store import SqliteStore

        return SqliteStore(Path(place) / "store.db", topology.load().store)
    from shared.adapters.cloud.firestore import FirestoreStore

    return FirestoreStore(place, {})


def fill(store: Store, documents: Iterable[Create]) -> None:
    """Write many documents, patiently: a cold emulator on a busy machine takes seconds for its first ones."""
    rest = iter(documents)
    while batch := [Replace(d.collection, d.id, d.data, None) for d in islice(rest, 250)]:
        for _ in range(10):
            try:
                store.commit(batch)
                break
            except Unavailable:
                continue
        else:
            raise Unavailable("the store stays too slow to be measured")


def insist(call: Callable[[], T]) -> T:
    """``call()``, which may be repeated: again until the store answers in time, as the emulator does not always."""
    while True:
        with suppress(Unavailable):
            return call()


class Counted:
    """A store that counts: ``asked`` (reading calls), ``read`` (documents), ``commits`` and ``conflicts``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*arguments: Any, **options: Any) -> Any:
            answer = method(*arguments, **options)
            self._count(asked=1, read=len(answer) if isinstance(answer, list) else 1)
            return answer

        return call

    def commit(self, writes: Sequence[Write]) -> None:
        try:
            self._store.commit(writes)
        except Conflict:
            self._count(conflicts=1)
            raise
        self._count(commits=1)

    def _count(self, **more: int) -> None:
        with self._lock:
            self.counts.update(more)


def crowd(
    place: str, make: Callable[..., Work], *arguments: Any, processes: int = PROCESSES, threads: int = THREADS
) -> tuple[float, Counter[str]]:
    """So many threads in each of several processes do ``make(store, *arguments)`` at once on the store at ``place``.

    Returns the seconds that all took together and what their stores counted.
    """
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(processes + 1), context.SimpleQueue()
    numbers = [range(first, first + threads) for first in range(0, processes * threads, threads)]
    started = [
        context.Process(target=_process, args=(place, mine, barrier, results, make, arguments)) for mine in numbers
    ]
    for process in started:
        process.start()
    barrier.wait()
    begun = time.perf_counter()
    counts: Counter[str] = Counter()
    for _ in started:
        counts += results.get()
    seconds = time.perf_counter() - begun
    for process in started:
        process.join()
        if process.exitcode:
            raise RuntimeError(f"a process of the crowd failed with {process.exitcode}")
    return seconds, counts


def _process(place: str, numbers: range, barrier: Barrier, results: Any, make: Any, arguments: tuple[Any, ...]) -> None:
    store = Counted(open_store(place))
    work = make(store, *arguments)
    threads = [threading.Thread(target=work, args=(store, number)) for number in numbers]
    barrier.wait()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(store.counts)

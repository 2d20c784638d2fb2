"""The worst that delivery at least once allows: every event several times, in any order, several at once."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from infra.local.identity import Signer
from infra.local.pusher import push_body
from shared import settings, topology
from shared.adapters.embedded.bus import Queued
from shared.contracts.bus_events import OUTBOX, message
from shared.ports import Delete, Message, Store
from tests.system.harness import Onestop

LANES = 2  # each pushes everything once
NEWEST_FIRST = 0.3  # so often, and then several lanes push the same event at the same time
Push = Callable[[str, bytes], bool]
"""Push a body to a function's events; whether it was acknowledged."""


class WildPusher:
    """Takes the outbox and pushes each message ``LANES`` times to each subscription, in random order, until it is
    acknowledged each time.

    Args:
        on_taken: called after each acknowledged push with the function and how many it has taken.
    """

    def __init__(
        self, store: Store, push: Push, on_taken: Callable[[str, int], None] = lambda function, n: None
    ) -> None:
        self._store, self._push, self._on_taken = store, push, on_taken
        self._system = topology.load()
        self._lock = threading.Lock()
        self._pools: dict[tuple[str, int], list[tuple[int, Queued]]] = {}
        self._pending = 0
        self._stopped = False
        self.events: list[str] = []
        self.taken: Counter[tuple[str, str]] = Counter()  # acknowledged pushes by subscription and event
        self._counts: Counter[str] = Counter()  # by function
        self.overtaken = 0  # pushes of an event after a later one's

    def run(self, until: Callable[[], bool]) -> None:
        """Push until nothing is left and ``until`` says that nothing more will come."""
        functions = {subscription.function for subscription in self._system.subscriptions_of("inquiries")}
        self._pools = {(function, lane): [] for function in sorted(functions) for lane in range(LANES)}
        with ThreadPoolExecutor(len(self._pools)) as threads:
            lanes = [threads.submit(self._lane, *key) for key in self._pools]
            try:
                while not any(lane.done() for lane in lanes):  # one that is done has failed
                    last_round = until() and self._pending == 0
                    if self._collect() == 0 and last_round:
                        break
                    time.sleep(0.02)
            finally:
                self._stopped = True
        for lane in lanes:
            lane.result()

    def send(self, event: Message, function: str) -> bool:
        """One message of the test's own, to the function's first subscription of its topic."""
        names = [s.name for s in self._system.subscriptions_of(event.topic) if s.function == function]
        return self._push(function, json.dumps(push_body(Queued(names[0], event, 1))).encode())

    def _collect(self) -> int:
        rows = self._store.query(OUTBOX, order="time", limit=500)
        for row in rows:
            event = message(row.id, row.data)
            with self._lock:
                self.events.append(event.id)
                for subscription in self._system.subscriptions_of(event.topic):
                    for lane in range(LANES):
                        queued = Queued(subscription.name, event, 1)
                        self._pools[subscription.function, lane].append((len(self.events), queued))
                        self._pending += 1
        self._store.commit([Delete(OUTBOX, row.id, None) for row in rows])
        return len(rows)

    def _lane(self, function: str, lane: int) -> None:
        pool, latest = self._pools[function, lane], 0
        while not self._stopped:
            with self._lock:
                place = -1 if random.random() < NEWEST_FIRST else random.randrange(max(1, len(pool)))
                item = pool.pop(place) if pool else None
            if item is None:
                time.sleep(0.02)
                continue
            number, queued = item
            taken = self._push(function, json.dumps(push_body(queued)).encode())
            with self._lock:
                self.overtaken += number < latest
                latest = max(latest, number)
                if not taken:
                    pool.append(item)
                    continue
                self._pending -= 1
                self.taken[queued.subscription, queued.message.id] += 1
                self._counts[function] += 1
                count = self._counts[function]
            self._on_taken(function, count)


def pusher_of(onestop: Onestop) -> Push:
    """Signed as the local pusher does, to the functions' own ports."""
    ports = onestop.ports
    signer = Signer(onestop.data, settings.from_environment(onestop.environment).push_audience)
    headers = {"Content-Type": "application/json", "Authorization": signer.authorization()}

    mine = threading.local()  # each thread's connections, by function

    def push(function: str, body: bytes) -> bool:
        connections: dict[str, http.client.HTTPConnection] = mine.__dict__
        if function not in connections:
            connections[function] = http.client.HTTPConnection("127.0.0.1", ports[f"{function}-events"], timeout=60)
        try:
            connections[function].request("POST", "/", body, headers)
            answer = connections[function].getresponse()
            answer.read()
            return answer.status == 204
        except (OSError, http.client.HTTPException):  # killed, or not started again yet
            connections.pop(function).close()
            time.sleep(0.1)
            return False

    return push


@contextmanager
def frozen_pusher(onestop: Onestop) -> Iterator[None]:
    """The real pusher stands still meanwhile, holding no lock on the files that all share."""
    group = onestop.children()["pusher"]
    while True:
        os.killpg(group, signal.SIGSTOP)
        if all(_is_free(onestop, name) for name in ("store.db", "bus.db")):
            break
        os.killpg(group, signal.SIGCONT)
        time.sleep(0.05)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGCONT)


def _is_free(onestop: Onestop, name: str) -> bool:
    with (onestop.data / f"{name}.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True

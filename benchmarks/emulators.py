"""The cloud engine on the official emulators: registrations a second beside the emulator's own create rate.

Two yardsticks of the same run: threads that do nothing but create one document each time, and a bare function that
creates one for each request. An emulator is no judge of latency, and reads a whole collection for every query.
"""

from __future__ import annotations

import itertools
import os
import secrets
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks import fanout, hall, load, registration, seats
from benchmarks.servers import serve
from benchmarks.stores import Work, crowd
from infra.local import emulators
from shared import topology
from shared.ports import Create, Store, Unavailable

SECONDS = 6.0
WARM_UP = 4.0  # the emulator is Java, and slow for its first thousand requests
SHAPES = ((2, 1), (2, 8), (1, 16))  # workers and threads: the local runner's, a mixed one, the cloud's
SEATS = 6_000
WRITES = 6  # registration, person, two seats, idempotency key, outbox


def report() -> None:
    """Everything that ``make bench ENGINE=emulators`` shows."""
    with tempfile.TemporaryDirectory() as folder, emulators.given_or_running(Path(folder, "log")) as pair:
        os.environ.update(pair.environment(_project()))
        _report_rates(pair)
        registration.report_starts(_environment(pair))
        seats.report("SQLite", (tempfile.mkdtemp(dir=folder) for _ in itertools.count()))
        # numbers: a window of 300 is read at a time, and a full pool is 17 of them: minutes on the emulator
        lines = [("tickets", full) for full in seats.FULL] + [("numbers", 0.01)]
        seats.report("the Firestore emulator", (_project() for _ in itertools.count()), lines)
        hall.report("SQLite", tempfile.mkdtemp(dir=folder))
        hall.report("the Firestore emulator", _project())
        fanout.report("SQLite", tempfile.mkdtemp(dir=folder), 50_000)
        project = _with_topics(pair)
        fanout.report("the emulators", project, 2_000, project)


def _report_rates(pair: emulators.Emulators) -> None:
    print(f"Registrations a second through the API on the emulators, for {SECONDS:.0f} s, beside threads of two")
    print(f"processes that create one document in a commit, or {WRITES} as a registration writes, and beside a bare")
    print("function that creates one\n")
    print("clients  workers x threads  creates  sixfold  bare function  onestop  p95 ms  /creates  /sixfold  /bare")
    _creates(16)
    for clients, (workers, threads) in itertools.product((16, 64), SHAPES):
        shape = {"WORKERS": str(workers), "THREADS": str(threads)}
        creates, sixfold, bare = _creates(clients), _creates(clients, WRITES), _bare(clients, shape)
        mine = _registrations(pair, clients, shape)
        print(
            f"{clients:7} {f'{workers} x {threads}':>18} {creates:8.0f} {sixfold:8.0f} {bare:14.0f} {mine.rate:8.0f}"
            f" {mine.p95:7.0f} {mine.rate / creates:9.2f} {mine.rate / sixfold:9.2f} {mine.rate / bare:6.2f}",
            flush=True,
        )


def _creates(clients: int, at_once: int = 1) -> float:
    """Commits a second."""
    seconds, counts = crowd(_project(), creating, at_once, processes=2, threads=clients // 2)
    return counts["commits"] / seconds


def creating(store: Store, at_once: int) -> Work:
    data = {"given_name": "Amina", "country": "SN"}

    def work(store: Store, thread: int) -> None:
        end = time.perf_counter() + SECONDS
        while time.perf_counter() < end:
            try:
                store.commit([Create("plain", secrets.token_hex(12), data) for _ in range(at_once)])
            except Unavailable:
                continue

    return work


def _bare(clients: int, shape: dict[str, str]) -> float:
    with serve(registration.SUBJECTS / "create.py", "target", {**shape, "GOOGLE_CLOUD_PROJECT": _project()}) as served:
        requests = (load.post("/", body) for body in registration.bodies())
        load.run(served.port, requests, clients, WARM_UP)
        return load.run(served.port, requests, clients, SECONDS).rate


def _registrations(pair: emulators.Emulators, clients: int, shape: dict[str, str]) -> load.Result:
    with registration.onestop(_environment(pair) | shape, seats=SEATS) as served:
        requests = registration.keyed()
        load.run(served.port, requests, clients, WARM_UP)
        result = load.run(served.port, requests, clients, SECONDS)
    faults = {status: n for status, n in result.statuses.items() if status != 201}
    if faults:
        print(f"(not every registration was taken: {faults})")
    return result


def _environment(pair: emulators.Emulators) -> dict[str, str]:
    return {"ONESTOP_ENGINE": "cloud", "ONESTOP_PUSH_AUTH": "off", **pair.environment(_with_topics(pair))}


def _with_topics(pair: emulators.Emulators) -> str:
    """A new project. Nobody subscribes: the emulator would keep all messages in its memory."""
    project = _project()
    emulators.create_topics(pair.pubsub, replace(topology.load(), subscriptions=()), project, endpoints={})
    return project


def _project() -> str:
    """A new one: the emulators keep them apart."""
    return f"bench-{secrets.token_hex(4)}"

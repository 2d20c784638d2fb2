"""Registrations a second through the API, beside a hello-world and a bare SQLite function, in one run."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks import load
from benchmarks.load import Result
from benchmarks.servers import ROOT, Served, serve
from infra.entry import root_main
from shared import topology

SUBJECTS = Path(__file__).with_name("subjects")
DEFAULTS: dict[str, str] = {}
SECONDS = 6.0
ROUNDS = 3
FORUM = "/api/events/bench-forum/registrations"
EVENTS = """
[[events]]
id = "bench-forum"
title = "A hall with seats for all"
summary = "For measuring."
organiser = "onestop"
organisations = ["who"]
contact_email = "bench@onestop.example"
mode = "in_person"
location = "Geneva"
timezone = "Europe/Zurich"
starts_at = "+60d 09:00"
ends_at = "+60d 17:00"
seats = {seats}
verify_email = false
categories = [{{ id = "delegation", name = "Delegation", seats = {seats} }}]
"""


def bodies() -> Iterator[bytes]:
    for number in itertools.count():
        person = {
            "given_name": "Amina",
            "family_name": f"Diallo {number}",
            "email": f"amina.diallo.{number}@health.example",
            "country": "SN",
            "organisation": "Ministry of Health",
            "category": "delegation",
            "language": "fr",
            "answers": {},
            "consent": True,
        }
        yield json.dumps(person).encode()


def keyed() -> Iterator[bytes]:
    """Registrations as a careful client sends them, with an idempotency key."""
    for number, body in enumerate(bodies()):
        yield load.post(FORUM, body, lambda number=number: f"Idempotency-Key: key-{number}\r\n")  # type: ignore[misc]


@contextmanager
def onestop(environment: Mapping[str, str], seats: int = 60_000) -> Iterator[Served]:
    """The registration function as the runner starts it, on a store with one large event."""
    with tempfile.TemporaryDirectory() as folder:
        data = {"ONESTOP_DATA": folder, "PYTHONPATH": str(ROOT), "ONESTOP_LIMITS": "off", **environment}
        content = Path(folder, "bench.toml")
        content.write_text(EVENTS.format(seats=seats))
        importing = [sys.executable, "-m", "functions.registration.toml_files", "import", str(content)]
        subprocess.run(importing, check=True, cwd=ROOT, env={**os.environ, **data}, stdout=subprocess.DEVNULL)
        with serve(staged(Path(folder), "registration"), "web", data, "/api/events/bench-forum") as served:
            yield served


@contextmanager
def bare(environment: Mapping[str, str]) -> Iterator[Served]:
    with tempfile.TemporaryDirectory() as folder:
        data = {"BARE_DATABASE": f"{folder}/bare.db", **environment}
        with serve(SUBJECTS / "bare.py", "target", data) as served:
            yield served


@contextmanager
def hello(environment: Mapping[str, str]) -> Iterator[Served]:
    with serve(SUBJECTS / "hello.py", "target", environment) as served:
        yield served


def rates(environment: Mapping[str, str], clients: int) -> dict[str, Result]:
    """One round of all three under the same server settings, one after the other."""
    with hello(environment) as served:
        greeted = load.run(served.port, itertools.repeat(load.get("/")), clients, SECONDS)
    with bare(environment) as served:
        inserted = load.run(served.port, (load.post("/", body) for body in bodies()), clients, SECONDS)
    with onestop(environment) as served:
        registered = load.run(served.port, keyed(), clients, SECONDS)
    faults = {status: n for status, n in registered.statuses.items() if status != 201}
    assert not faults, f"not every registration was taken: {faults}"
    return {"hello": greeted, "bare": inserted, "onestop": registered}


def report() -> None:
    """Registrations a second, then start-up and memory of every target."""
    shape = topology.load().local_servers["web"]
    ours = {"WORKERS": str(shape.workers), "THREADS": str(shape.threads)}
    print(f"Registrations a second through the API, {shape.workers} workers of {shape.threads} threads;")
    print(f"the best of {ROUNDS} rounds of {SECONDS:.0f} s each, yardsticks under the same settings\n")
    print("clients  hello  bare insert  onestop  p95 ms   onestop/bare  onestop/bare at the framework's defaults")
    for clients in (16, 64):
        rounds = [rates(ours, clients) for _ in range(ROUNDS)]
        defaults = [_bare_rate(clients) for _ in range(ROUNDS)]
        best = {name: max((r[name] for r in rounds), key=lambda result: result.rate) for name in rounds[0]}
        mine, other = best["onestop"], best["bare"].rate
        print(
            f"{clients:7} {best['hello'].rate:6.0f} {other:12.0f} {mine.rate:8.0f} {mine.p95:7.0f}"
            f" {mine.rate / other:14.2f} {mine.rate / max(defaults):41.2f}"
        )
    report_starts({})


def _bare_rate(clients: int) -> float:
    with bare(DEFAULTS) as served:
        return load.run(served.port, (load.post("/", body) for body in bodies()), clients, SECONDS).rate


def report_starts(environment: Mapping[str, str]) -> None:
    """Of every target, beside the hello-world; ``environment`` chooses the engine."""
    print("\nStart to first answer in seconds (best of 3), and peak memory of the largest process in MiB\n")
    print("target                 start  above hello  memory")
    one = {"WORKERS": "1", "THREADS": "1"}
    base, memory = _start(SUBJECTS / "hello.py", "target", one)
    print(f"{'hello-world':22} {base:5.2f} {'':12} {memory:7}")
    with tempfile.TemporaryDirectory() as folder:
        for target in topology.load().targets:
            source = staged(Path(folder), target.function)
            seconds, memory = _start(source, target.name, {**one, "ONESTOP_DATA": folder, **environment})
            print(f"{target.id:22} {seconds:5.2f} {seconds - base:12.2f} {memory:7}")


def _start(source: Path, target: str, environment: Mapping[str, str]) -> tuple[float, int]:
    best, memory = float("inf"), 0
    for _ in range(ROUNDS + 1):  # the first one compiles bytecode
        with serve(source, target, environment, "/healthz") as served:
            best, memory = min(best, served.seconds_to_first_answer), served.peak_memory()
    return best, memory


def staged(folder: Path, function: str) -> Path:
    """The root ``main.py`` that runner and zips use too."""
    main = folder / function / "main.py"
    main.parent.mkdir(exist_ok=True)
    main.write_text(root_main(function))
    return main

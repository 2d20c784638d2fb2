"""Registrations a second through the API, beside a hello-world and a bare SQLite function, in one run."""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks import load
from benchmarks.servers import ROOT, Served, serve

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
contact_email = "bench@onestop.example"
mode = "in_person"
location = "Geneva"
timezone = "Europe/Zurich"
starts_at = "+60d 09:00"
ends_at = "+60d 17:00"
seats = 60000
verify_email = false
categories = [{ id = "delegation", name = "Delegation", seats = 60000 }]
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
def onestop(environment: Mapping[str, str]) -> Iterator[Served]:
    """The registration function as the runner starts it, on a store with one large event."""
    import subprocess
    import sys

    with tempfile.TemporaryDirectory() as folder:
        data = {"ONESTOP_DATA": folder, "PYTHONPATH": str(ROOT), "ONESTOP_LIMITS": "off", **environment}
        content = Path(folder, "bench.toml")
        content.write_text(EVENTS)
        importing = [sys.executable, "-m", "functions.registration.content", "import", str(content)]
        subprocess.run(importing, check=True, cwd=ROOT, env={**_inherited(), **data}, stdout=subprocess.DEVNULL)
        main = Path(folder, "main.py")
        main.write_text("from functions.registration.main import *\n")
        with serve(main, "web", data, "/api/events/bench-forum") as served:
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


def _inherited() -> dict[str, str]:
    import os

    return dict(os.environ)

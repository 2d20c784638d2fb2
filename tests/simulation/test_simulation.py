"""The simulation holds; and it would see it if a guard were gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.simulation.faults import NAMES

CAUGHT_BY = {
    "address-claim": {"ONCE"},
    "case-version": {"NO-LOSS", "ONCE", "NO-ERROR", "CONFINED"},
    "checkpoint": {"NO-LOSS"},
    "claim": {"ONCE", "REPLAY-NEUTRAL", "QUIET"},
    "confinement": {"CONFINED"},
    "former-categories": {"NO-IDLE", "NO-JUMP"},
    "gate": {"NO-IDLE", "NO-JUMP", "SEATS"},
    "idempotency": {"ONCE"},
    "latest-form": {"MAILS-AGREE"},
    "lease": {"COPIES", "ONCE"},
    "line-order": {"NO-JUMP"},
    "outbox": {"MAILS-AGREE", "NO-LOSS", "ONCE"},
    "seat-precondition": {"SEATS"},
    "stable-message-id": {"ONCE"},
    "sweep": {"QUIET"},
    "tally-seats": {"TALLIES-AGREE"},
    "tally-version": {"TALLIES-AGREE"},
    "tally-weeks": {"TALLIES-AGREE"},
    "withdraw": {"SEATS"},
}

MEET_IN = {
    "case-version": "inquiries",
    "former-categories": "imports",
    "gate": "seats",
    "checkpoint": "clock",
    "latest-form": "forms",
    "tally-version": "imports",
}
"""The theme in which what a guard is against happens often; elsewhere it takes more worlds to see it."""


SOON = {
    "address-claim": 4,
    "case-version": 6,
    "checkpoint": 5,
    "claim": 4,
    "gate": 5,
    "idempotency": 6,
    "latest-form": 4,
    "lease": 2,
    "line-order": 2,
    "outbox": 5,
    "seat-precondition": 7,
    "sweep": 4,
    "tally-seats": 4,
    "tally-weeks": 6,
    "withdraw": 7,
}
"""A seed whose worlds meet it soon; another would do, and takes longer."""


def simulated(*arguments: str) -> tuple[dict[str, int], str]:
    """The tally, and what was said of violations."""
    command = [sys.executable, "-m", "tests.simulation", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONHASHSEED": "0"})
    assert done.returncode in (0, 1), done.stderr
    tally: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return tally, done.stderr


def test_nothing_is_lost_or_doubled_whatever_happens_in_between() -> None:
    tally, said = simulated("--events", "20000", "--seed", "1")
    assert tally["violations"] == 0, said
    assert min(tally[name] for name in ("crashes", "outages", "duplicates")) > 100


@pytest.mark.parametrize("guard", NAMES)
def test_a_guard_that_is_gone_is_missed(guard: str) -> None:
    """The negative control, by the name of what was broken; the line that repeats it does."""
    theme = ["--theme", MEET_IN[guard]] if guard in MEET_IN else []
    _, said = simulated("--events", "20000", "--seed", f"{SOON.get(guard, 1)}", "--without", guard, *theme)
    assert said.partition(":")[0] in CAUGHT_BY[guard], said
    repeated = said.strip().splitlines()[-1].partition("tests.simulation ")[2].split()
    assert simulated(*repeated)[0]["violations"] == 1


def test_the_same_seed_is_the_same_world() -> None:
    first, second = (simulated("--events", "500", "--seed", "7")[0] for _ in range(2))
    del first["events_per_cpu_second"], second["events_per_cpu_second"]
    assert first == second

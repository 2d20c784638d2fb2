"""What a machine cannot run is told once for each reason; where everything is required, it is a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WITHOUT_TERRAFORM = ["tests/unit/test_infrastructure.py", "-k", "test_terraform_", "-p", "no:cacheprovider"]


def run_on_a_bare_machine(required: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", *WITHOUT_TERRAFORM]
    environment = {**os.environ, "PATH": "/nowhere", "ONESTOP_REQUIRE_ALL": required}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_reason_is_told_once_for_all_its_tests() -> None:
    told = run_on_a_bare_machine(required="")
    assert told.returncode == 0, told.stdout
    assert told.stdout.count("terraform was not found: install") == 1
    assert "2 skipped: terraform was not found" in told.stdout


def test_a_skip_is_a_failure_where_everything_is_required() -> None:
    told = run_on_a_bare_machine(required="1")
    assert told.returncode == 1
    assert "ONESTOP_REQUIRE_ALL=1, but this was not tried: terraform was not found" in told.stdout
    assert "skipped" not in told.stdout.splitlines()[-1]

"""Finding, starting and ending the official emulators."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.local import emulators

ROOT = Path(__file__).parents[2]


def fake(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with neither SDK nor Docker nor Java; the folder is its whole PATH."""
    monkeypatch.setattr(emulators, "SDK_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def sdk(folder: Path) -> None:
    for jar in (emulators.JAR_FIRESTORE, emulators.JAR_PUBSUB.replace("*", "0.8.6")):
        (folder / jar).parent.mkdir(parents=True, exist_ok=True)
        (folder / jar).touch()


def test_without_any_one_line_says_how_to_get_them(bare: Path) -> None:
    with pytest.raises(emulators.NotFound, match=r"gcloud components install .* or start Docker$"):
        emulators.commands(1, 2)


def test_docker_without_a_daemon_is_no_help(bare: Path) -> None:
    fake(bare, "docker", "exit 1")
    with pytest.raises(emulators.NotFound):
        emulators.commands(1, 2)


def test_a_docker_daemon_runs_the_official_image(bare: Path) -> None:
    fake(bare, "docker", "exit 0")
    firestore, pubsub = emulators.commands(1, 2)
    assert firestore[-4:] == ["emulators", "firestore", "start", "--host-port=127.0.0.1:1"]
    assert pubsub[-4:] == ["emulators", "pubsub", "start", "--host-port=127.0.0.1:2"]


def test_gcloud_knows_where_its_sdk_is(bare: Path, tmp_path: Path) -> None:
    sdk(tmp_path / "sdk")
    fake(bare, "java", "exit 0")
    fake(bare, "gcloud", f"echo {tmp_path / 'sdk'}")
    firestore, pubsub = emulators.commands(1, 2)
    assert str(tmp_path / "sdk" / emulators.JAR_FIRESTORE) in firestore
    assert pubsub[-1] == "--port=2"


def test_an_sdk_without_the_components_is_no_help(bare: Path, tmp_path: Path) -> None:
    (tmp_path / "sdk").mkdir()
    fake(bare, "java", "exit 0")
    fake(bare, "gcloud", f"echo {tmp_path / 'sdk'}")
    with pytest.raises(emulators.NotFound):
        emulators.commands(1, 2)


def test_an_emulator_that_gives_up_is_told_with_its_last_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    words = [["sh", "-c", "echo no Java here >&2; exit 1"]] * 2
    monkeypatch.setattr(emulators, "commands", lambda *ports: words)
    with pytest.raises(emulators.NotStarted, match="no Java here"):
        with emulators.running(tmp_path / "log"):
            pytest.fail("it never started")


def test_they_do_not_outlive_whoever_started_them(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from infra.local import emulators;"
        "emulators._wait = lambda *a: None;"
        "emulators.commands = lambda *ports: [['sleep', '600']] * 2;"
        "started = emulators._start;"
        "emulators._start = lambda *a: (p := started(*a), print(p.pid, flush=True))[0];"
        "\nwith emulators.running(Path(sys.argv[1])): time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "log")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout
    pids = [int(parent.stdout.readline()) for _ in range(2)]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 20
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, pids))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"

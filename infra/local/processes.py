"""The runner's child processes: start, watch, restart, stop."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 10.0
CALM_SECONDS = 10.0  # a child that lived this long is restarted at once
MAX_PAUSE = 5.0


@dataclass
class Child:
    """One Python module running in a process group of its own, with its log in a file."""

    name: str
    command: Sequence[str]  # module and arguments
    environment: Mapping[str, str]
    log: Path
    nice: int = 0
    pass_fds: Sequence[int] = ()
    _process: subprocess.Popen[bytes] | None = None
    _started: float = 0.0
    _pause: float = 0.0  # seconds between death and restart
    _restart_at: float = 0.0
    _shown: int = 0  # bytes of the log that ``complaints`` has seen

    @property
    def pid(self) -> int:
        """0 before it was started."""
        return self._process.pid if self._process else 0

    def alive(self) -> bool:
        """Reaps it where it has ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Its output goes to the end of its log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "infra.local.child", str(os.getpid()), str(self.nice), *self.command],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=self.pass_fds,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops everything in order
            )
        self._started = time.monotonic()

    def restart_when_due(self) -> bool:
        """For a child that died: restart it after a pause that grows while it keeps dying. True when restarted."""
        now = time.monotonic()
        if not self._restart_at:
            self.kill()  # what it forked still holds its port
            lived = now - self._started
            self._pause = 0.0 if lived > CALM_SECONDS else min(max(0.1, self._pause * 2), MAX_PAUSE)
            self._restart_at = now + self._pause
        if now < self._restart_at:
            return False
        self._restart_at = 0.0
        self.start()
        return True

    def terminate(self) -> None:
        """Ask it to end (SIGTERM); returns at once."""
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """End the child and everything it forked."""
        if self._process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def complaints(self) -> list[str]:
        """What the log has told of errors since the last call, one line each."""
        with self.log.open("rb") as log:
            log.seek(self._shown)
            lines = log.readlines()
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()
        self._shown += sum(map(len, lines))
        return [text for line in lines if (text := _complaint(line.decode(errors="replace")))]

    def last_words(self) -> str:
        """The log's last line that says anything."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip() if lines else "no word in its log"


def _complaint(line: str) -> str:
    """The text of a structured log entry (``shared.observability.logs``) that tells of an error, else nothing."""
    try:
        entry = json.loads(line)
    except ValueError:
        return ""
    if not isinstance(entry, dict) or entry.get("severity") not in ("ERROR", "CRITICAL"):
        return ""
    cause = str(entry.get("exception", "")).rpartition("\n")[2]
    return f"{entry.get('message')}{f' ({cause})' if cause else ''}"


@dataclass
class Family:
    """All children of one run."""

    say: Callable[[str], None]
    on_change: Callable[[], None] = lambda: None
    """Called when pids have changed."""
    children: list[Child] = field(default_factory=list)

    def start(self, *children: Child) -> None:
        """In this order, and supervised from now on."""
        for child in children:
            self.children.append(child)
            child.start()
        self.on_change()

    def watch(self) -> None:
        """One look at everybody: restart the dead, repeat errors on the terminal."""
        for child in self.children:
            for text in child.complaints():
                self.say(f"{child.name}: {text}")
            if not child.alive() and child.restart_when_due():
                self.say(f"{child.name} had stopped and was started again (its log: {child.log})")
                self.on_change()

    def stop(self) -> None:
        """End every child: politely, then after ``STOP_SECONDS`` for good."""
        deadline = time.monotonic() + STOP_SECONDS
        for child in reversed(self.children):
            child.terminate()
        for child in reversed(self.children):
            while child.alive() and time.monotonic() < deadline:
                time.sleep(0.02)
            child.kill()

"""A whole onestop for a test: real processes, started through the runner, in a data folder of their own."""

from __future__ import annotations

import email
import email.policy
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import TypeVar

from shared import settings, wiring
from shared.ports import Store

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0  # seconds; mails behind a rush of 800 people on the emulators come late, only a failure waits longer
T = TypeVar("T")


class NotStarted(Exception):
    """The runner gave up; the text is what it printed."""


class Onestop:
    """Starts with ``start`` (or as a context manager); the same data folder may be started again.

    Args:
        data: the data folder.
        environment: variables besides those of the test run, as ``ENGINE="emulators"``.
    """

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self._environment = {
            "PORT": "0",
            "DATA": str(data),
            "ONESTOP_TEST_CLOCK": "1",
            "ONESTOP_LIMITS": "off",
            "GOOGLE_CLOUD_PROJECT": f"test-{secrets.token_hex(6)}",  # in one project, the last to start gets all pushes
            **environment,
        }
        self._runner: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Onestop:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- the processes --

    def start(self) -> None:
        """Returns when everything answers. Raises ``NotStarted``."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.data / "runner.out").open("wb") as out:
            self._runner = subprocess.Popen(
                [sys.executable, "-m", "infra.local.run"],
                cwd=ROOT,
                env=os.environ | self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        wait_for(lambda: "onestop is ready" in self.output() or self._runner.poll() is not None, "the start")
        if self._runner.poll() is not None:
            raise NotStarted(self.output())

    def output(self) -> str:
        """What the runner has printed since its start."""
        return (self.data / "runner.out").read_text()

    def stop(self, by: signal.Signals = signal.SIGINT) -> int:
        """End the runner by a signal and wait for it; returns its exit status."""
        if not self._runner:
            return 0
        self._runner.send_signal(by)
        status = self._runner.wait(PATIENCE)
        self._runner = None
        return status

    def children(self) -> dict[str, int]:
        """The runner's own children, pids by name: ``registration-web``, ``gateway``, ``pusher`` ..."""
        return dict(self._state()["children"])

    def processes(self) -> set[int]:
        """The pids of the children and of everything that they forked."""
        return members(set(self.children().values()))

    def kill(self, name: str) -> None:
        """``kill -9`` one child with its workers, as a crash of that function would be."""
        with suppress(ProcessLookupError):  # dead already, and about to be restarted
            os.killpg(self.children()[name], signal.SIGKILL)

    def kill_worker(self, name: str) -> None:
        """``kill -9`` one worker of a function; its server forks another."""
        master = self.children()[name]
        workers = wait_for(lambda: members({master}) - {master}, f"workers of {name}")
        os.kill(min(workers), signal.SIGKILL)

    # -- what it shows --

    @property
    def url(self) -> str:
        """The origin, without a trailing slash."""
        return str(self._state()["url"])

    @property
    def ports(self) -> dict[str, int]:
        """The targets' own, behind the gateway, by id."""
        return dict(self._state()["ports"])  # type: ignore[call-overload]

    @property
    def environment(self) -> dict[str, str]:
        """For a tool that works on the same data while this runs."""
        here = {"ONESTOP_DATA": str(self.data), "ONESTOP_ANSWER_SECONDS": str(PATIENCE)}
        return {**os.environ, **self._state()["engine"], **here}  # type: ignore[dict-item]

    def run_tool(self, module: str, *arguments: str) -> str:
        """``python -m MODULE ARGUMENT...`` beside the running system; returns what it printed."""
        command = [sys.executable, "-m", module, *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True)
        return done.stdout

    def store(self) -> Store:
        """Its store, to look into."""
        return wiring.build(settings.from_environment(self.environment)).store

    def _state(self) -> dict[str, object]:
        return json.loads((self.data / "run.json").read_text())

    def set_clock(self, ahead: timedelta) -> None:
        """Set everybody's clock ahead of the machine's; the tick follows within a second."""
        draft = self.data / "clock.offset.draft"
        draft.write_text(str(ahead.total_seconds()))
        draft.replace(self.data / "clock.offset")

    def now(self) -> datetime:
        """The instant on everybody's clock."""
        return datetime.now(UTC) + self.clock_ahead()

    def clock_ahead(self) -> timedelta:
        """How far it has been set."""
        path = self.data / "clock.offset"
        return timedelta(seconds=float(path.read_text()) if path.exists() else 0)

    def mails(self, to: str | None = None) -> list[EmailMessage]:
        """All mails sent, the oldest first; with ``to`` only those delivered to that address."""
        return [mail for mail in mails_in(self.data) if to is None or mail["Delivered-To"] == to]

    def wait_for_mail(self, to: str, count: int = 1) -> list[EmailMessage]:
        """The mails to one address, once there are ``count`` of them."""
        return wait_for(lambda: found if len(found := self.mails(to)) >= count else None, f"{count} mails to {to}")


def mails_in(data: Path) -> list[EmailMessage]:
    """All mails in the maildir of a data folder, the oldest first."""
    files = [*data.glob("mail/new/*"), *data.glob("mail/cur/*")]
    return [_read(path) for path in sorted(files, key=lambda path: path.stat().st_mtime_ns)]


@cache
def _read(path: Path) -> EmailMessage:
    """Once for each file, which never changes: those who wait for a mail ask twenty times a second."""
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def wait_for(predicate: Callable[[], T], what: str = "it", timeout: float = PATIENCE) -> T:
    """The first true value of ``predicate``. Raises ``TimeoutError``."""
    deadline = time.monotonic() + timeout
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {timeout:.0f} s")
        time.sleep(0.05)
    return value


def members(groups: set[int]) -> set[int]:
    """The pids of living processes in these process groups."""
    listing = subprocess.run(["ps", "-eo", "pid=,pgid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listing.splitlines()]
    return {int(pid) for pid, group, state in rows if int(group) in groups and not state.startswith("Z")}

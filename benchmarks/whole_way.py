"""From the form to the mail with everything on: gateway, verified pushes, the mail in the maildir.

What it costs is the processor time of all processes together, counted in hello-world requests of the same run.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import load, registration
from benchmarks.servers import ROOT
from shared import topology

CLIENTS = 16
SECONDS = 6.0
WARM = 100  # registrations before the measurement
CALM = 0.1  # processor seconds in a second
PATIENCE = 120.0  # seconds for the last mail
TICKS = os.sysconf("SC_CLK_TCK")  # a second
_RECIPIENT = re.compile(rb"^Delivered-To: (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Way:
    """``cost`` is processor seconds for each registration with its mail, ``rate`` such registrations a second until the
    last mail was there, ``seconds`` from each request to its mail."""

    cost: float
    rate: float
    registered: float  # a second
    seconds: list[float]

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.seconds, n=20)[-1]


def report() -> None:
    """The ratio, and how long the mail takes."""
    greeting = hello_cost()
    way = whole_way()
    print(f"\nFrom the form to the mail, {CLIENTS} clients, all processes of ``make run``\n")
    print("registrations/s  with their mails/s  mail p50 s  p95 s  processor ms  in hello-world requests")
    print(
        f"{way.registered:15.0f} {way.rate:19.0f} {statistics.median(way.seconds):11.2f} {way.p95:6.2f}"
        f" {way.cost * 1000:13.1f} {way.cost / greeting:23.1f}"
    )


def hello_cost() -> float:
    """Processor seconds of one request, the server's alone."""
    shape = topology.load().local_servers["web"]
    with registration.hello({"WORKERS": str(shape.workers), "THREADS": str(shape.threads)}) as served:
        before = processor_seconds(served.pid)
        answers = load.run(served.port, itertools.repeat(load.get("/")), CLIENTS, SECONDS)
        return (processor_seconds(served.pid) - before) / len(answers.latencies)


def whole_way() -> Way:
    people, sent = registration.bodies(), dict[str, float]()

    def requests() -> Iterator[bytes]:
        for body in people:
            sent[json.loads(body)["email"]] = time.time()
            yield load.post(registration.FORUM, body)

    with tempfile.TemporaryDirectory() as folder, _onestop(Path(folder, "data")) as (pid, port):
        mails = Path(folder, "data", "mail", "new")
        load.run(port, itertools.islice(requests(), WARM), CLIENTS, SECONDS * 10)
        _arrivals(mails, WARM)
        _settle(pid)
        sent.clear()
        before, started = processor_seconds(pid), time.time()
        answers = load.run(port, requests(), CLIENTS, SECONDS)
        assert set(answers.statuses) == {201}, f"not every registration was taken: {answers.statuses}"
        arrived = _arrivals(mails, WARM + len(answers.latencies))
        spent = processor_seconds(pid) - before
    took = [arrived[address] - posted for address, posted in sent.items() if address in arrived]
    return Way(spent / len(took), len(took) / (max(arrived.values()) - started), answers.rate, took)


def _arrivals(maildir: Path, count: int) -> dict[str, float]:
    """By recipient, when the mail was there (seconds since the epoch), once there are ``count``."""
    deadline = time.monotonic() + PATIENCE
    while len(found := list(maildir.glob("*"))) < count:
        assert time.monotonic() < deadline, f"{len(found)} mails of {count}"
        time.sleep(0.05)
    times = {}
    for path in found:
        head = path.read_bytes()[:500]
        recipient = _RECIPIENT.search(head)
        assert recipient, head
        times[recipient[1].decode()] = path.stat().st_mtime
    return times


@contextmanager
def _onestop(data: Path) -> Iterator[tuple[int, int]]:
    """Everything, as ``make run`` starts it, with one large event: the runner's pid and the public port."""
    environment = {**os.environ, "PORT": "0", "DATA": str(data), "ONESTOP_DATA": str(data), "ONESTOP_LIMITS": "off"}
    data.mkdir(mode=0o700)
    content = data.with_name("bench.toml")
    content.write_text(registration.EVENTS.format(seats=20_000))
    importing = [sys.executable, "-m", "functions.registration.toml_files", "import", str(content)]
    subprocess.run(importing, check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    runner = subprocess.Popen(
        [sys.executable, "-m", "infra.local.run"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert runner.stdout
        for line in runner.stdout:
            if "onestop is ready" in line:
                break
        else:
            raise RuntimeError("onestop did not start")
        url = str(json.loads((data / "run.json").read_text())["url"])
        yield runner.pid, int(url.rpartition(":")[2])
    finally:
        runner.send_signal(signal.SIGINT)
        runner.wait(PATIENCE)


def _settle(pid: int) -> None:
    """Wait until what comes with the start is done: imports at the first tick, above all."""
    used, before = processor_seconds(pid), float("-inf")
    while used - before > CALM:
        time.sleep(1)
        before, used = used, processor_seconds(pid)


def processor_seconds(pid: int) -> float:
    """What a process and all that live below it have used so far, those included that ended (proc(5), ``stat``)."""
    below: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()  # from the third on
        except OSError:
            continue  # it has just ended
        process = int(path.parent.name)
        below.setdefault(int(fields[1]), []).append(process)
        used[process] = sum(map(int, fields[11:15])) / TICKS
    family, total = [pid], 0.0
    while family:
        process = family.pop()
        total += used.get(process, 0.0)
        family += below.get(process, [])
    return total

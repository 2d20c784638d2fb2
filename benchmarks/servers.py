"""Functions-framework processes under measurement."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass
class Served:
    port: int
    seconds_to_first_answer: float
    pid: int

    def peak_memory(self) -> int:
        """MiB, the largest process of the server's group (Linux's VmHWM)."""
        group = [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and _group(int(p.name)) == self.pid]
        return max(_peak(pid) for pid in group) // 1024


@contextmanager
def serve(source: Path, target: str, environment: Mapping[str, str], path: str = "/") -> Iterator[Served]:
    """One functions-framework server, ready when ``path`` has been answered once."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "functions_framework", "--source", str(source), "--target", target]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        env={**inherited, "PYTHONPATH": str(ROOT), **environment},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield Served(port, _first_answer(process, f"http://127.0.0.1:{port}{path}", started), process.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _first_answer(process: subprocess.Popen[bytes], url: str, started: float) -> float:
    while time.perf_counter() - started < 60:
        try:
            urllib.request.urlopen(url, timeout=10).read()
            return time.perf_counter() - started
        except urllib.error.HTTPError:
            return time.perf_counter() - started
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.005)
    raise RuntimeError(f"no answer from {url}")


def _group(pid: int) -> int:
    with contextlib.suppress(OSError):
        return os.getpgid(pid)
    return -1


def _peak(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1])
    return 0

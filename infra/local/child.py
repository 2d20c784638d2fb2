"""Runs a module in a process that never outlives the supervisor.

``python -m infra.local.child PARENT NICE MODULE ARGUMENT...`` is ``python -m MODULE ARGUMENT...`` at a lower priority
(NICE, 0 to 19), ended by SIGTERM as soon as the process PARENT is gone, even when that was killed outright.

Where the environment's ``LISTEN_FD`` names a listening socket, the module gets it as from systemd, sd_listen_fds(3).
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1  # prctl(2)
FIRST_LISTENER = 3  # SD_LISTEN_FDS_START


def main() -> None:
    """Arguments: the parent's pid, how nice to be, a module, and its own arguments."""
    parent, nice, module, *arguments = sys.argv[1:]
    die_with(int(parent))
    os.nice(int(nice))
    if listener := os.environ.pop("LISTEN_FD", None):
        os.dup2(int(listener), FIRST_LISTENER)
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def die_with(parent: int) -> None:
    """Linux tells us of our parent's death; elsewhere we look every second."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it died before we could ask
        sys.exit(0)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()

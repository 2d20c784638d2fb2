"""Stands in for Cloud Scheduler beside the emulators: ``python -m infra.local.ticker``."""

from __future__ import annotations

import logging
import time

from infra.local.pusher import CLOCK_SECONDS, minute_of, tick
from shared.ports import Unavailable
from shared.wiring import Platform, platform

log = logging.getLogger("infra.local.ticker")


def step(here: Platform, last: str) -> str:
    """Publish a tick where the platform's clock has come to another minute than ``last``; returns the minute."""
    now = here.clock.now()
    minute = minute_of(now)
    if minute != last:
        here.bus.publish([tick(now, minute)])
    return minute


def main() -> None:
    """For ever; a store that does not answer only delays the tick."""
    here, minute = platform(), ""
    while True:
        try:
            minute = step(here, minute)
        except Unavailable as error:
            log.warning("will tick soon: %s", error)
        time.sleep(CLOCK_SECONDS)


if __name__ == "__main__":
    main()

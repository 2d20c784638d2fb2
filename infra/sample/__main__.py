"""``python -m infra.sample``: a rich sample in the store of ``DATA`` (.onestop), if nobody has
registered there yet."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import redirect_stdout
from datetime import timedelta
from io import StringIO
from pathlib import Path

from functions.registration.registrations.documents import REGISTRATIONS
from infra.local.content import import_files
from infra.sample.inquirers import Inquirers
from infra.sample.people import people
from infra.sample.registrants import Registrants
from infra.sample.town import Town
from shared.wiring import Platform, platform

DAYS = 42
EVENTS = Path(__file__).with_name("events.toml")


def settle(here: Platform, seed: int = 1, share: float = 1.0) -> bool:
    """Six weeks of life, up to now. Does nothing, and returns false, where somebody has registered already.

    Args:
        share: of the registrations and inquiries that there can be, above 0 to 1.
    """
    if here.store.query(REGISTRATIONS, limit=1):
        return False
    with redirect_stdout(StringIO()):
        faults = import_files([EVENTS])
    if faults:
        raise ValueError("\n".join(faults))
    end = here.clock.now()
    town = Town(here, end - timedelta(days=DAYS), end, seed)
    everybody = list(people(town.random))
    Registrants(town, share).invite(everybody)
    Inquirers(town, share).invite(everybody)
    town.live()
    return True


def main() -> None:
    """Ends where the store is ready to be looked at."""
    os.environ.setdefault("ONESTOP_DATA", os.environ.get("DATA") or ".onestop")
    here = platform()
    logging.disable(logging.INFO)
    made = settle(here)
    print("The rich sample is there." if made else "Somebody has registered here already: nothing was added.")


if __name__ == "__main__":
    sys.exit(main())

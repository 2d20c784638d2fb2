"""Whether the desk tells as many registrations as there are: ``make tallies``, or ``REBUILD=1`` to count them anew.

Reads the store in ``DATA`` or of ``PROJECT`` (see ``infra.transfer``). Exit 1 where a tally is wrong.
"""

from __future__ import annotations

import argparse
import os
import sys

from functions.registration.events.repository import EVENTS
from functions.registration.registrations.tallies import STATES, Tallies
from infra.transfer import NotMoved, open_store
from shared.ports import Unavailable, every


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="infra.tallies", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rebuild", action="store_true", help="count all registrations of every event anew")
    rebuild, wrong = parser.parse_args(arguments).rebuild, 0
    try:
        store = open_store(os.environ, must_exist=True)
        tallies = Tallies(store)
        for event in every(store, EVENTS):
            if rebuild:
                tallies.build(event.id)
            told, counted = tallies.of([event.id])[event.id], tallies.counted(event.id)
            for name in sorted(name for name in told.keys() | counted.keys() if told[name] != counted[name]):
                what = f"free seats of {name}" if name in counted.keys() - set(STATES) else name
                print(f"{event.id}: {told[name]} {what} are told, and there are {counted[name]}")
                wrong += 1
    except (NotMoved, Unavailable) as error:
        print(f"tallies: {error}", file=sys.stderr)
        return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

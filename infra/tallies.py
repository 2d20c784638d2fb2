"""Whether the desk tells as many registrations, free seats and inquiries as there are: ``make tallies``, or
``REBUILD=1`` to count them anew.

Reads the store in ``DATA`` or of ``PROJECT`` (see ``infra.transfer``). Exit 1 where a tally is wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from functions.inquiries.casework.week_changes import RECEIVED
from functions.inquiries.casework.weeks import WeekTallies
from functions.registration.events.repository import EVENTS
from functions.registration.registrations.tallies import STATES, Tallies
from infra.transfer import NotMoved, open_store
from shared.adapters.clock import SystemClock
from shared.ports import Store, Unavailable, every
from shared.staff.directory import StaffDirectory


def main(arguments: list[str]) -> int:
    """Returns the exit status: 1 where a tally is wrong, or there is no store."""
    parser = argparse.ArgumentParser(prog="infra.tallies", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rebuild", action="store_true", help="count all registrations of every event anew")
    rebuild = parser.parse_args(arguments).rebuild
    try:
        store = open_store(os.environ, must_exist=True)
        wrong = [*_events(store, rebuild), *_weeks(store, rebuild)]
    except (NotMoved, Unavailable) as error:
        print(f"tallies: {error}", file=sys.stderr)
        return 1
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


def _events(store: Store, rebuild: bool) -> Iterator[str]:
    """What is wrong, for people."""
    tallies = Tallies(store)
    for event in every(store, EVENTS):
        if rebuild:
            tallies.build(event.id)
        told, counted = tallies.of([event.id])[event.id], tallies.counted(event.id)
        for name in sorted(name for name in told.keys() | counted.keys() if told[name] != counted[name]):
            what = name if name in STATES else f"free seats of {name}"
            yield f"{event.id}: {told[name]} {what} are told, and there are {counted[name]}"


def _weeks(store: Store, rebuild: bool) -> Iterator[str]:
    clock = SystemClock(None)
    tallies = WeekTallies(store, clock)
    for organisation in StaffDirectory(store, clock).organisations.values():
        zone = ZoneInfo(organisation.timezone)
        if rebuild:
            tallies.build(organisation.id, zone)
        told, counted = tallies.of(organisation.id, zone), tallies.counted(organisation.id, zone)
        for monday in sorted(monday for monday in told.keys() | counted.keys() if told[monday] != counted[monday]):
            numbers = f"{told[monday][RECEIVED]} are told, and there are {counted[monday][RECEIVED]}"
            yield f"{organisation.id}: the inquiries of {monday} or their answers: {numbers}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""How many inquiries an organisation received in each of the last weeks, and how long their first answers took, exact
and at the same cost however many there are.

A commit that gives an organisation a part in an inquiry, takes one away or answers first writes a change: a new
document, so that nobody waits for anybody (``week_changes.py``). The clock adds the changes to the organisation's tally
and removes them, in one commit, so that each counts once. What is told is the tally and the changes that are still to
be added.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from functions.inquiries.casework.case import ASSIGNMENTS
from functions.inquiries.casework.week_changes import CHANGES, RECEIVED, counted_as
from shared.ports import (
    Clock,
    Conflict,
    Create,
    Data,
    Delete,
    Document,
    Replace,
    Store,
    Where,
    decide,
    every,
    from_utc_text,
    utc_text,
    within,
)

TALLIES = "inquiry_tallies"  # {"zone": ..., "weeks": {"2026-03-02": {"received": 3, "2.5": 1}}} by organisation
WEEKS = 12
PAGE = 400  # changes of one commit
WAITING = 100  # changes that a page adds up; those of a rush beyond count with the next minute
Weeks = dict[str, Counter[str]]
"""By Monday (ISO date): how many were ``received``, and how many of them were answered after so many hours."""


class WeekTallies:
    """One tally for each organisation, its weeks beginning on Monday in the organisation's time zone."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def of(self, organisation: str, zone: ZoneInfo) -> Weeks:
        """The last 12 weeks, this one included, the oldest first."""
        while True:
            tally = self._store.get(TALLIES, organisation)
            if tally is None:
                self.build(organisation, zone)
                continue
            changes = self._store.query(CHANGES, *within(organisation), limit=WAITING)
            again = self._store.get(TALLIES, organisation)
            if again and again.version == tally.version:
                return self._latest(_sum(tally, changes), zone)

    def fold(self, organisation: str, zone: ZoneInfo) -> None:
        """Add the changes to the tally. Where the organisation's clocks have been changed, count anew."""
        while decide(lambda: self._fold(organisation, zone)) == PAGE:
            pass

    def _fold(self, organisation: str, zone: ZoneInfo) -> int:
        tally = self._store.get(TALLIES, organisation)
        changes = self._store.query(CHANGES, *within(organisation), limit=PAGE)
        if tally is None or tally.data["zone"] != zone.key:
            self.build(organisation, zone)
            return PAGE
        if changes:
            weeks = self._latest(_sum(tally, changes), zone)
            gone = [Delete(CHANGES, document.id, document.version) for document in changes]
            self._store.commit([Replace(TALLIES, organisation, _stored(weeks, zone), tally.version), *gone])
        return len(changes)

    def build(self, organisation: str, zone: ZoneInfo) -> None:
        """Count anew (``make tallies REBUILD=1``). Raises ``Unavailable`` where inquiries come and go all the time."""
        decide(lambda: self._build(organisation, zone))

    def _build(self, organisation: str, zone: ZoneInfo) -> None:
        tally, before = self._store.get(TALLIES, organisation), self._changes(organisation)
        weeks = self.counted(organisation, zone)
        if [one.id for one in before] != [one.id for one in self._changes(organisation)]:
            raise Conflict(organisation)
        for change in before:
            weeks[_monday_of(change, zone)].subtract(change.data["moves"])
        data = _stored(weeks, zone)
        self._store.commit(
            [Replace(TALLIES, organisation, data, tally.version) if tally else Create(TALLIES, organisation, data)]
        )

    def counted(self, organisation: str, zone: ZoneInfo) -> Weeks:
        """What the tally should be, from the organisation's parts in inquiries."""
        weeks = self._latest({}, zone)
        first = datetime.fromisoformat(min(weeks)).replace(tzinfo=zone)
        since: Where = ("received_at", ">=", utc_text(first))
        for part in every(self._store, ASSIGNMENTS, ("organisation", "==", organisation), since, order="received_at"):
            weeks[_monday_of(part, zone)].update(counted_as(part.data["received_at"], part.data["answered_at"]))
        return weeks

    def _latest(self, weeks: Weeks, zone: ZoneInfo) -> Weeks:
        """Those that are told, also where nothing came. A later one, by a clock that is ahead, counts too."""
        this = _monday(self._clock.now(), zone)
        told = [(this - timedelta(weeks=back)).date().isoformat() for back in reversed(range(WEEKS))]
        kept = {monday: weeks.get(monday, Counter[str]()) for monday in told}
        ahead = {monday: counts for monday, counts in weeks.items() if monday > told[-1]}
        return defaultdict(Counter, kept | ahead)

    def _changes(self, organisation: str) -> list[Document]:
        return list(every(self._store, CHANGES, *within(organisation)))


def received(weeks: Weeks) -> list[tuple[str, int]]:
    """By Monday (ISO date), in the order of ``weeks``."""
    return [(monday, counts[RECEIVED]) for monday, counts in weeks.items()]


def hours_to_answer(weeks: Weeks) -> list[tuple[str, float]]:
    """The median, of the weeks of which anything is answered."""
    medians = ((monday, _median(counts)) for monday, counts in weeks.items())
    return [(monday, hours) for monday, hours in medians if hours is not None]


def _median(counts: Counter[str]) -> float | None:
    hours = sorted((float(name), count) for name, count in counts.items() if name != RECEIVED and count > 0)
    if not hours:
        return None
    reached = list(accumulate(count for _, count in hours))
    low, high = (hours[bisect_right(reached, place)][0] for place in ((reached[-1] - 1) // 2, reached[-1] // 2))
    return round((low + high) / 2, 1)


def _sum(tally: Document, changes: Iterable[Document]) -> Weeks:
    zone = ZoneInfo(tally.data["zone"])
    weeks: Weeks = defaultdict(Counter, {monday: Counter(counts) for monday, counts in tally.data["weeks"].items()})
    for change in changes:
        weeks[_monday_of(change, zone)].update(change.data["moves"])
    return weeks


def _stored(weeks: Weeks, zone: ZoneInfo) -> Data:
    told = {monday: {name: count for name, count in counts.items() if count} for monday, counts in weeks.items()}
    return {"zone": zone.key, "weeks": told}


def _monday_of(document: Document, zone: ZoneInfo) -> str:
    return _monday(from_utc_text(document.data["received_at"]), zone).date().isoformat()


def _monday(instant: datetime, zone: ZoneInfo) -> datetime:
    """The start of the week, as the clocks of the zone have it."""
    start = instant.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return start - timedelta(days=start.weekday())

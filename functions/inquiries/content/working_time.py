"""Working hours of an organisation: in its time zone, without its holidays."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from shared.staff.models import WEEKDAYS, Hours, Organisation

log = logging.getLogger(__name__)
MAX_TARGET = timedelta(days=3 * 366)  # the longest target is 2,000 hours


class WorkingTime:
    """The calendar of one organisation."""

    def __init__(self, organisation: Organisation) -> None:
        self._zone = ZoneInfo(organisation.timezone)
        self._hours = [merged(organisation.working_hours.get(day, [])) for day in WEEKDAYS]
        self._calendars = [(each.country, each.subdivision) for each in organisation.public_holidays]
        self._closed_on = frozenset(organisation.closed_on)

    def add(self, start: datetime, hours: float) -> datetime:
        """The instant (UTC) at which ``hours`` of work have passed since ``start``.

        Elapsed hours count, so that an hour lost or gained by a change of clocks within working hours is not worked
        twice or skipped. Raises ``ValueError`` where three years do not hold that much work.
        """
        left = timedelta(hours=hours)
        for begins, ends in self._stretches(start):
            begins = max(begins, start)
            if ends - begins >= left:
                return begins + left
            left -= max(ends - begins, timedelta())
        raise ValueError(f"no {hours} working hours after {start:%Y-%m-%d}: check the working hours and holidays")

    def due(self, start: datetime, hours: float) -> datetime:
        """As ``add``; where three years do not hold that much work, their end: no inquiry is stuck for a calendar."""
        try:
            return self.add(start, hours)
        except ValueError as error:
            log.warning("a target is out of reach", extra={"fields": {"reason": str(error)}})
            return start + MAX_TARGET

    @property
    def weekly(self) -> float:
        """Hours of a week without holidays."""
        return sum(_hours_between(*stretch) for day in self._hours for stretch in day)

    def _stretches(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Stretches of work in UTC, from the day of ``start`` on."""
        day = start.astimezone(self._zone).date()
        last = day + MAX_TARGET
        while day < last:
            if not self.is_closed(day):
                for stretch in self._hours[day.weekday()]:
                    begins, ends = (datetime.combine(day, at, self._zone) for at in stretch)
                    yield begins.astimezone(UTC), ends.astimezone(UTC)
            day += timedelta(days=1)

    def is_closed(self, day: date) -> bool:
        """Whether it is a holiday (weekends have no hours of their own)."""
        return day in self._closed_on or any(day in _holidays(*each, day.year) for each in self._calendars)


def merged(hours: Iterable[Hours]) -> list[tuple[time, time]]:
    """A day's stretches ``(from, to)`` in order; those that overlap or touch are one, so that no hour counts twice."""
    stretches: list[tuple[time, time]] = []
    for begins, ends in sorted((each.start, each.end) for each in hours):
        if stretches and begins <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(ends, stretches[-1][1]))
        else:
            stretches.append((begins, ends))
    return stretches


def _hours_between(begins: time, ends: time) -> float:
    day = date.min
    return (datetime.combine(day, ends) - datetime.combine(day, begins)) / timedelta(hours=1)


@cache
def _holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    from holidays import country_holidays

    return frozenset(country_holidays(country, subdiv=subdivision, years=year))

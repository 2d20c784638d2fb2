"""Working hours of an organisation: in its time zone, without its holidays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from shared.staff.models import WEEKDAYS, Organisation

LONGEST = timedelta(days=3 * 366)  # the longest target is 2,000 hours


class WorkingTime:
    """The calendar of one organisation."""

    def __init__(self, organisation: Organisation) -> None:
        self._zone = ZoneInfo(organisation.timezone)
        self._hours = [organisation.working_hours.get(day, []) for day in WEEKDAYS]
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

    def _stretches(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Stretches of work in UTC, from the day of ``start`` on."""
        day = start.astimezone(self._zone).date()
        last = day + LONGEST
        while day < last:
            if not self.is_closed(day):
                for hours in sorted(self._hours[day.weekday()], key=lambda each: each.start):
                    begins, ends = (datetime.combine(day, at, self._zone) for at in (hours.start, hours.end))
                    yield begins.astimezone(UTC), ends.astimezone(UTC)
            day += timedelta(days=1)

    def is_closed(self, day: date) -> bool:
        """Whether it is a holiday (weekends have no hours of their own)."""
        return day in self._closed_on or any(day in _holidays(*each, day.year) for each in self._calendars)


@cache
def _holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    from holidays import country_holidays

    return frozenset(country_holidays(country, subdiv=subdivision, years=year))

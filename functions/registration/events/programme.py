"""What happens at an event, day by day, where, and what it leaves behind: content beside its definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field, model_validator

from shared.documents import Strict
from shared.fields import Line, Localised, OptionalLine, OptionalLocalised, WebAddress
from shared.formats.pictures import Plan, drawn

MAX_DAYS = 31  # that are told one by one; a longer event without a programme is one stretch of time


class Speaker(Strict):
    """Somebody who speaks in a session, and as what."""

    name: Line
    role: OptionalLocalised = {}


class Session(Strict):
    """One part of the programme: ``day`` 1 is the day on which the event begins, the clock is that of its zone.

    So a programme stays as it is where the event moves to other dates.
    """

    day: Annotated[int, Field(ge=1, le=366)] = 1
    start: time = Field(alias="from")
    end: time = Field(alias="to")
    title: Localised
    summary: OptionalLocalised = {}
    room: OptionalLocalised = {}
    speakers: Annotated[list[Speaker], Field(max_length=50)] = []
    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    @model_validator(mode="after")
    def _in_order(self) -> Session:
        if self.start.tzinfo or self.end.tzinfo or self.end <= self.start:
            raise ValueError(
                "'to' must be later than 'from', on the same day and without a zone"  # untranslated: of a content file
            )
        return self


class Link(Strict):
    """To another site, for more about the event."""

    title: Localised
    url: WebAddress


class Document(Link):
    """Something to read: before the event, or after it. ``format`` tells what comes: ``PDF, 1.2 MB``."""

    kind: Literal["document", "report", "material"] = "document"
    format: OptionalLine = ""


class Place(Strict):
    """Where it is and how one gets there."""

    address: OptionalLocalised = {}
    directions: OptionalLocalised = {}  # Markdown
    accessibility: OptionalLocalised = {}
    link: WebAddress | None = None  # to a map that moves
    plan: Plan | None = None  # a picture of where it is
    plan_shows: OptionalLocalised = {}  # the same in words, for whoever does not see it

    @model_validator(mode="after")
    def _described(self) -> Place:
        if self.plan and not self.plan_shows:
            # untranslated: of a content file
            raise ValueError('add plan_shows = { en = "..." }: the plan in words, for people who cannot see it')
        return self

    @property
    def plan_size(self) -> tuple[int, int]:
        """Width and height, for a page to leave room. Asked where there is a plan."""
        shape = drawn(self.plan or "")
        return round(shape.width), round(shape.height)


class Figure(Strict):
    """A number that a past edition is remembered by: ``{ value = "70+", label = "speakers" }``."""

    value: Line
    label: Localised


@dataclass(frozen=True)
class Part:
    """A session with its instants."""

    starts_at: datetime
    ends_at: datetime
    session: Session


@dataclass(frozen=True)
class Day:
    """One day of an event: from when to when people are there, and what is on."""

    number: int  # from 1
    starts_at: datetime
    ends_at: datetime
    parts: tuple[Part, ...] = ()


def days(starts_at: datetime, ends_at: datetime, timezone: str, sessions: Sequence[Session]) -> list[Day]:
    """The days of an event in its zone, by its programme; a day that has none keeps the event's own hours.

    A day without sessions before the last one that has some is free. What is no row of days (hours that go over
    midnight, or more than ``MAX_DAYS``) is one day, as long as the event.
    """
    zone = ZoneInfo(timezone)
    first, last = starts_at.astimezone(zone), (ends_at - timedelta(microseconds=1)).astimezone(zone)
    count = (last.date() - first.date()).days + 1
    by_day = {number: _parts(sessions, number, first.date(), zone) for number in sorted({s.day for s in sessions})}
    hours = first.time(), ends_at.astimezone(zone).time()
    if count == 1 or count > MAX_DAYS or (not by_day and hours[0] >= hours[1]):
        parts = [part for some in by_day.values() for part in some]
        return [Day(1, starts_at, ends_at, tuple(parts))]
    found = []
    for number in range(1, count + 1):
        if parts := by_day.get(number, []):
            found.append(Day(number, parts[0].starts_at, max(part.ends_at for part in parts), tuple(parts)))
        elif number > max(by_day, default=0) and hours[0] < hours[1]:
            day = first.date() + timedelta(days=number - 1)
            found.append(Day(number, _at(day, hours[0], zone), _at(day, hours[1], zone)))
    return found


def _parts(sessions: Sequence[Session], number: int, first: date, zone: ZoneInfo) -> list[Part]:
    """The sessions of one day in the order of the clock; parallel ones stay in the order of the file."""
    day = first + timedelta(days=number - 1)
    mine = sorted((s for s in sessions if s.day == number), key=lambda session: session.start)
    return [Part(_at(day, one.start, zone), _at(day, one.end, zone), one) for one in mine]


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, zone)

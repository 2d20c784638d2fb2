"""Organisations and their staff: shared reference content that belongs to no slice.

It comes from TOML files and lives in the store, one collection for each of ``Organisation`` and ``Staff``.
"""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from shared.documents import Content
from shared.fields import Country, Email, Language, Line, Localised, Slug, WebAddress, Zone
from shared.formats.addresses import folded_address
from shared.formats.pictures import Emblem
from shared.ports import storable
from shared.staff.permissions import allowed

Role = Literal["viewer", "officer", "focal_point", "administrator"]
"""What each may do is in ``permissions.py``."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Hours(Content):
    """One stretch of work on a weekday, local time: ``{from = "09:00", to = "12:30"}``."""

    start: time = Field(alias="from")
    end: time = Field(alias="to")
    model_config = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True)

    @model_validator(mode="after")
    def _in_order(self) -> Hours:
        if self.end <= self.start:
            raise ValueError("'to' must be later than 'from', on the same day")  # untranslated: of a content file
        return self


class PublicHolidays(Content):
    """A calendar of the ``holidays`` package: a country, and where it has them a subdivision (``CH``, ``GE``)."""

    country: Country
    subdivision: str | None = None

    @model_validator(mode="after")
    def _known(self) -> PublicHolidays:
        from holidays.utils import list_supported_countries

        known = list_supported_countries(include_aliases=True)
        if self.country not in known:
            # untranslated: of a content file
            raise ValueError(f"no public holidays are known for {self.country}: list the dates under closed_on instead")
        if self.subdivision and self.subdivision not in known[self.country]:
            raise ValueError(
                # untranslated: of a content file
                f"{self.subdivision!r} is no subdivision of {self.country}: one of {', '.join(known[self.country])}"
            )
        return self


class Queue(Content):
    """Where an organisation's requests of one kind wait; its staff take them in turn."""

    id: Slug
    name: Localised


class Organisation(Content):
    """An organisation that answers, its working time and its queues."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,15}$")]  # part of reply addresses (64 letters)
    name: Localised
    short_name: Line
    website: WebAddress | Literal[""] = ""
    emblem: Emblem | None = None  # beside its name at the foot of pages
    helps_with: list[Localised] = Field([], max_length=8)  # on the front page
    timezone: Zone
    working_hours: dict[str, list[Hours]]  # by weekday in English, lower case; a missing day is free
    public_holidays: list[PublicHolidays] = []
    closed_on: list[date] = []
    focal_point: Email  # one of the staff: told of what is late and of what nobody can take
    queues: list[Queue] = Field(min_length=1, max_length=30)  # the first takes what no rule sends elsewhere

    @field_validator("working_hours")
    @classmethod
    def _some_hours(cls, hours: dict[str, list[Hours]]) -> dict[str, list[Hours]]:
        unknown = set(hours) - set(WEEKDAYS)
        if unknown:
            # untranslated: of a content file
            raise ValueError(f"{min(unknown)!r} is not a weekday: one of {', '.join(WEEKDAYS)}")
        if not any(hours.values()):
            # untranslated: of a content file
            raise ValueError("give at least one weekday its hours: no target time could ever be met")
        return hours

    def queue(self, id: str) -> str:
        """``id`` if this organisation has such a queue, else its first."""
        return id if any(queue.id == id for queue in self.queues) else self.queues[0].id


class Staff(Content):
    """One person at one organisation; the document's id is the folded address."""

    email: Email
    name: Line
    organisation: Slug
    role: Role
    languages: list[Language] = Field(min_length=1)  # that this person can answer in; the first is the mails' to them
    queues: list[Slug] = []
    absent_from: date | None = None  # first day away, in the organisation's zone
    absent_until: date | None = None  # last day away; None with absent_from: until further notice

    @field_validator("email")
    @classmethod
    def _folded(cls, email: str) -> str:
        folded = folded_address(email)
        if not storable(folded):
            # untranslated: of a content file
            raise ValueError("no document can be named like this address; give the person one without a slash")
        return folded

    def may(self, permission: str) -> bool:
        """Whether the person's role has the ``permission`` (``inquiries.assign``)."""
        return allowed(self.role, permission)

    def absent(self, day: date) -> bool:
        """On this day, in the organisation's calendar; both ends belong to the absence, an open end lasts."""
        return bool(
            self.absent_from and self.absent_from <= day and (not self.absent_until or day <= self.absent_until)
        )

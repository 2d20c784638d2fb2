"""Event definitions, as they are stored, imported and exported."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from functions.registration.events import programme
from functions.registration.events.programme import Day, Document, Figure, Link, Place, Session
from functions.registration.events.questions import Question
from shared.documents import Strict
from shared.fields import (
    Email,
    Language,
    Line,
    Localised,
    Moment,
    OptionalLocalised,
    Slug,
    WebAddress,
    Zone,
)


class Category(Strict):
    """A kind of participant; ``seats`` is its quota, None where only the event's total counts."""

    id: Slug
    name: Localised
    seats: Annotated[int, Field(ge=0, le=100_000)] | None = None


Before = Annotated[str, StringConstraints(pattern=r"^[1-9]\d*[dhm]$")]


class Kept(Strict):
    """What the import notes of an event, and no file says."""

    former: list[Slug] = []
    """Categories that were removed. Whoever registered in one counts as of the first category, in line as well."""
    line_first: bool = False
    """Newcomers join the line, free seats or not, until ``settle`` has given those who wait theirs."""
    dated_at: Moment | None = None
    """Since when the event begins when it begins now."""
    changed_at: Moment | None = None
    """Since when it is as it is: of its entry in feeds."""


class EventDefinition(Strict):
    """One edition of an event, as stored, imported and exported. Instants are UTC once stored."""

    id: Slug
    title: Localised
    edition_of: Slug | None = None  # the series that it belongs to, where that has a page
    series: Localised | None = None  # the name of one that has none
    summary: Localised
    description: OptionalLocalised = {}
    objectives: list[Localised] = []
    audience: OptionalLocalised = {}
    organisations: list[Slug] = []  # whose staff see it, the owner first; an import demands one, older events have none
    organiser: Line
    contact_email: Email
    mode: Literal["in_person", "virtual", "hybrid"]
    location: Localised
    join_link: Annotated[WebAddress, StringConstraints(pattern=r"^https://")] | None = None
    languages: list[Language] = ["en"]
    timezone: Zone
    starts_at: Moment
    ends_at: Moment
    registration_opens_at: Moment | None = None
    registration_closes_at: Moment | None = None  # None: at the start
    seats: Annotated[int, Field(ge=0, le=100_000)] | None = None  # None: no limit
    categories: Annotated[list[Category], Field(min_length=1, max_length=100)]
    passport_name: bool = False  # whether the name must be as in the passport, for visas and entry
    questions: list[Question] = []
    waitlist: bool = True
    verify_email: bool = True
    verify_within_hours: Annotated[int, Field(ge=1, le=24 * 14)] = 48
    reminders: list[Before] = ["7d", "1d", "1h"]
    sessions: Annotated[list[Session], Field(max_length=500)] = []
    place: Place | None = None
    practical: OptionalLocalised = {}  # Markdown: visas, arrival, meals
    documents: Annotated[list[Document], Field(max_length=100)] = []
    links: list[Link] = []
    outcome: Localised | None = None  # of a past edition
    figures: Annotated[list[Figure], Field(max_length=12)] = []  # of a past edition
    theme: Slug | None = None  # its look (shared.institution.models.Theme), where it has one of its own
    sample: bool = False
    listed: bool = True
    kept: Kept = Kept()

    @field_validator("ends_at")
    @classmethod
    def _after_the_start(cls, ends_at: datetime, info: ValidationInfo) -> datetime:
        starts_at = info.data.get("starts_at")
        if starts_at and ends_at.astimezone(UTC) <= starts_at.astimezone(UTC):  # of one zone, Python compares clocks
            raise ValueError(
                f"must lie after starts_at ({starts_at}); correct one of them"  # untranslated: of a content file
            )
        return ends_at

    @model_validator(mode="after")
    def _consistent(self) -> EventDefinition:
        if len(set(self.organisations)) < len(self.organisations):
            raise ValueError("organisations names one twice")  # untranslated: of a content file
        for name in ("categories", "questions"):
            ids = [entry.id for entry in getattr(self, name)]
            if len(set(ids)) < len(ids):
                raise ValueError(f"two {name} have the same id")  # untranslated: of a content file
        if any(q.kind in ("choice", "choices") and not q.options for q in self.questions):
            raise ValueError(
                "a question of kind 'choice' or 'choices' needs options"  # untranslated: of a content file
            )
        return self

    @property
    def days(self) -> list[Day]:
        """One by one, with the programme of each."""
        return programme.days(self.starts_at, self.ends_at, self.timezone, self.sessions)

    @property
    def dates(self) -> tuple[date, date]:
        """The first and the last day, in the event's zone."""
        zone = ZoneInfo(self.timezone)
        return self.starts_at.astimezone(zone).date(), (self.ends_at - timedelta(microseconds=1)).astimezone(
            zone
        ).date()

    @property
    def closes_at(self) -> datetime:
        """When registration ends: the start, where nothing else is said."""
        return self.registration_closes_at or self.starts_at

    @property
    def promotes_until(self) -> datetime:
        """Until when a seat that comes back goes to the waitlist: the start, or as long as newcomers would get it."""
        return min(max(self.starts_at, self.closes_at), self.ends_at)

    def takes_waiting(self, now: datetime) -> bool:
        """Whether one may join the waitlist."""
        return self.waitlist and now < self.promotes_until

    @property
    def lines(self) -> list[str]:
        """The categories in which somebody may wait, removed ones included."""
        return [*(category.id for category in self.categories), *self.kept.former]

    def phase(self, now: datetime) -> Literal["soon", "open", "closed", "past"]:
        """``soon`` until registration opens, ``closed`` from its end on, ``past`` from the event's."""
        if now >= self.ends_at:
            return "past"
        if now >= self.closes_at:
            return "closed"
        return "soon" if self.registration_opens_at and now < self.registration_opens_at else "open"

    def category(self, id: str) -> Category | None:
        """None for one that the event does not have, or has no more."""
        return next((category for category in self.categories if category.id == id), None)

    def category_of(self, id: str) -> Category:
        """The category of a registration; the first one where the organiser has removed it since."""
        return self.category(id) or self.categories[0]

    def pools(self, category: Category) -> list[str]:
        """The pools that a registration of this category takes one seat from each: its quota, the event's total."""
        quota = [pool_id(self.id, category.id)] if category.seats is not None else []
        return quota + ([pool_id(self.id)] if self.seats is not None else [])

    def capacities(self) -> dict[str, int]:
        """Seats by pool."""
        quotas = {pool_id(self.id, c.id): c.seats for c in self.categories if c.seats is not None}
        return {**quotas, **({pool_id(self.id): self.seats} if self.seats is not None else {})}

    def reminder_times(self) -> dict[str, datetime]:
        """When each reminder is due, by its name ("1d"), the earliest first."""
        due = {name: self.starts_at - before(name) for name in self.reminders}
        return dict(sorted(due.items(), key=lambda pair: pair[1]))

    def reminder_owed(self, now: datetime) -> tuple[str, datetime] | None:
        """The reminder that is due, and since when: who had a seat by then is owed it, once for each date of the event.

        Owed is what falls due while the event has its present dates. When all that lay before the dates were changed,
        the last of them is owed at once: nothing else would tell of the new dates. Of several (after an outage) it is
        the latest, which says all that the earlier ones did.
        """
        times, since = self.reminder_times(), self.kept.dated_at
        standing = {name: at for name, at in times.items() if since is None or at > since}
        if since and times and not standing:
            standing = {list(times)[-1]: since}
        due = [(name, at) for name, at in standing.items() if at <= now]
        return due[-1] if due else None


def before(reminder: str) -> timedelta:
    """How long before the start a reminder of this name comes: ``1d``, ``90m``."""
    units = {"d": "days", "h": "hours", "m": "minutes"}
    return timedelta(**{units[reminder[-1]]: int(reminder[:-1])})


def pool_id(event: str, category: str | None = None) -> str:
    """``forum:delegation`` for a category's quota, ``forum:*`` for the event's total."""
    return f"{event}:{category or '*'}"

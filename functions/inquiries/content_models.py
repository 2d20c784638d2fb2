"""The slice's content: organisations, staff, topics, activities, country groups, rules, canned replies.

It comes from TOML files (``content.py``) and lives in the store, one collection for each of the models.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    field_validator,
    model_validator,
)

from shared.addresses import folded_address
from shared.contracts.countries import ALPHA_2
from shared.ports import utc_text
from shared.text import N_

Texts = dict[str, str]
"""A text by language (BCP 47); English is always there."""

Role = Literal["viewer", "officer", "focal_point", "administrator"]
"""Each may do what the one before it may: read; answer and assign; hand over and erase; see to content and staff."""

RequesterType = Literal[
    "government",
    "ip_office",
    "regulatory_authority",
    "procurement_agency",
    "industry",
    "academia",
    "civil_society",
    "international_organisation",
    "other",
]
SHARE_WITH_ALL = "all"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

Instant = Annotated[datetime, PlainSerializer(utc_text, return_type=str, when_used="json")]
"""An aware instant; stored as ``utc_text``, so that documents sort by time."""


def _country(code: str) -> str:
    if code.upper() not in ALPHA_2:
        raise ValueError(N_("Give the country as its two-letter code (ISO 3166-1 alpha-2), for example KE."))
    return code.upper()


def _with_english(texts: Texts) -> Texts:
    if not texts.get("en", "").strip():
        raise ValueError('the English text is missing: add a line en = "..."')
    return texts


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone: write an IANA name such as Europe/Zurich") from None
    return name


Country = Annotated[str, AfterValidator(_country)]
ContentTexts = Annotated[Texts, AfterValidator(_with_english)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


def _email(address: str) -> str:
    """The address as RFC 5321 writes it, with the domain in lower case. No DNS is asked."""
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError:
        raise ValueError(N_("Check this email address: it should look like name@example.org.")) from None


Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254), AfterValidator(_email)]


class Stored(BaseModel):
    """A document, or a part of one: unknown fields of a newer version are ignored when read."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    def data(self) -> dict[str, Any]:
        """As the store keeps it: JSON values."""
        return self.model_dump(mode="json")


class Content(Stored):
    """What TOML files hold: an unknown key there is a mistake to be told."""

    model_config = ConfigDict(extra="forbid")


class Hours(Content):
    """One stretch of work on a weekday, local time: ``{from = "09:00", to = "12:30"}``."""

    start: time = Field(alias="from")
    end: time = Field(alias="to")
    model_config = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True)

    @model_validator(mode="after")
    def _in_order(self) -> Hours:
        if self.end <= self.start:
            raise ValueError("'to' must be later than 'from', on the same day")
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
            raise ValueError(f"no public holidays are known for {self.country}: list the dates under closed_on instead")
        if self.subdivision and self.subdivision not in known[self.country]:
            raise ValueError(
                f"{self.subdivision!r} is no subdivision of {self.country}: one of {', '.join(known[self.country])}"
            )
        return self


class Queue(Content):
    """Where an organisation's requests of one kind wait; its staff take them in turn."""

    id: Slug
    name: ContentTexts


class Organisation(Content):
    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,15}$")]  # part of reply addresses (64 letters)
    name: ContentTexts
    short_name: str
    website: str = ""
    timezone: Zone
    working_hours: dict[str, list[Hours]]  # by weekday in English, lower case; a missing day is free
    public_holidays: list[PublicHolidays] = []
    closed_on: list[date] = []
    focal_point: Email  # one of the staff: told of what is late and of what nobody can take
    queues: list[Queue] = Field(min_length=1)  # the first takes what no rule sends elsewhere

    @field_validator("working_hours")
    @classmethod
    def _some_hours(cls, hours: dict[str, list[Hours]]) -> dict[str, list[Hours]]:
        unknown = set(hours) - set(WEEKDAYS)
        if unknown:
            raise ValueError(f"{min(unknown)!r} is not a weekday: one of {', '.join(WEEKDAYS)}")
        if not any(hours.values()):
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
        return folded_address(email)

    def absent(self, day: date) -> bool:
        return bool(
            self.absent_from and self.absent_from <= day and (not self.absent_until or day <= self.absent_until)
        )


class Topic(Content):
    id: Slug
    name: ContentTexts
    summary: Texts = {}
    organisations: list[Slug] = []  # those that work on it, for the overview; routing has its own rules


class Activity(Content):
    """One thing that one or several organisations offer."""

    id: Slug
    title: ContentTexts
    summary: ContentTexts
    kind: Literal[
        "policy_advice", "capacity_building", "technology_transfer", "dispute_resolution", "knowledge", "event"
    ]
    topics: list[Slug] = Field(min_length=1)
    organisations: list[Slug] = Field(min_length=1)
    audience: list[RequesterType] = Field(min_length=1)
    region: str = "global"
    languages: list[Language] = Field(min_length=1)
    on_request: bool = False
    starts_on: date | None = None
    ends_on: date | None = None
    contact: Email
    website: str = ""
    sample: bool = False

    @model_validator(mode="after")
    def _when(self) -> Activity:
        if self.on_request == bool(self.starts_on):
            raise ValueError("give either on_request = true or starts_on")
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise ValueError("ends_on must not lie before starts_on")
        return self


class CountryGroup(Content):
    """A list of countries with its source and the day it was taken."""

    id: Slug
    name: ContentTexts
    source: str
    as_of: date
    countries: list[Country] = Field(min_length=1)


class CannedReply(Content):
    """A text to start an answer from. ``{name}`` and ``{reference}`` are filled in."""

    id: Slug
    title: Line
    organisations: list[Slug] = []  # none: all
    topics: list[Slug] = []  # none: all
    text: ContentTexts


class Conditions(Content):
    """All that are given must hold; within one, any value does. Words match whole words, whatever case or accents."""

    topics: list[Slug] = []
    requester_types: list[RequesterType] = []
    countries: list[Country] = []
    country_groups: list[Slug] = []  # with ``countries``: either
    languages: list[Language] = []
    activities: list[Slug] = []
    words: list[str] = []

    @property
    def empty(self) -> bool:
        return not any(self.model_dump().values())


class Example(Content):
    """An inquiry's facts and where it must go. What is not stated of the outcome is not checked."""

    topics: list[Slug] = []
    requester_type: RequesterType = "government"
    country: Country = "KE"
    language: Language = "en"
    activity: str | None = None
    subject: str = ""
    message: str = ""
    share_with: str = SHARE_WITH_ALL
    lead: Slug
    supporting: list[Slug] | None = None
    queue: Slug | None = None


class Rule(Content):
    """Where an inquiry goes. Rules are tried by ``priority`` (lower first), then by ``id``.

    The first that matches names the lead, the queue and the target; every other that matches adds its lead and its
    supporters as supporters. The one ``default`` rule, without conditions, counts when no other matches.
    """

    id: Slug
    title: Line
    priority: int = Field(default=100, ge=0)
    default: bool = False
    when: Conditions = Field(default_factory=Conditions)
    lead: Slug
    supporting: list[Slug] = []
    queue: Slug
    target_hours: float = Field(gt=0, le=2000)  # working hours of the organisation until the first answer
    examples: list[Example] = Field(min_length=1)

    @model_validator(mode="after")
    def _conditions(self) -> Rule:
        if self.default and not self.when.empty:
            raise ValueError("the default rule takes everything: remove its conditions under 'when'")
        if not self.default and self.when.empty:
            raise ValueError("a rule needs a condition under 'when' (only the default rule has none)")
        return self

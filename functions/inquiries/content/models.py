"""The slice's content: topics, activities, country groups, rules, canned replies.

It comes from TOML files (``content.py``) and lives in the store, one collection for each of the models.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from shared.documents import Content
from shared.fields import Country, Email, Language, Line, Localised, OptionalLine, OptionalLocalised, Slug, WebAddress
from shared.text import N_

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
ActivityKind = Literal[
    "policy_advice", "capacity_building", "technology_transfer", "dispute_resolution", "knowledge", "event"
]
SHARE_WITH_ALL = "all"


class Topic(Content):
    """What an inquiry is about, as a requester chooses it."""

    id: Slug
    name: Localised
    summary: OptionalLocalised = {}
    organisations: list[Slug] = []  # those that work on it, for the overview; routing has its own rules


class Activity(Content):
    """One thing that one or several organisations offer."""

    id: Slug
    title: Localised
    summary: Localised
    kind: ActivityKind
    topics: list[Slug] = Field(min_length=1)
    organisations: list[Slug] = Field(min_length=1)
    audience: list[RequesterType] = Field(min_length=1)
    region: Line = "global"
    languages: list[Language] = Field(min_length=1)
    on_request: bool = False
    starts_on: date | None = None
    ends_on: date | None = None
    contact: Email
    website: WebAddress | Literal[""] = ""
    sample: bool = False

    @model_validator(mode="after")
    def _when(self) -> Activity:
        if self.on_request == bool(self.starts_on):
            raise ValueError(N_("Give either on_request = true or starts_on."))
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise ValueError(N_("The value of ends_on must not lie before starts_on."))
        return self


class CountryGroup(Content):
    """A list of countries with its source and the day it was taken, beside those of ``countries.toml``."""

    id: Slug
    name: Localised
    source: Line
    as_of: date
    countries: list[Country] = Field(min_length=1)


class CannedReply(Content):
    """A text to start an answer from. ``{name}`` and ``{reference}`` are filled in."""

    id: Slug
    title: Line
    organisations: list[Slug] = []  # none: all
    topics: list[Slug] = []  # none: all
    text: Localised


class Conditions(Content):
    """All that are given must hold; within one, any value does.

    ``words`` are words or phrases, whatever case or accents. They match whole words; ``*`` before or after one stands
    for whatever else the word begins or ends with: ``дефицит*``, ``*نقص*``. In scripts without blanks between words
    (Chinese, Japanese, Thai, Lao, Khmer, Burmese) they match wherever they stand. ``content_checks`` refuses a ``*``
    elsewhere, or beside too few letters; what was stored before with one is read as it was.
    """

    topics: list[Slug] = []
    requester_types: list[RequesterType] = []
    countries: list[Country] = []
    country_groups: list[Slug] = []  # with ``countries``: either
    languages: list[Language] = []
    activities: list[Slug] = []
    words: list[str] = []

    @property
    def empty(self) -> bool:
        """Whether no condition is given, so that every inquiry meets them."""
        return not any(self.model_dump().values())


class Example(Content):
    """An inquiry's facts and where it must go. What is not stated of the outcome is not checked."""

    topics: list[Slug] = []
    requester_type: RequesterType = "government"
    country: Country = "KE"
    language: Language = "en"
    activity: str | None = None
    subject: OptionalLine = ""
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
            raise ValueError(N_("The default rule takes everything: remove its conditions under “when”."))
        if not self.default and self.when.empty:
            raise ValueError(N_("A rule needs a condition under “when”; only the default rule has none."))
        return self

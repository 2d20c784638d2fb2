"""What the registration slice takes in and keeps: event definitions, requests, registrations."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from shared.addresses import folded_address
from shared.contracts.countries import ALPHA_2
from shared.contracts.registration import State, Texts

CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "translate where it is shown"
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name!r} is no IANA time zone; write it like 'Europe/Zurich'") from None
    return name


def _texts(value: Any) -> Any:
    return {"en": value} if isinstance(value, str) else value


def _country(code: str) -> str:
    code = code.strip().upper()
    if code not in ALPHA_2:
        raise ValueError(N_("Choose a country from the list (in the API: two letters, ISO 3166-1 alpha-2)."))
    return code


def _email(address: str) -> str:
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError:
        raise ValueError(N_("Write the address like name@example.org.")) from None


def _language(tag: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag):
        raise ValueError(N_("Write the language as a BCP 47 tag, like 'en' or 'ar'."))
    return tag


def _consent(given: bool) -> bool:
    if not given:
        raise ValueError(N_("We can register you only if you agree."))
    return given


def _one_line(text: str) -> str:
    if CONTROL.search(text):
        raise ValueError(N_("This must be one line, without control characters."))
    return text


Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Localised = Annotated[Texts, BeforeValidator(_texts)]
Zone = Annotated[str, AfterValidator(_zone)]
Country = Annotated[str, AfterValidator(_country)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254), AfterValidator(_email)]
Language = Annotated[str, AfterValidator(_language)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(_one_line)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)


class Option(Strict):
    id: Slug
    label: Localised


class Question(Strict):
    """One more thing an event asks. Answers: text, an option's id, a list of ids, or true/false, by ``kind``."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
    label: Localised
    hint: Localised | None = None
    kind: Literal["text", "long_text", "choice", "choices", "yes_no"] = "text"
    required: bool = False
    options: list[Option] = []


class Category(Strict):
    """A kind of participant; ``seats`` is its quota, None where only the event's total counts."""

    id: Slug
    name: Localised
    seats: Annotated[int, Field(ge=0, le=100_000)] | None = None


class Link(Strict):
    title: Localised
    url: Annotated[str, StringConstraints(pattern=r"^https?://")]


Before = Annotated[str, StringConstraints(pattern=r"^[1-9]\d*[dhm]$")]


class EventDefinition(Strict):
    """One edition of an event, as stored, imported and exported. Instants are UTC once stored."""

    id: Slug
    title: Localised
    series: Localised | None = None
    summary: Localised
    description: Localised = {}
    objectives: list[Localised] = []
    audience: Localised = {}
    organiser: str
    contact_email: Email
    mode: Literal["in_person", "virtual", "hybrid"]
    location: Localised
    join_link: Annotated[str, StringConstraints(pattern=r"^https://")] | None = None
    languages: list[Language] = ["en"]
    timezone: Zone
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    registration_opens_at: AwareDatetime | None = None
    registration_closes_at: AwareDatetime | None = None  # None: at the start
    seats: Annotated[int, Field(ge=0, le=100_000)] | None = None  # None: no limit
    categories: Annotated[list[Category], Field(min_length=1)]
    questions: list[Question] = []
    waitlist: bool = True
    verify_email: bool = True
    verify_within_hours: Annotated[int, Field(ge=1, le=24 * 14)] = 48
    reminders: list[Before] = ["7d", "1d", "1h"]
    outcome: Localised | None = None  # of a past edition
    links: list[Link] = []
    sample: bool = False
    listed: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> EventDefinition:
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must lie after starts_at")
        for name in ("categories", "questions"):
            ids = [entry.id for entry in getattr(self, name)]
            if len(set(ids)) < len(ids):
                raise ValueError(f"two {name} have the same id")
        if any(q.kind in ("choice", "choices") and not q.options for q in self.questions):
            raise ValueError("a question of kind 'choice' or 'choices' needs options")
        return self

    @property
    def closes_at(self) -> datetime:
        return self.registration_closes_at or self.starts_at

    def phase(self, now: datetime) -> Literal["soon", "open", "closed", "past"]:
        if now >= self.ends_at:
            return "past"
        if now >= self.closes_at:
            return "closed"
        return "soon" if self.registration_opens_at and now < self.registration_opens_at else "open"

    def category(self, id: str) -> Category | None:
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
        units = {"d": "days", "h": "hours", "m": "minutes"}
        due = {name: self.starts_at - timedelta(**{units[name[-1]]: int(name[:-1])}) for name in self.reminders}
        return dict(sorted(due.items(), key=lambda pair: pair[1]))


def pool_id(event: str, category: str | None = None) -> str:
    """``forum:delegation`` for a category's quota, ``forum:*`` for the event's total."""
    return f"{event}:{category or '*'}"


class RegistrationRequest(Strict):
    """What a form or another site's program sends to register one person."""

    given_name: Line
    family_name: Line
    email: Email
    country: Country
    organisation: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_one_line)
    ] = ""
    category: str
    language: Language = "en"
    answers: dict[str, Any] = {}
    consent: Annotated[bool, AfterValidator(_consent)]

    @property
    def person(self) -> str:
        """The same for every spelling of one address."""
        return folded_address(self.email)


class Correction(Strict):
    """What a person may change afterwards. The address stays: it is what was verified."""

    given_name: Line
    family_name: Line
    country: Country
    organisation: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_one_line)
    ] = ""
    language: Language = "en"
    answers: dict[str, Any] = {}


class Registration(BaseModel, defer_build=True):
    """A stored registration. ``pools`` are those whose seat it holds now."""

    reference: str
    event: str
    state: State
    category: str
    given_name: str
    family_name: str
    email: str
    country: str
    organisation: str
    language: str
    answers: dict[str, Any]
    pools: list[str]
    created_at: str
    verify_by: str | None = None
    waitlisted_at: str | None = None
    confirmed_at: str | None = None
    ended_at: str | None = None  # cancelled or expired
    sequence: int = 0  # of the calendar entry (RFC 5545)
    version: str | None = Field(default=None, exclude=True)  # of the document it was read from


def check_answers(event: EventDefinition, answers: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Answers in their stored form, and errors by question id."""
    kept: dict[str, Any] = {}
    errors: dict[str, str] = {}
    known = {question.id: question for question in event.questions}
    for unknown in answers.keys() - known.keys():
        errors[unknown] = N_("This event does not ask that. Remove it.")
    for id, question in known.items():
        answer = answers.get(id)
        if answer in (None, "", [], False):
            if question.required:
                errors[id] = N_("This field is required.")
            continue
        options = {option.id for option in question.options}
        match question.kind:
            case "yes_no":
                fits = answer is True
            case "choice":
                fits = answer in options if isinstance(answer, str) else False
            case "choices":
                fits = isinstance(answer, list) and all(isinstance(a, str) and a in options for a in answer)
            case _:
                fits = isinstance(answer, str) and len(answer) <= 2000
        if fits:
            kept[id] = answer
        else:
            errors[id] = N_("Choose from the list.") if options else N_("Write at most 2000 characters.")
    return kept, errors

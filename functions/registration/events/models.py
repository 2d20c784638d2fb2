"""What the registration slice takes in and keeps: event definitions, requests, registrations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    computed_field,
    field_validator,
    model_validator,
)

from shared.contracts.registration import State
from shared.fields import (
    NOT_LISTED,
    REQUIRED,
    TOO_LONG,
    Consent,
    Country,
    Email,
    Language,
    Line,
    Localised,
    Moment,
    OptionalLine,
    OptionalLocalised,
    Slug,
    WebAddress,
    Zone,
    printable_line,
    printable_prose,
)
from shared.formats.addresses import address_key
from shared.text import N_

MAX_ANSWER = 2000  # characters
OVER: tuple[State, ...] = ("cancelled", "expired", "declined")


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
    url: WebAddress


Before = Annotated[str, StringConstraints(pattern=r"^[1-9]\d*[dhm]$")]


class Kept(Strict):
    """What the import notes of an event, and no file says."""

    former: list[Slug] = []
    """Categories that were removed. Whoever registered in one counts as of the first category, in line as well."""
    line_first: bool = False
    """Newcomers join the line, free seats or not, until ``settle`` has given those who wait theirs."""
    dated_at: Moment | None = None
    """Since when the event begins when it begins now."""


class EventDefinition(Strict):
    """One edition of an event, as stored, imported and exported. Instants are UTC once stored."""

    id: Slug
    title: Localised
    series: Localised | None = None
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
    questions: list[Question] = []
    waitlist: bool = True
    verify_email: bool = True
    verify_within_hours: Annotated[int, Field(ge=1, le=24 * 14)] = 48
    reminders: list[Before] = ["7d", "1d", "1h"]
    outcome: Localised | None = None  # of a past edition
    links: list[Link] = []
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
    def closes_at(self) -> datetime:
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


class RegistrationRequest(Strict):
    """What a form or another site's program sends to register one person."""

    given_name: Line
    family_name: Line
    email: Email
    country: Country
    organisation: OptionalLine = ""
    category: str = Field(description=N_("The `id` of one of the event's `categories`."))
    language: Language = "en"
    answers: dict[str, Any] = Field(default={}, description=N_("By the `id` of the event's `questions`."))
    consent: Consent


class Correction(Strict):
    """What a person may change afterwards. The address stays: it is what was verified."""

    given_name: Line
    family_name: Line
    country: Country
    organisation: OptionalLine = ""
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
    held_until: str | None = None  # while unverified, a seat is kept until then
    holds: list[str] = []  # what counts that seat as kept (holds.py)
    waitlisted_at: str | None = None
    confirmed_at: str | None = None
    ended_at: str | None = None  # cancelled or expired
    sequence: int = 0  # of the calendar entry (RFC 5545)
    link_version: int = 0  # the generation of personal links that holds
    language_at: str | None = None  # when a later form than the first gave the language
    version: str | None = Field(default=None, exclude=True)  # of the document it was read from

    @computed_field  # type: ignore[prop-decorator]
    @property
    def address(self) -> str:
        """The same for every spelling of the address: what registrations are found by."""
        return address_key(self.email)


class Place(NamedTuple):
    """In a waitlist, from 1; where it is not ``exact``, the number is the least that it can be."""

    number: int
    exact: bool


def check_answers(event: EventDefinition, answers: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Answers in their stored form, and errors (English, for gettext) by question id; ``max_length`` in them is
    ``MAX_ANSWER``."""
    kept: dict[str, Any] = {}
    errors: dict[str, str] = {}
    known = {question.id: question for question in event.questions}
    for unknown in answers.keys() - known.keys():
        errors[unknown] = N_("This event does not ask that. Remove it.")
    for id, question in known.items():
        answer = answers.get(id)
        if answer is None or answer is False or answer == [] or (isinstance(answer, str) and not answer.strip()):
            if question.required:
                errors[id] = REQUIRED
            continue
        try:
            kept[id] = _answer(question, answer)
        except ValueError as error:
            errors[id] = str(error)
    return kept, errors


def _answer(question: Question, answer: Any) -> Any:
    """The answer in its stored form. Raises ``ValueError``."""
    options = {option.id for option in question.options}
    match question.kind:
        case "yes_no":
            fits = answer is True
        case "choice":
            fits = answer in options if isinstance(answer, str) else False
        case "choices":
            fits = isinstance(answer, list) and all(isinstance(a, str) and a in options for a in answer)
        case kind:
            return _written(kind, answer)
    if not fits:
        raise ValueError(NOT_LISTED)
    return answer


def _written(kind: Literal["text", "long_text"], answer: Any) -> str:
    if not isinstance(answer, str):
        raise ValueError(N_("This must be text."))
    text = printable_line(answer) if kind == "text" else printable_prose(answer)
    if len(text) > MAX_ANSWER:
        raise ValueError(TOO_LONG)
    return text

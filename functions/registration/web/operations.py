"""What the API of events takes and answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from functions.registration.events.models import Category
from functions.registration.events.questions import Question
from functions.registration.registrations.base import Availability
from functions.registration.registrations.models import RegistrationRequest
from shared.fields import Email, Language, Localised
from shared.text import N_
from shared.web import paging
from shared.web.guards.form_guard import PROGRAM_HEADERS, PROOF_HEADER, TOO_MANY
from shared.web.openapi import Form, Operation

TAG = N_("Events")
NOT_FOUND = N_("There is no such event.")
EVENT = {"event": N_("The event's `id`.")}


class EventQuery(BaseModel, defer_build=True):
    """What follows the ``?`` of ``GET /api/events``."""

    after: Annotated[str, AfterValidator(paging.checked)] = Field(
        default="",
        json_schema_extra={"pattern": paging.PATTERN},
        description=N_("Where the page begins: `next` of the one before has it."),
    )


class PublicEvent(BaseModel, defer_build=True):
    """An event as other sites may show it."""

    id: str
    title: Localised
    summary: Localised
    mode: Literal["in_person", "virtual", "hybrid"]
    location: Localised
    timezone: str = Field(description=N_("Of the IANA time zone database."))
    starts_at: str = Field(json_schema_extra={"format": "date-time"})
    ends_at: str = Field(json_schema_extra={"format": "date-time"})
    registration_closes_at: str = Field(json_schema_extra={"format": "date-time"})
    phase: Literal["soon", "open", "closed", "past"] = Field(description=N_("People can register while it is open."))
    categories: list[Category]
    questions: list[Question]
    seats_left: int | None = Field(description=N_("Free seats, counted to 1,000; null where there is no limit."))
    waitlist: bool = Field(
        description=N_("Whether those who find no seat wait in line for one; else they are refused.")
    )
    page: str = Field(description=N_("The address of its page."), json_schema_extra={"format": "uri"})


class EventPage(BaseModel, defer_build=True):
    """One page of the list."""

    events: list[PublicEvent]
    next: str | None = Field(
        description=N_("The address of the next page; null on the last."), json_schema_extra={"format": "uri"}
    )


class Registered(BaseModel, defer_build=True):
    """The answer to an accepted registration, the same whether or not the address was registered before."""

    state: Literal["unverified", "received"] = Field(
        description=N_(
            "Unverified: the link in our mail must be followed. Received: our mail says what became of it. Reference "
            "and personal link are in the mail, for the owner of the address alone."
        )
    )
    availability: Availability = Field(
        description=N_(
            "Of seats when it was asked: without a limit, some left, or full, so that newcomers wait in line."
        )
    )
    links: dict[str, str] = Field(description=N_("The event and the receipt; give the receipt to nobody else."))


class LinksRequest(BaseModel):
    """Whose links are to be mailed, and in which language."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    email: Email
    language: Language = Field(default="en", description=N_("Of the mail; without it, that of the request."))


class LinksMailed(BaseModel, defer_build=True):
    """The answer, whether or not anything is known of the address."""

    message: str = Field(description=N_("To be shown to the visitor."))


LIST = Operation(
    "listEvents",
    "GET",
    "/api/events",
    TAG,
    N_("List the events, the earliest first"),
    EventPage,
    query=EventQuery,
)
SHOW = Operation(
    "getEvent",
    "GET",
    "/api/events/{event}",
    TAG,
    N_("Show one event"),
    PublicEvent,
    parts=EVENT,
    problems={404: NOT_FOUND},
)
REGISTER = Operation(
    "registerPerson",
    "POST",
    "/api/events/{event}/registrations",
    TAG,
    N_("Register one person"),
    Registered,
    201,
    description=N_(
        "`answers` holds what the event's `questions` ask, by their `id`. The form of another site may post here "
        "too: the browser is led to our receipt, or to our own form, filled in, where something is missing."
    ),
    parts=EVENT,
    body=RegistrationRequest,
    form=Form(RegistrationRequest),
    example={
        "given_name": "Amina",
        "family_name": "Diallo",
        "email": "amina.diallo@ministry.example",
        "country": "SN",
        "category": "participant",
        "consent": True,
    },
    headers=PROGRAM_HEADERS,
    problems={
        404: NOT_FOUND,
        410: N_("Registration is closed, or all seats are taken and there is no waiting list."),
        429: TOO_MANY,
    },
)
FIND = Operation(
    "mailLinks",
    "POST",
    "/api/find",
    TAG,
    N_("Mail somebody the links to their registrations and requests"),
    LinksMailed,
    202,
    description=N_("The answer is the same for every address. To one address goes at most one such mail in an hour."),
    body=LinksRequest,
    headers={PROOF_HEADER: PROGRAM_HEADERS[PROOF_HEADER]},
    problems={429: TOO_MANY},
)
OPERATIONS = (LIST, SHOW, REGISTER, FIND)

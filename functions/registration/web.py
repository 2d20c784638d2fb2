"""The JSON API, and the same address for plain HTML forms on other sites."""

from __future__ import annotations

from typing import Any

from flask import Response
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import BadRequest as BadHttp
from werkzeug.exceptions import UnsupportedMediaType

from functions.registration import service as s
from functions.registration.catalogue import EventNotFound
from functions.registration.models import EventDefinition, RegistrationRequest
from functions.registration.service import Receipt, Registrations
from shared.ports import utc_text
from shared.web import openapi
from shared.web.abuse import GUARD_FIELDS, check_rate
from shared.web.problem import FieldError, Problem, field_errors, invalid
from shared.web.site import Site, Visit


class PublicEvent(BaseModel):
    """An event as other sites may show it."""

    id: str
    title: dict[str, str]
    summary: dict[str, str]
    mode: str
    location: dict[str, str]
    timezone: str
    starts_at: str
    ends_at: str
    registration_closes_at: str
    phase: str = Field(description="soon, open, closed or past")
    categories: list[dict[str, Any]]
    questions: list[dict[str, Any]]
    seats_left: int | None = Field(description="free seats, null where there is no limit")
    page: str


class Registered(BaseModel):
    """The answer to an accepted registration."""

    reference: str
    state: str = Field(description="unverified (the mail's link must be followed), confirmed or waitlisted")
    links: dict[str, str]


def register(site: Site, service: Registrations) -> None:
    """Put the API's routes on ``site``."""

    @site.route("/api/events", api=True)
    def list_events(visit: Visit) -> Response:
        return visit.json({"events": [_public(visit, service, event) for event in service.events.listed()]})

    @site.route("/api/events/<event_id>", api=True)
    def one_event(visit: Visit, event_id: str) -> Response:
        with refusals(visit):
            return visit.json(_public(visit, service, service.events.get(event_id)))

    @site.route("/api/events/<event_id>/registrations", "POST", api=True)
    def create(visit: Visit, event_id: str) -> Response:
        is_form = visit.request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data")
        body = form_body(visit) if is_form else json_body(visit)
        key = visit.request.headers.get("Idempotency-Key") or None
        check_rate(visit)
        with refusals(visit):
            receipt = service.register(event_id, parse(visit, body), key)
        if is_form:
            return visit.redirect(receipt_path(visit, event_id, receipt))
        return visit.json(_registered(visit, event_id, receipt).model_dump(), 201)

    @site.route("/api/openapi.json", api=True)
    def describe(visit: Visit) -> Response:
        return visit.json(_openapi(visit))


def parse(visit: Visit, body: dict[str, Any]) -> RegistrationRequest:
    """Raises ``Problem`` 422 with every faulty field."""
    try:
        return RegistrationRequest.model_validate(body)
    except ValidationError as error:
        raise invalid(field_errors(error, visit.gettext), visit.gettext) from None


def json_body(visit: Visit) -> dict[str, Any]:
    """The request's JSON object. Raises ``Problem`` 422, or 415 for another format."""
    try:
        body = visit.request.get_json()
    except UnsupportedMediaType:
        raise
    except BadHttp:
        body = None
    if not isinstance(body, dict):
        message = visit.gettext("Send one JSON object.")
        raise invalid([FieldError("body", message)], visit.gettext)
    return body


def form_body(visit: Visit) -> dict[str, Any]:
    """A form's fields as the API's object: ``answers.diet`` becomes a member of ``answers``; a ticked box is true.
    An empty field is one that was not sent.

    A list for a question of many choices, told apart by a name that ends in ``[]``.
    """
    form = visit.request.form
    body: dict[str, Any] = {"answers": {}}
    for name in form:
        value: Any = form.getlist(name) if name.endswith("[]") else form[name]
        plain = name.removesuffix("[]")
        if plain.startswith("answers."):
            body["answers"][plain.removeprefix("answers.")] = True if value == "on" else value
        elif plain not in ("csrf_token", "submission", *GUARD_FIELDS) and value:
            body[plain] = value
    body["consent"] = form.get("consent") in ("on", "true", "1", "yes")
    return body


class refusals:  # noqa: N801 - reads as a statement: with refusals(visit)
    """Turns the service's refusals into problems, in the visitor's language."""

    def __init__(self, visit: Visit) -> None:
        self._ = visit.gettext

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        _ = self._
        match error:
            case EventNotFound():
                raise Problem(404, "event-not-found", _("There is no such event.")) from None
            case s.Closed(phase="soon"):
                raise Problem(410, "registration-closed", _("Registration is not open yet.")) from None
            case s.Closed():
                raise Problem(410, "registration-closed", _("Registration is closed.")) from None
            case s.Full():
                raise Problem(410, "event-full", _("All seats are taken, and there is no waitlist.")) from None
            case s.AlreadyRegistered():
                detail = _("To change it, follow the link in the mail that you received.")
                raise Problem(409, "already-registered", _("This address is registered already."), detail) from None
            case s.KeyReused():
                title = _("This Idempotency-Key was used for another request.")
                raise Problem(422, "idempotency-key-reused", title, _("Use a new key for a new request.")) from None
            case s.BadRequest():
                raise invalid([FieldError(name, _(text)) for name, text in error.errors.items()], _) from None


def receipt_path(visit: Visit, event_id: str, receipt: Receipt) -> str:
    """The confirmation page; what it shows travels signed in its address, so nobody else's can be guessed."""
    value = f"{event_id}:{receipt.reference}:{receipt.state}"
    return f"/events/{event_id}/registered/{visit.platform.tokens.sign('receipt', value)}"


def _registered(visit: Visit, event_id: str, receipt: Receipt) -> Registered:
    links = {"event": visit.url(f"/events/{event_id}"), "receipt": visit.url(receipt_path(visit, event_id, receipt))}
    if receipt.manage_token:
        links["manage"] = visit.url(f"/r/{receipt.manage_token}")
    return Registered(reference=receipt.reference, state=receipt.state, links=links)


def _public(visit: Visit, service: Registrations, event: EventDefinition) -> dict[str, Any]:
    return PublicEvent(
        **event.model_dump(mode="json", include={"id", "title", "summary", "mode", "location", "timezone"}),
        starts_at=utc_text(event.starts_at),
        ends_at=utc_text(event.ends_at),
        registration_closes_at=utc_text(event.closes_at),
        phase=event.phase(visit.platform.clock.now()),
        categories=[category.model_dump(exclude_none=True) for category in event.categories],
        questions=[question.model_dump(exclude_none=True) for question in event.questions],
        seats_left=service.seats_left(event),
        page=visit.url(f"/events/{event.id}"),
    ).model_dump()


def _openapi(visit: Visit) -> dict[str, Any]:
    problems = {404: "no such event", 409: "this address is registered", 410: "closed or full", 422: "faulty fields"}
    return openapi.document(
        "onestop: events and registrations",
        visit.platform.settings.base_url,
        [
            openapi.Operation("get", "/api/events", "All listed events", {200: list[PublicEvent]}, wrapped_in="events"),
            openapi.Operation("get", "/api/events/{event}", "One event", {200: PublicEvent}, {404: problems[404]}),
            openapi.Operation(
                "post",
                "/api/events/{event}/registrations",
                "Register one person",
                {201: Registered},
                problems,
                body=RegistrationRequest,
                headers={"Idempotency-Key": "a retry with the same key and body gets the first answer again"},
            ),
        ],
    )

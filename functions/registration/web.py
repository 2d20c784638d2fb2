"""The JSON API, and the same address for plain HTML forms on other sites."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Response
from pydantic import BaseModel, Field
from werkzeug.exceptions import RequestEntityTooLarge

from functions.registration.models import EventDefinition, RegistrationRequest
from functions.registration.pages import Pages
from functions.registration.requests import form_body, origin, parse, receipt_path, refusals
from functions.registration.service import Receipt, Registrations
from shared.ports import utc_text
from shared.web import openapi, paging
from shared.web.abuse import PROOF_HEADER, check_program, check_rate
from shared.web.incoming import FORMS
from shared.web.site import Site, Visit

PAGE = 50  # events of one answer


class PublicEvent(BaseModel, defer_build=True):
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


class Registered(BaseModel, defer_build=True):
    """The answer to an accepted registration."""

    reference: str
    state: str = Field(description="unverified (the mail's link must be followed), confirmed or waitlisted")
    links: dict[str, str]


def register(site: Site, service: Registrations) -> None:
    """Put the API's routes on ``site``."""
    pages = Pages(service)

    @site.route("/api/events", api=True)
    def list_events(visit: Visit) -> Response:
        events = service.events.listed(paging.cursor(visit.request.args.get("after", "")), PAGE + 1)
        last = events[PAGE - 1] if len(events) > PAGE else None
        after = urlencode({"after": paging.mark((utc_text(last.starts_at), last.id))}) if last else ""
        shown = [_public(visit, service, event) for event in events[:PAGE]]
        return visit.json({"events": shown, "next": visit.url(f"/api/events?{after}") if after else None})

    @site.route("/api/events/<event_id>", api=True)
    def one_event(visit: Visit, event_id: str) -> Response:
        with refusals(visit):
            return visit.json(_public(visit, service, service.events.get(event_id)))

    @site.route("/api/events/<event_id>/registrations", "POST", api=True, comes_back=True)
    def create(visit: Visit, event_id: str) -> Response:
        is_form = visit.request.mimetype in FORMS
        if is_form and visit.wants_page:
            return pages.register_from_elsewhere(visit, event_id)
        if visit.request.too_large():
            raise RequestEntityTooLarge
        body = form_body(visit) if is_form else visit.request.json_object(visit.gettext)
        key = visit.request.headers.get("Idempotency-Key")
        check_rate(visit)
        request = parse(visit, body)
        check_program(visit)
        with refusals(visit):
            receipt = service.register(event_id, request, key and f"api:{key}", origin(visit))
        if is_form:
            return visit.redirect(receipt_path(visit, event_id, receipt))
        return visit.json(_registered(visit, event_id, receipt).model_dump(), 201)

    @site.route("/api/openapi.json", api=True)
    def describe(visit: Visit) -> Response:
        return visit.json(_openapi(visit))


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
    problems = {
        404: "no such event",
        409: "this address is registered",
        410: "closed, full, or cancelled since",
        422: "faulty fields",
    }
    problems[429] = "too many from one address, or a challenge to solve"
    return openapi.document(
        "onestop: events and registrations",
        visit.platform.settings.base_url,
        [
            openapi.Operation("get", "/api/events", "Listed events", {200: list[PublicEvent]}, wrapped_in="events"),
            openapi.Operation("get", "/api/events/{event}", "One event", {200: PublicEvent}, {404: problems[404]}),
            openapi.Operation(
                "post",
                "/api/events/{event}/registrations",
                "Register one person",
                {201: Registered},
                problems,
                body=RegistrationRequest,
                headers={
                    "Idempotency-Key": "a retry with the same key and body gets the first answer again",
                    PROOF_HEADER: "the solution of the challenge in a problem of status 429 (ALTCHA, base64)",
                },
            ),
        ],
    )

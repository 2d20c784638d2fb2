"""The JSON API, and the same address for plain HTML forms on other sites."""

from __future__ import annotations

from collections import Counter
from urllib.parse import urlencode

from flask import Response

from functions.registration.events.models import EventDefinition
from functions.registration.registrations.models import RegistrationRequest
from functions.registration.registrations.register import Receipt
from functions.registration.registrations.seats import seats_left
from functions.registration.registrations.service import Registrations
from functions.registration.web import operations
from functions.registration.web.forms import form_body, origin, receipt_path
from functions.registration.web.operations import PublicEvent, Registered
from functions.registration.web.register_pages import Pages
from shared.ports import MAX_COUNTED, utc_text
from shared.web import paging
from shared.web.guards.form_guard import check_program, check_rate
from shared.web.http.incoming import FORMS
from shared.web.returned import Returned
from shared.web.site import Site
from shared.web.visit import Visit

PAGE = 25  # events of one answer


def register(site: Site, service: Registrations) -> None:
    """Put the API's routes on ``site``."""
    pages = Pages(service)

    @site.operation(operations.LIST)
    def list_events(visit: Visit) -> Response:
        events = service.events.listed(paging.cursor(visit.query(operations.EventQuery).after), PAGE + 1)
        last = events[PAGE - 1] if len(events) > PAGE else None
        after = urlencode({"after": paging.mark((utc_text(last.starts_at), last.id))}) if last else ""
        counts = service.counts([event.id for event in events[:PAGE]])
        shown = [_public(visit, event, _left(event, counts[event.id])) for event in events[:PAGE]]
        following = visit.url(f"/api/events?{after}") if after else None
        return visit.json(operations.EventPage(events=shown, next=following).model_dump(mode="json"))

    @site.operation(operations.SHOW)
    def one_event(visit: Visit, event: str) -> Response:
        found = service.events.get(event)
        return visit.json(_public(visit, found, service.seats_left(found)).model_dump(mode="json"))

    def show_again(visit: Visit, event: str, back: Returned) -> Response:
        return pages.show_again(visit, event, back)

    @site.operation(operations.REGISTER, again=show_again)
    def create(visit: Visit, event: str) -> Response:
        if visit.sends_form:
            check_rate(visit)
            return pages.register_from_elsewhere(visit, event)
        is_form = visit.request.mimetype in FORMS
        body = form_body(visit) if is_form else visit.request.json_object(visit.gettext)
        key = visit.request.headers.get("Idempotency-Key")
        check_rate(visit)
        request = visit.validated(RegistrationRequest, body)
        check_program(visit)
        receipt = service.register(event, request, key and f"api:{key}", origin(visit))
        if is_form:
            return visit.redirect(receipt_path(visit, event, receipt, request.email))
        return visit.json(_registered(visit, event, receipt, request.email).model_dump(), 201)


def _registered(visit: Visit, event_id: str, receipt: Receipt, email: str) -> Registered:
    page = receipt_path(visit, event_id, receipt, email)
    links = {"event": visit.url(f"/events/{event_id}"), "receipt": visit.url(page)}
    return Registered(state=receipt.state, availability=receipt.availability, links=links)


def _public(visit: Visit, event: EventDefinition, seats_left: int | None) -> PublicEvent:
    return PublicEvent(
        **event.model_dump(mode="json", include={"id", "title", "summary", "mode", "location", "timezone"}),
        starts_at=utc_text(event.starts_at),
        ends_at=utc_text(event.ends_at),
        registration_closes_at=utc_text(event.closes_at),
        phase=event.phase(visit.platform.clock.now()),
        categories=event.categories,
        questions=event.questions,
        seats_left=seats_left,
        waitlist=event.waitlist,
        page=visit.url(f"/events/{event.id}"),
    )


def _left(event: EventDefinition, counts: Counter[str]) -> int | None:
    """As ``Registrations.seats_left`` says it, by the event's tally: of many events that costs less."""
    left = seats_left(event, None, counts.__getitem__)
    return None if left is None else min(left, MAX_COUNTED)

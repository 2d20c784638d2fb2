"""Staff's view of events: how full they are, who is coming, and the list for the door."""

from __future__ import annotations

from flask import Response

from functions.registration.catalogue import EventNotFound
from functions.registration.models import EventDefinition, Registration
from functions.registration.service import Registrations
from shared.web.problem import Problem
from shared.web.site import Site, Visit

STATES = ("confirmed", "waitlisted", "unverified", "cancelled", "expired")
PAGE = 50
COLUMNS = (
    "reference",
    "state",
    "category",
    "given_name",
    "family_name",
    "email",
    "country",
    "organisation",
    "language",
    "created_at",
)


def register(site: Site, service: Registrations) -> None:
    @site.route("/desk/events")
    def overview(visit: Visit) -> Response:
        rows = [
            (event, service.counts(event.id, STATES), service.seats_left(event)) for event in service.events.listed()
        ]
        return visit.page("desk_events.html", rows=rows[::-1], states=STATES, now=visit.platform.clock.now())

    @site.route("/desk/events/<event_id>")
    def one(visit: Visit, event_id: str) -> Response:
        event = _event(service, event_id)
        state = visit.request.args.get("state", "confirmed")
        if state not in STATES:
            state = "confirmed"
        after = visit.request.args.get("after", "").rpartition("~")
        page = list(service.of_event(event.id, state, (after[0], after[2]) if after[0] else None, PAGE))
        more = f"{page[-1].created_at}~{page[-1].reference}" if len(page) == PAGE else None
        counts = service.counts(event.id, STATES)
        return visit.page(
            "desk_event.html", event=event, state=state, page=page, more=more, counts=counts, states=STATES
        )


def _event(service: Registrations, id: str) -> EventDefinition:
    try:
        return service.events.get(id)
    except EventNotFound:
        raise Problem(404, "event-not-found", "There is no such event.") from None


def _row(registration: Registration) -> list[str]:
    return [str(getattr(registration, name)) for name in COLUMNS]

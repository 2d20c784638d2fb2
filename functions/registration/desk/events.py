"""Staff's view of events: how full they are, who is coming, and the list for the door."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response

from functions.registration.desk.exports import Export, states
from functions.registration.events.models import EventDefinition
from functions.registration.registrations.models import Registration
from functions.registration.registrations.seats import seats_left
from functions.registration.registrations.service import Registrations
from functions.registration.registrations.tallies import STATES
from shared.contracts.registration import State
from shared.ports import Cursor, utc_text
from shared.staff.gate import entry
from shared.staff.members import member
from shared.text import N_
from shared.web import paging, spreadsheets
from shared.web.lists import Column, Kind
from shared.web.site import Site
from shared.web.visit import Visit

PAGE = 50
EVENTS_PAGE = 20
LIST = Kind(
    path="/desk/events",
    columns=(
        Column("event", N_("Event")),
        Column("starts", N_("Starts"), ("earliest", "latest")),
        Column("phase", N_("Registration")),
        Column("confirmed", N_("Confirmed"), number=True),
        Column("waitlisted", N_("Waiting"), number=True),
        Column("unverified", N_("Unverified"), number=True),
        Column("left", N_("Seats left"), number=True),
        Column("ends", N_("Ends"), usual=False),
    ),
    orders=("latest", "earliest"),
)


def register(site: Site, service: Registrations) -> None:
    """Put ``/desk/events`` on ``site``, each event's registrations, their ``.csv`` and ``.xlsx``, and ``new-link``."""

    @site.route("/desk/events", may="events.view")
    def overview(visit: Visit) -> Response:
        listing, after = LIST.listing(visit.request.args), paging.cursor(visit.request.args.get("after", ""))
        events = service.events.of(member(visit).organisation, after, EVENTS_PAGE, listing.order == "latest")
        counts = service.counts([event.id for event in events])
        rows = [(event, counts[event.id], seats_left(event, None, counts[event.id].__getitem__)) for event in events]
        more = paging.mark((utc_text(events[-1].starts_at), events[-1].id)) if len(events) == EVENTS_PAGE else ""
        next, now = listing.address(("after", more)) if more else "", visit.platform.clock.now()
        return visit.page(
            "desk_events.html",
            listing=listing,
            heads=listing.heads(visit.gettext),
            rows=rows,
            next=next,
            first=not after,
            now=now,
        )

    @site.route("/desk/events/<event_id>", may="registrations.view")
    def one(visit: Visit, event_id: str) -> Response:
        event, state = _event(visit, service, event_id), _state(visit)
        page = service.of_event(event.id, state, paging.cursor(visit.request.args.get("after", "")), PAGE)
        more = paging.mark((page[-1].created_at, page[-1].reference)) if len(page) == PAGE else ""
        counts, names = service.counts([event.id])[event.id], states(visit.gettext)
        return visit.page("desk_event.html", event=event, state=state, page=page, more=more, counts=counts, names=names)

    @site.route("/desk/events/<event_id>/registrations.<any(csv, xlsx):kind>", may="registrations.export")
    def export(visit: Visit, event_id: str, kind: str) -> Response:
        event, state = _event(visit, service, event_id), _state(visit)
        made = Export(event, visit.gettext, visit.language)
        write = spreadsheets.csv_file if kind == "csv" else spreadsheets.xlsx_file
        return write(f"{event.id}-{state}", made.header, made.rows(_everyone(service, event, state)))

    @site.route("/desk/events/<event_id>/registrations/<reference>/new-link", "POST", may="registrations.renew_link")
    def new_link(visit: Visit, event_id: str, reference: str) -> Response:
        event = _event(visit, service, event_id)
        service.void_link(event.id, reference, entry(visit, "registrations.renew_link"))
        return visit.redirect(f"/desk/events/{event.id}?state={_state(visit)}&done=new-link")


def _event(visit: Visit, service: Registrations, id: str) -> EventDefinition:
    """For staff of other organisations than the event's it does not exist. Raises ``EventNotFound``."""
    return service.events.get_for(member(visit).organisation, id)


def _state(visit: Visit) -> State:
    asked = visit.request.args.get("state")
    return next((state for state in STATES if state == asked), "confirmed")


def _everyone(service: Registrations, event: EventDefinition, state: State) -> Iterator[Registration]:
    after: Cursor | None = None
    while page := service.of_event(event.id, state, after, 500):
        yield from page
        after = (page[-1].created_at, page[-1].reference)

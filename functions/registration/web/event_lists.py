"""The front page, and the list of events."""

from __future__ import annotations

from typing import Any

from flask import Response

from functions.registration.events.models import EventDefinition
from functions.registration.registrations.seats import seats_left
from functions.registration.registrations.service import Registrations
from shared.ports import MAX_COUNTED, utc_text
from shared.staff.directory import StaffDirectory
from shared.web import paging
from shared.web.site import Site
from shared.web.visit import Visit

FRONT_PAGE_EVENTS = 3
PAGE = 30  # events of a list


def register(site: Site, service: Registrations) -> None:
    """Put the lists on ``site``."""
    directory = StaffDirectory(site.platform.store, site.platform.clock)

    @site.route("/")
    def front(visit: Visit) -> Response:
        upcoming = _by_start(service.events.coming(visit.platform.clock.now(), None, PAGE))[:FRONT_PAGE_EVENTS]
        return visit.page("front.html", upcoming=upcoming, **cards(visit, service, directory, upcoming))

    @site.route("/events")
    def events(visit: Visit) -> Response:
        """Upcoming and past ones; with ``after`` more of the former, with ``before`` more of the latter."""
        now, asked = visit.platform.clock.now(), visit.request.args
        after, before = paging.cursor(asked.get("after", "")), paging.cursor(asked.get("before", ""))
        upcoming = [] if before else service.events.coming(now, after, PAGE + 1)
        past = [] if after else service.events.over(now, before, PAGE + 1)
        return visit.page(
            "events.html",
            upcoming=_by_start(upcoming[:PAGE]),
            past=past[:PAGE],
            later=_next_page(upcoming),
            earlier=_next_page(past),
            further=bool(after or before),
            **cards(visit, service, directory, upcoming[:PAGE]),
        )


def cards(
    visit: Visit, service: Registrations, directory: StaffDirectory, events: list[EventDefinition]
) -> dict[str, Any]:
    """What the cards of events want to know beside them (``event_parts.html``)."""
    now, counts = visit.platform.clock.now(), service.counts([event.id for event in events])
    left = {event.id: seats_left(event, None, counts[event.id].__getitem__) for event in events}
    return {
        "phases": {event.id: event.phase(now) for event in events},
        "left": {id: None if free is None else min(free, MAX_COUNTED) for id, free in left.items()},
        "short_names": directory.short_names,
    }


def _by_start(events: list[EventDefinition]) -> list[EventDefinition]:
    return sorted(events, key=lambda event: (event.starts_at, event.id))


def _next_page(events: list[EventDefinition]) -> str:
    """The mark of what comes after the first ``PAGE`` events, where there is more."""
    last = events[PAGE - 1] if len(events) > PAGE else None
    return paging.mark((utc_text(last.ends_at), last.id) if last else None)

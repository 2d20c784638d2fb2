"""The front page, and the list of events."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import Response

from functions.registration.events.models import EventDefinition
from functions.registration.registrations.seats import seats_left
from functions.registration.registrations.service import Registrations
from functions.registration.web import feeds
from functions.registration.web.event_filters import MAX_TEXT, Filters
from shared.ports import MAX_COUNTED
from shared.staff.directory import StaffDirectory
from shared.web import paging
from shared.web.site import Site
from shared.web.visit import Visit

FRONT_PAGE_EVENTS = 3
MAX_ORGANISATIONS = 12  # of the front page
PAGE = 30  # events of a list


def register(site: Site, service: Registrations) -> None:
    """Put the lists on ``site``."""
    directory = StaffDirectory(site.platform.store, site.platform.clock)

    @site.route("/")
    def front(visit: Visit) -> Response:
        """Whoever presses Enter in its search looks among the events; a change of language keeps what was typed."""
        text = visit.request.args.get("q", "").strip()[:MAX_TEXT]
        if text and "lang" not in visit.request.args:
            return visit.redirect(f"/events?{urlencode({'q': text})}")
        upcoming = _by_start(service.events.coming(visit.platform.clock.now(), None, PAGE))[:FRONT_PAGE_EVENTS]
        helping = [one for one in directory.organisations.values() if one.helps_with][:MAX_ORGANISATIONS]
        about = cards(visit, service, directory, upcoming)
        return visit.page(
            "front.html", search=text, upcoming=upcoming, organisations=helping[:MAX_ORGANISATIONS], **about
        )

    @site.route("/events")
    def events(visit: Visit) -> Response:
        """Upcoming and past ones; with ``after`` more of the former, with ``before`` more of the latter."""
        now, asked, filters = visit.platform.clock.now(), visit.request.args, Filters(visit, directory)
        after, before = paging.cursor(asked.get("after", "")), paging.cursor(asked.get("before", ""))
        search, none = partial(service.events.search, now, filters.wanted, limit=PAGE), (list[EventDefinition](), None)
        upcoming, later = none if before else search(over=False, after=after)
        past, earlier = none if after else search(over=True, after=before)
        return visit.page(
            "events.html",
            filters=filters,
            upcoming=_by_start(upcoming),
            past=past,
            later=filters.address(after=paging.mark(later)) if later else "",
            earlier=filters.address(before=paging.mark(earlier)) if earlier else "",
            further=bool(after or before),
            **cards(visit, service, directory, upcoming),
        )

    feeds.register(site, service, directory)


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

"""The addresses of events and series that search engines are told of."""

from __future__ import annotations

from functions.registration.registrations.service import Registrations
from shared.web import sitemaps
from shared.web.site import Site
from shared.web.visit import Visit

MOST = 90  # events to come, and past ones; lists and series lead to what was earlier


def register(site: Site, service: Registrations) -> None:
    """Put the map on ``site``."""

    @sitemaps.route(site, "/events/sitemap.xml")
    def mapped(visit: Visit) -> list[str]:
        now = visit.platform.clock.now()
        known = service.events.coming(now, None, MOST) + service.events.over(now, None, MOST)
        series = sorted({event.edition_of for event in known if event.edition_of})
        return ["/events", *(f"/series/{id}" for id in series), *(f"/events/{event.id}" for event in known)]

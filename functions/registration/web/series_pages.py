"""The home of a series of events: what it is for, its next edition, and what came of the past ones."""

from __future__ import annotations

from flask import Response

from functions.registration.registrations.service import Registrations
from functions.registration.web.event_lists import cards
from shared.staff.directory import StaffDirectory
from shared.web.site import Site
from shared.web.visit import Visit

MAX_EDITIONS = 50  # to come, and past ones


def register(site: Site, service: Registrations) -> None:
    """Put ``/series/<id>`` on ``site``."""
    directory = StaffDirectory(site.platform.store, site.platform.clock)

    @site.route("/series/<id>")
    def home(visit: Visit, id: str) -> Response:
        """Raises ``SeriesNotFound``."""
        series = service.events.series(id)
        coming, past = service.events.editions(id, visit.platform.clock.now(), MAX_EDITIONS)
        visit.theme = series.theme or ""
        following = coming[0] if coming else None
        visit.zone = following.timezone if following else visit.zone
        about = cards(visit, service, directory, coming)
        return visit.page("series.html", series=series, next=following, later=coming[1:], past=past, **about)

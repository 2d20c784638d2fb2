"""The desk's first page, and what its other pages share."""

from __future__ import annotations

from datetime import date
from typing import TypeVar

from flask import Response

from functions.inquiries.casework.queries import Overview
from functions.inquiries.desk import bulk, inquiry, inquiry_list, list_views, people, quarantine, routing
from functions.inquiries.means import Means
from functions.inquiries.services import Service
from shared import languages
from shared.staff import component_page, sign_in, unreachable, waiting
from shared.staff.members import member
from shared.web.site import Site
from shared.web.visit import Visit

V = TypeVar("V", int, float)
OTHERS = ("registration", "notification")  # slices that say what waits in them


def register(site: Site, service: Service, means: Means) -> None:
    """Put the desk on ``site``, with the pages of signing in."""
    sign_in.routes(site)
    component_page.register(site)
    list_views.register(site, inquiry_list.register(site, service))
    for part in (bulk, inquiry, quarantine, routing):
        part.register(site, service)
    people.register(site, service, means)

    @site.route("/desk", may="desk.view")
    def first_page(visit: Visit) -> Response:
        me, store, clock = member(visit), visit.platform.store, visit.platform.clock
        mends = me.may("staff_mail.resume")
        overview = service.reading.overview(me)
        return visit.page(
            "desk_first.html",
            overview=overview,
            said=waiting.told(store, OTHERS, me.organisation, me.may),
            labels=waiting.LABELS,
            held=len(service.reading.quarantine(me).rows) if me.may("quarantine.view") else 0,
            colleagues={one.email: one.name for one in service.content.staff(me.organisation)},
            received=_since_the_first(overview, visit.language),
            answered=_by_day(overview.hours_to_answer, visit.language),
            unreachable=unreachable.of_organisation(store, clock, me.organisation) if mends else [],
            resumed="resumed" in visit.request.args,
            **inquiry_list.names(visit, service),
        )


def _since_the_first(overview: Overview, language: str) -> list[tuple[str, int]]:
    """By the day on which the week begins; the weeks before anything came say nothing."""
    began = next((place for place, (_, count) in enumerate(overview.by_week) if count), len(overview.by_week))
    return _by_day(overview.by_week[began:], language)


def _by_day(weeks: list[tuple[str, V]], language: str) -> list[tuple[str, V]]:
    return [(languages.short_day(date.fromisoformat(monday), language), value) for monday, value in weeks]

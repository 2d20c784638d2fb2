"""The desk's first page, and what its other pages share."""

from __future__ import annotations

from flask import Response

from functions.inquiries.desk import bulk, inquiry, inquiry_list, list_views, people, quarantine, routing
from functions.inquiries.means import Means
from functions.inquiries.services import Service
from shared.staff import component_page, sign_in, unreachable
from shared.staff.members import member
from shared.web.site import Site
from shared.web.visit import Visit


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
        return visit.page(
            "desk_first.html",
            overview=service.reading.overview(me),
            unreachable=unreachable.of_organisation(store, clock, me.organisation) if mends else [],
            resumed="resumed" in visit.request.args,
            **inquiry_list.names(visit, service),
        )

"""Who of the organisation is away, and when."""

from __future__ import annotations

from datetime import date

from flask import Response

from functions.inquiries.desk.inquiry_list import names
from functions.inquiries.means import Means
from functions.inquiries.services import Service
from functions.inquiries.staffing.absences import set_absence
from shared.errors import FaultyFields
from shared.staff.gate import require
from shared.staff.members import member
from shared.web.returned import Returned
from shared.web.site import Site
from shared.web.visit import Visit


def register(site: Site, service: Service, means: Means) -> None:
    """Put ``/desk/absences`` on ``site``: who is away, and the form that says so (GET, POST)."""

    def page(visit: Visit, errors: dict[str, str], status: int = 0) -> Response:
        """With a form for one person. ``status``: without one, 200, or 422 with errors."""
        me, form = member(visit), visit.request.form
        people = {one.email: one for one in service.content.staff(me.organisation)}
        asked = form.get("email") or visit.request.args.get("of", "")
        chosen = people.get(asked if me.may("absences.others") else me.email) or people.get(me.email)
        return visit.page(
            "desk_absences.html",
            status or (422 if errors else 200),
            people=people.values(),
            chosen=chosen,
            first=form.get("first", chosen and chosen.absent_from),
            last=form.get("last", chosen and chosen.absent_until),
            errors=errors,
            done="done" in visit.request.args,
            **names(visit, service),
        )

    @site.route("/desk/absences", may="absences.view")
    def show(visit: Visit) -> Response:
        return page(visit, {})

    def show_again(visit: Visit, back: Returned) -> Response:
        return page(visit, back.errors, back.status)

    @site.route("/desk/absences", "POST", may="absences.own", again=show_again)
    def change(visit: Visit) -> Response:
        me, form = member(visit), visit.request.form
        email = form.get("email", "")
        if email != me.email:
            require(visit, "absences.others")
        _ = visit.gettext
        days: dict[str, date | None] = {}
        for name in ("first", "last"):
            try:
                days[name] = date.fromisoformat(form[name]) if form.get(name) else None
            except ValueError:
                return page(visit, {name: _("Write the day as year-month-day, for example 2027-03-01.")})
        try:
            set_absence(means, me, email, days["first"], days["last"])
        except FaultyFields as error:
            return page(visit, error.told(visit.gettext))
        return visit.redirect("/desk/absences?done")

"""The organisation's staff with their days away, and everybody's own settings."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response

from functions.inquiries.desk.inquiry_list import names
from functions.inquiries.means import Means
from functions.inquiries.services import Service
from functions.inquiries.staffing.absences import set_absence
from shared.errors import FaultyFields
from shared.staff.members import member
from shared.staff.models import Staff
from shared.staff.permissions import ROLE_NAMES
from shared.text import N_
from shared.web.returned import Returned
from shared.web.site import Site
from shared.web.visit import Visit

NO_DAY = N_("Write the day as year-month-day, for example 2027-03-01.")


def register(site: Site, service: Service, means: Means) -> None:
    """Put ``/desk/people`` and ``/desk/settings`` on ``site``, each with the form for days away (GET, POST)."""
    pages = PeoplePages(service, means)
    site.route("/desk/people", may="people.view")(pages.people)
    site.route("/desk/people", "POST", may="absences.others", again=pages.people)(pages.change_another)
    site.route("/desk/settings", may="settings.view")(pages.settings)
    site.route("/desk/settings", "POST", may="absences.own", again=pages.settings)(pages.change_own)


class PeoplePages:
    """Handlers; ``back`` is a form that was not taken, to be shown again with what was typed."""

    def __init__(self, service: Service, means: Means) -> None:
        self._service = service
        self._means = means

    def people(self, visit: Visit, back: Returned | None = None) -> Response:
        """All colleagues, and a form for the days away of the one that is asked for."""
        colleagues = self._service.content.staff(member(visit).organisation)
        asked = visit.request.form.get("email") or visit.request.args.get("of", "")
        chosen = next((one for one in colleagues if one.email == asked), None)
        return self._page(visit, "desk_people.html", chosen, back, people=colleagues)

    def settings(self, visit: Visit, back: Returned | None = None) -> Response:
        """Who I am here, in which languages, and when I am away."""
        return self._page(visit, "desk_settings.html", self._service.content.person(member(visit).email), back)

    def change_another(self, visit: Visit) -> Response:
        """Of a colleague. Raises ``PersonNotFound`` for one of another organisation."""
        return self._change(visit, visit.request.form.get("email", ""), "/desk/people")

    def change_own(self, visit: Visit) -> Response:
        """Mine, whatever else the form says."""
        return self._change(visit, member(visit).email, "/desk/settings")

    def _change(self, visit: Visit, email: str, page: str) -> Response:
        show_again = self.settings if page == "/desk/settings" else self.people
        days: dict[str, date | None] = {}
        for name in ("first", "last"):
            text = visit.request.form.get(name)
            try:
                days[name] = date.fromisoformat(text) if text else None
            except ValueError:
                return show_again(visit, Returned(422, {name: visit.gettext(NO_DAY)}))
        try:
            set_absence(self._means, member(visit), email, days["first"], days["last"])
        except FaultyFields as error:
            return show_again(visit, Returned(422, error.told(visit.gettext)))
        return visit.redirect(f"{page}?done")

    def _page(
        self, visit: Visit, template: str, chosen: Staff | None, back: Returned | None, **values: Any
    ) -> Response:
        """``chosen``: whose days away the form changes."""
        form, organisation = visit.request.form, self._service.content.organisations.get(member(visit).organisation)
        return visit.page(
            template,
            back.status if back else 200,
            chosen=chosen,
            first=form.get("first", chosen and chosen.absent_from),
            last=form.get("last", chosen and chosen.absent_until),
            errors=back.errors if back else {},
            done="done" in visit.request.args,
            today=visit.platform.clock.now().astimezone(ZoneInfo(visit.zone)).date(),
            roles={role: visit.gettext(name) for role, name in ROLE_NAMES.items()},
            organisation=organisation,
            **values,
            **names(visit, self._service),
        )

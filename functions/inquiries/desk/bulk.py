"""Acting on several inquiries at once. Each goes its own way: what has changed since it was shown is left, and named.

Closing asks first, on a page that says what will happen. What it holds are the inquiries as the list showed them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlencode

from flask import Response

from functions.inquiries import labels
from functions.inquiries.casework.case import Case
from functions.inquiries.casework.endings import refuse_closing
from functions.inquiries.casework.staff_actions import refuse_ended
from functions.inquiries.desk.inquiry_list import PAGE, names
from functions.inquiries.desk.listings import INQUIRIES
from functions.inquiries.errors import NotAllowed, NotFound, Stale
from functions.inquiries.means import Member
from functions.inquiries.services import Service
from shared.errors import DomainError
from shared.ports import utc_text
from shared.staff.members import member
from shared.web.site import Site
from shared.web.visit import Visit


@dataclass(frozen=True)
class Ticked:
    """A row of the list: its inquiry, and when that had last changed as the row was shown."""

    reference: str
    seen: str

    @property
    def value(self) -> str:
        """As the list's box sends it: ``reference~seen``."""
        return f"{self.reference}~{self.seen}"


def ticked(values: Iterable[str]) -> list[Ticked]:
    """Each inquiry once, of one page of the list at most."""
    found = (Ticked(*value.partition("~")[::2]) for value in values)
    return list({one.reference: one for one in found}.values())[:PAGE]


def register(site: Site, service: Service) -> None:
    """Put what is done to many at once below ``/desk/inquiries`` on ``site``: ``assign``, ``closing``, ``close``."""
    bulk = Bulk(service)
    site.route("/desk/inquiries/assign", "POST", may="inquiries.assign")(bulk.assign)
    site.route("/desk/inquiries/closing", "POST", may="inquiries.close")(bulk.ask)
    site.route("/desk/inquiries/closing", may="inquiries.close")(bulk.closing)
    site.route("/desk/inquiries/close", "POST", may="inquiries.close")(bulk.close)


class Bulk:
    """Handlers of what the list's boxes tick; each inquiry is done, or left and named, by itself."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def assign(self, visit: Visit) -> Response:
        """To the colleague ``to``; back to the list, which says what was left and why."""
        me, to = member(visit), visit.request.form.get("to", "")

        colleague = cache(lambda: self._service.casework.colleague(me, to))

        def assign(one: Ticked) -> None:
            case = self._as_shown(me, one, refuse_ended)
            self._service.casework.assign_read(me, case, colleague())

        return self._each(visit, "assigned", assign)

    def ask(self, visit: Visit) -> Response:
        """To the page that asks: at an address of its own it can be shown again, in another language too."""
        chosen = [("selected", one.value) for one in ticked(visit.request.form.getlist("selected"))]
        return visit.redirect(f"/desk/inquiries/closing?{urlencode([*_of_list(visit), *chosen])}")

    def closing(self, visit: Visit) -> Response:
        """Which would be closed, and which not and why. Changes nothing."""
        closing: list[tuple[Ticked, Case]] = []
        staying: list[tuple[str, str]] = []
        for one in ticked(visit.request.args.getlist("selected")):
            try:
                closing.append((one, self._as_shown(member(visit), one, refuse_closing)))
            except DomainError as error:
                staying.append((one.reference, _reason(error)))
        return visit.page(
            "desk_closing.html",
            closing=closing,
            staying=staying,
            why=labels.why_left(visit.gettext),
            encoded=urlencode(_of_list(visit)),
            **names(visit, self._service),
        )

    def close(self, visit: Visit) -> Response:
        """After the page that asks; back to the list, which says what was left and why."""
        me = member(visit)

        def close(one: Ticked) -> None:
            case = self._as_shown(me, one, refuse_closing)
            self._service.endings.close(me, case.reference, case.version)

        return self._each(visit, "closed", close)

    def _each(self, visit: Visit, did: str, action: Callable[[Ticked], None]) -> Response:
        """Back to the list, which says how many were done, and which were left and why."""
        done, left = 0, []
        for one in ticked(visit.request.form.getlist("selected")):
            try:
                action(one)
                done += 1
            except DomainError as error:
                left.append(("left", f"{one.reference}:{_reason(error)}"))
        told = [*_of_list(visit), (did, str(done)), *left]
        return visit.redirect(f"/desk/inquiries?{urlencode(told)}")

    def _as_shown(self, me: Member, one: Ticked, refuse: Callable[[Case, Member], None]) -> Case:
        """To act on. Raises ``NotFound``, what ``refuse`` does, and ``Stale`` where it has changed since."""
        case = self._service.reading.case(me, one.reference)
        refuse(case, me)
        if utc_text(case.inquiry.updated_at) != one.seen:
            raise Stale(one.reference)
        return case


def _reason(error: DomainError) -> str:
    """A key of ``labels.WHY_LEFT``: texts do not travel in an address."""
    if isinstance(error, NotAllowed):
        return next((reason for reason, text in labels.WHY_LEFT.items() if text == error.title), "not_allowed")
    return {Stale: "changed", NotFound: "gone"}.get(type(error), "not_allowed")


def _of_list(visit: Visit) -> list[tuple[str, str]]:
    """What the list is filtered by, to come back to it."""
    asked = visit.request.args
    begun = [("from", asked["from"])] if asked.get("from") else []
    return [*INQUIRIES.listing(asked).pairs, *begun]

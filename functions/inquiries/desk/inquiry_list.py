"""Lists of inquiries: filter, search, sort, page, export."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Literal, get_args
from urllib.parse import urlencode

from flask import Response

from functions.inquiries import labels
from functions.inquiries.casework.models import State
from functions.inquiries.casework.queries import NOBODY, Filter
from functions.inquiries.casework.search_terms import search_terms
from functions.inquiries.desk.exports import Export
from functions.inquiries.means import Member
from functions.inquiries.services import Service
from shared import languages
from shared.staff.members import member
from shared.web import paging
from shared.web.problems import Problem
from shared.web.site import Site
from shared.web.spreadsheets import csv_file, xlsx_file
from shared.web.visit import Visit

PAGE = 50
UNFILTERED = ("after", "lang", "selected", "to", "assigned", "closed", "left")  # of its address, what filters nothing
NEWEST, OLDEST, NEAREST, CHANGED = "newest", "oldest", "target", "changed"
Order = Literal["received_at", "due_at", "updated_at"]
ORDERS: dict[str, tuple[Order, bool]] = {  # field, descending
    NEWEST: ("received_at", True),
    OLDEST: ("received_at", False),
    NEAREST: ("due_at", False),
    CHANGED: ("updated_at", True),
}


def register(site: Site, service: Service) -> None:
    """Put ``/desk/inquiries`` on ``site``, and the same list as ``.csv`` and ``.xlsx``."""
    lists = Lists(service)
    site.route("/desk/inquiries", may="desk.view")(lists.show)
    site.route("/desk/inquiries.<any(csv, xlsx):format>", may="inquiries.export")(lists.export)


class Lists:
    """Handlers of the organisation's list, filtered by what follows the ``?``."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def show(self, visit: Visit) -> Response:
        """A page of it, and what became of those that were ticked."""
        me, asked = member(visit), visit.request.args
        filter = _filter(visit, me)
        after = paging.cursor(asked.get("after", ""))
        page = self._service.reading.page(me, filter, after, PAGE)
        query = {name: value for name, value in asked.items() if name not in UNFILTERED and value}
        return visit.page(
            "desk_list.html",
            page=page,
            searchable=not filter.search or bool(search_terms(filter.search)),
            query=defaultdict(str, query),
            encoded=urlencode(query),
            next=urlencode({**query, "after": paging.mark(page.next)}) if page.next else "",
            first=after is None,
            colleagues=self._service.content.staff(me.organisation),
            ticked=[value.partition("~")[0] for value in asked.getlist("selected")],
            to=asked.get("to", ""),
            assigned=_count(asked.get("assigned", "")),
            closed=_count(asked.get("closed", "")),
            left=[entry.partition(":")[::2] for entry in asked.getlist("left")],
            why=labels.why_left(visit.gettext),
            **names(visit, self._service),
        )

    def export(self, visit: Visit, format: str) -> Response:
        """The whole list as it is filtered, which is no more than its pages show."""
        rows = self._service.reading.export(member(visit), _filter(visit, member(visit)))
        made = Export(visit.gettext, visit.language, names(visit, self._service))
        write = csv_file if format == "csv" else xlsx_file
        return write("inquiries", made.header, made.rows(rows))


def names(visit: Visit, service: Service) -> dict[str, Any]:
    """What ids are called in the reader's language, for all desk pages of the slice."""
    _, content = visit.gettext, service.content
    return {
        "organisations": content.short_names,
        "topics": {id: languages.text(t.name, visit.language) for id, t in content.topics.items()},
        "queues": {
            f"{o.id}/{queue.id}": languages.text(queue.name, visit.language)
            for o in content.organisations.values()
            for queue in o.queues
        },
        "states": labels.states(_),
        "parts_names": labels.parts(_),
        "types": labels.requester_types(_),
        "may": member(visit).may,
        "me": member(visit),
    }


def _filter(visit: Visit, me: Member) -> Filter:
    asked = visit.request.args
    state, who = asked.get("state", ""), asked.get("assignee", "")
    order, descending = ORDERS.get(asked.get("order", ""), ORDERS[NEWEST])
    if state and state not in get_args(State):
        raise Problem(422, "unknown-state", visit.gettext("This list does not exist."))
    return Filter(
        state=state or None,
        assignee={"": None, "me": me.email, "nobody": NOBODY}.get(who, who),
        queue=asked.get("queue") or None,
        topic=asked.get("topic") or None,
        country=asked.get("country") or None,
        part=asked.get("part") or None,
        late=True if asked.get("late") else None,
        search=asked.get("q", "").strip()[:200],
        order=order,
        descending=descending,
    )


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else None

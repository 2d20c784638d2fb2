"""The list of inquiries: filtered, searched, ordered, in pages, in saved views; its export, and what is new in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import Response
from werkzeug.datastructures import MultiDict

from functions.inquiries import labels
from functions.inquiries.casework.search_terms import search_terms
from functions.inquiries.desk.exports import Export
from functions.inquiries.desk.listings import INQUIRIES, filter_of, listing_of, own_queues, told
from functions.inquiries.services import Service
from shared import languages
from shared.ports import from_utc_text, utc_text
from shared.staff.members import member
from shared.staff.saved_views import Owned, SavedViews, Shelves
from shared.web import paging
from shared.web.lists import Listing
from shared.web.site import Site
from shared.web.spreadsheets import csv_file, xlsx_file
from shared.web.visit import Visit

PAGE = 50
VIEWS = "inquiry_views"
ALL = "all"  # instead of a view: the list as it is
NEW_FOR = timedelta(days=1)  # how long after a page was opened what is new is counted


class Seen(NamedTuple):
    """How the list is looked at, and the saved view that this began with; ``gone``: the one asked for is not there."""

    listing: Listing
    view: Owned | None
    shelves: Shelves
    gone: bool = False

    @property
    def more(self) -> list[tuple[str, str]]:
        """What else addresses of the list say."""
        return [("from", self.view.view.id)] if self.view else []

    @property
    def changed(self) -> bool:
        """Whether it is not looked at as the view has it, search words aside."""
        return self.view is not None and self.listing.without("q").query != self.view.view.query


def register(site: Site, service: Service) -> Lists:
    """Put ``/desk/inquiries`` on ``site``, the same list as ``.csv`` and ``.xlsx``, and ``new``."""
    found = Lists(service)
    site.route("/desk/inquiries", may="desk.view")(found.show)
    site.route("/desk/inquiries/new", may="lists.watch")(found.new)
    site.route("/desk/inquiries.<any(csv, xlsx):format>", may="inquiries.export")(found.export)
    return found


class Lists:
    """Handlers of the organisation's list, looked at as what follows the ``?`` says."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def show(self, visit: Visit, errors: Mapping[str, str] | None = None, status: int = 200) -> Response:
        """A page of it, and what became of those that were ticked. ``errors``: of the form that keeps a view."""
        asked = visit.request.form if visit.request.method == "POST" else visit.request.args
        me, seen, opened_at = member(visit), self.seen(visit, asked), utc_text(visit.platform.clock.now())
        listing, filter, visit.path = seen.listing, filter_of(seen.listing, member(visit)), INQUIRIES.path
        after = paging.cursor(asked.get("after", ""))
        page = self._service.reading.page(me, filter, after, PAGE)
        called = names(visit, self._service)
        people = {person.email: person.name for person in self._service.content.staff(me.organisation)}
        return visit.page(
            "desk_list.html",
            status,
            page=page,
            seen=seen,
            listing=listing,
            asked=defaultdict(str, listing.filters),
            tags=listing.tags(told(listing, visit.gettext, visit.language, called, people), *seen.more),
            heads=listing.heads(visit.gettext, *seen.more, ordered="q" not in listing.filters),
            searchable=not filter.search or bool(search_terms(filter.search)),
            encoded=urlencode([*listing.pairs, *seen.more]),
            next=listing.address(*seen.more, ("after", paging.mark(page.next))) if page.next else "",
            first=after is None,
            watched=_watched(listing, opened_at),
            people=people,
            own_queues=own_queues(called),
            typed=asked,
            errors=errors or {},
            done=asked.get("done", ""),
            **_became(visit, asked),
            **called,
        )

    def seen(self, visit: Visit, asked: MultiDict[str, str]) -> Seen:
        """As the view ``view`` has it, or as the rest says; asked for nothing, as the person has it open."""
        shelves = SavedViews(visit.platform.store, VIEWS).of(member(visit))
        wanted = asked.get("view", "")
        view = shelves.find(wanted) if asked.keys() - {"lang"} else shelves.first
        if view:
            return Seen(INQUIRIES.kept(view.view.query), view, shelves)
        return Seen(listing_of(asked), shelves.find(asked.get("from", "")), shelves, gone=wanted not in ("", ALL))

    def new(self, visit: Visit) -> Response:
        """How many of the list have come or changed since ``since``, as a piece of a page."""
        asked, now = visit.request.args, visit.platform.clock.now()
        since = max(_instant(asked.get("since", "")) or now, now - NEW_FOR)
        listing = listing_of(asked)
        count = self._service.reading.new(member(visit), filter_of(listing, member(visit)), since)
        piece = visit.page("desk_list_new.html", count=count, address=listing.address())
        piece.add_etag(weak=True)
        piece.make_conditional(visit.request)
        return piece

    def export(self, visit: Visit, format: str) -> Response:
        """The whole list as it is filtered, which is no more than its pages show."""
        filter = filter_of(listing_of(visit.request.args), member(visit))
        made = Export(visit.gettext, visit.language, names(visit, self._service))
        write = csv_file if format == "csv" else xlsx_file
        return write("inquiries", made.header, made.rows(self._service.reading.export(member(visit), filter)))


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


def _became(visit: Visit, asked: MultiDict[str, str]) -> dict[str, Any]:
    """Of those that were ticked: what was done, and which were left and why."""
    return {
        "ticked": [value.partition("~")[0] for value in asked.getlist("selected")],
        "to": asked.get("to", ""),
        "assigned": _count(asked.get("assigned", "")),
        "closed": _count(asked.get("closed", "")),
        "left": [entry.partition(":")[::2] for entry in asked.getlist("left")],
        "why": labels.why_left(visit.gettext),
    }


def _watched(listing: Listing, opened_at: str) -> str:
    """Where it says what is new since then; a search is not watched, it ends where it has found enough."""
    return "" if "q" in listing.filters else f"{INQUIRIES.path}/new?{urlencode([*listing.pairs, ('since', opened_at)])}"


def _instant(text: str) -> datetime | None:
    with suppress(ValueError):
        found = from_utc_text(text)
        return found if found.tzinfo else None
    return None


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else None

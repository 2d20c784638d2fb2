"""Saved views of the list of inquiries: keep one, change it, remove it, open the list with it."""

from __future__ import annotations

from functools import partial

from flask import Response

from functions.inquiries.desk.inquiry_list import ALL, VIEWS, Lists
from functions.inquiries.desk.listings import INQUIRIES, UNKEPT, listing_of
from shared.errors import FaultyFields
from shared.staff.gate import require
from shared.staff.members import member
from shared.staff.saved_views import Owned, SavedViews
from shared.web.returned import WHOLE, Returned
from shared.web.site import Site
from shared.web.visit import Visit

SHARED = "organisation"  # what the field ``share`` says of a view for all of the organisation


def register(site: Site, lists: Lists) -> None:
    """Put ``/desk/inquiries/views`` on ``site`` (POST), and below it ``change``, ``remove`` and ``open-with``."""
    pages, path = ViewPages(lists), f"{INQUIRIES.path}/views"
    post = partial(site.route, may="views.save", again=pages.again)
    post(path, "POST")(pages.save)
    post(f"{path}/change", "POST")(pages.change)
    post(f"{path}/remove", "POST")(pages.remove)
    post(f"{path}/open-with", "POST")(pages.open_with)


class ViewPages:
    """Handlers. They act on the view ``from`` that the list was looked at with; where a colleague has removed it
    meanwhile, the list says so."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists

    def save(self, visit: Visit) -> Response:
        """The list as the form has it, under a new name, mine or my organisation's."""
        form = visit.request.form
        shared = form.get("share") == SHARED
        if shared:
            require(visit, "views.share")
        query = listing_of(form).without(UNKEPT).query
        try:
            view = _views(visit).save(member(visit), shared, form.get("name", ""), query)
        except FaultyFields as error:
            return self._lists.show(visit, error.told(visit.gettext), error.status)
        return _shown(visit, view.id, "saved")

    def change(self, visit: Visit) -> Response:
        """The view shows from now on what the form has."""
        if one := self._acted_on(visit):
            _views(visit).change(member(visit), one.view.id, listing_of(visit.request.form).without(UNKEPT).query)
            return _shown(visit, one.view.id, "changed")
        return _shown(visit, ALL, "gone")

    def remove(self, visit: Visit) -> Response:
        """The list is still looked at as it was, and the name stands where it is kept again."""
        if one := self._acted_on(visit):
            _views(visit).remove(member(visit), one.view.id)
            listing = INQUIRIES.kept(one.view.query)
            again = ("share", SHARED if one.shared else "me"), ("name", one.view.name), ("done", "removed")
            return visit.redirect(listing.address(*again))
        return _shown(visit, ALL, "gone")

    def open_with(self, visit: Visit) -> Response:
        """The list opens with this view for whoever asks, or, where it does so already, with all there is."""
        shelves = _views(visit).of(member(visit))
        one = shelves.find(visit.request.form.get("from", ""))
        if one is None:
            return _shown(visit, ALL, "gone")
        _views(visit).open_with(member(visit), "" if one == shelves.first else one.view.id)
        return _shown(visit, one.view.id, "opens" if one != shelves.first else "opens-with-all")

    def again(self, visit: Visit, back: Returned) -> Response:
        """The list as the form has it, where that was not taken as a whole."""
        errors = {name if name == WHOLE else "name": message for name, message in back.errors.items()}
        return self._lists.show(visit, errors, back.status)

    def _acted_on(self, visit: Visit) -> Owned | None:
        """None where it is not there any more. Raises ``Problem`` (403) for the organisation's where the role may not
        share."""
        one = _views(visit).of(member(visit)).find(visit.request.form.get("from", ""))
        if one and one.shared:
            require(visit, "views.share")
        return one


def _views(visit: Visit) -> SavedViews:
    return SavedViews(visit.platform.store, VIEWS)


def _shown(visit: Visit, view: str, done: str) -> Response:
    return visit.redirect(f"{INQUIRIES.path}?view={view}&done={done}")

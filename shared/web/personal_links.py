"""What every page behind a personal link says of links: one that does not work, and a new one by mail."""

from __future__ import annotations

from flask import Response

from shared.web.problems import Offer, Problem
from shared.web.visit import Visit


def bad_link(visit: Visit, again: str) -> Problem:
    """404, the same for a link that never was ours and one that is over. ``again``: the path that mails a new one."""
    _ = visit.gettext
    detail = _(
        "It is not complete, or too old, or was replaced by a newer one. Use the whole link from our latest mail, or"
        " have it mailed to the address that we have on record."
    )
    return Problem(404, "bad-link", _("This link does not work."), detail, offer=Offer(again, _("Mail me the link")))


def link_mailed(visit: Visit, page: str) -> Response:
    """The answer to whoever asked for a new link, whether or not theirs was one of ours. ``page``: where it led to."""
    visit.path = page
    return visit.page("link_mailed.html")

"""The operator's view: what was sent, what failed and why, what waits, and messages that no function could handle.

For administrators alone, and addresses are masked: who wrote to one organisation in confidence is not told to another.
"""

from __future__ import annotations

from functools import partial

from flask import Response

from functions.notification import labels
from functions.notification.deliveries.service import PAGE, STATES, Deliveries
from shared import topology
from shared.contracts.bus_events import OUTBOX
from shared.intake import DEAD_LETTERS, replay
from shared.observability.masks import masked
from shared.ports import MAX_COUNTED, Store, having
from shared.staff.gate import entry
from shared.staff.members import member
from shared.text import N_
from shared.web import paging
from shared.web.lists import Column, Kind
from shared.web.problems import Problem
from shared.web.site import Site
from shared.web.visit import Visit

TIME = Column("time", N_("Time"), ("oldest", "newest"))
WHAT, TO = Column("what", N_("What")), Column("to", N_("To"))
ATTEMPTS, REASON = Column("attempts", N_("Attempts"), number=True), Column("reason", N_("Reason"))
COLUMNS = {
    "failed": (TIME, WHAT, TO, ATTEMPTS, REASON),
    "suppressed": (TIME, WHAT, TO, ATTEMPTS, REASON),
    "queued": (TIME, WHAT, TO, ATTEMPTS, REASON, Column("due", N_("Next attempt"))),
    "sent": (TIME, WHAT, TO, ATTEMPTS, Column("relay", N_("Relay"))),
    "merged": (TIME, WHAT, TO),
    "dead": (TIME, WHAT, Column("subscription", N_("Subscription")), REASON),
}
VIEWS = tuple(COLUMNS)
LISTS = {view: Kind("/desk/mail", columns, ("state",), ("newest", "oldest")) for view, columns in COLUMNS.items()}


def register(site: Site, deliveries: Deliveries) -> None:
    """Put ``/desk/mail`` on ``site``, and below it ``retry``, ``resume`` and ``replay`` (POST)."""

    @site.route("/desk/mail", may="deliveries.view")
    def overview(visit: Visit) -> Response:
        store = visit.platform.store
        asked = visit.request.args.get("state", "")
        view = asked if asked in VIEWS else VIEWS[0]
        listing, after = LISTS[view].listing(visit.request.args), paging.cursor(visit.request.args.get("after", ""))
        latest = listing.order == "newest"
        if view == "dead":
            page = store.query(
                DEAD_LETTERS, ("state", "==", "open"), order="time", descending=latest, after=after, limit=PAGE
            )
        else:
            page = deliveries.listed(view, after, latest=latest)
        counts = {state: deliveries.count(state) for state in STATES}
        counts["dead"] = store.count(DEAD_LETTERS, ("state", "==", "open"), having("time"), at_most=MAX_COUNTED)
        more = paging.mark(page[-1].cursor("time")) if len(page) == PAGE else ""
        return visit.page(
            "desk_mail.html",
            view=view,
            views=VIEWS,
            listing=listing,
            heads=listing.heads(visit.gettext),
            page=page,
            counts=counts,
            first=after is None,
            next=listing.address(("after", more)) if more else "",
            waiting_since=_waiting_since(store),
            kinds=labels.kinds(visit.gettext),
            told=partial(_told, visit),
            masked=masked,
        )

    @site.route("/desk/mail/retry", "POST", may="deliveries.retry")
    def retry(visit: Visit) -> Response:
        """Queue a delivery again; it leaves with the next tick of the clock."""
        if not deliveries.retry(visit.request.form.get("id", "")):
            raise Problem(409, "not-failed", visit.gettext("This mail is on its way already."))
        return visit.redirect("/desk/mail?state=queued")

    @site.route("/desk/mail/resume", "POST", may="staff_mail.resume")
    def resume(visit: Visit) -> Response:
        """Write to a colleague again; what did not go out meanwhile stays at the desk."""
        deliveries.resume(
            member(visit).organisation, visit.request.args.get("line", ""), entry(visit, "staff_mail.resume")
        )
        return visit.redirect("/desk?resumed")

    @site.route("/desk/mail/replay", "POST", may="dead_letters.replay")
    def replay_letter(visit: Visit) -> Response:
        topics = {s.name: s.topic for s in topology.load().subscriptions}
        replay(visit.platform, visit.request.form.get("id", ""), topics.__getitem__)
        return visit.redirect("/desk/mail?state=dead")


def _waiting_since(store: Store) -> str:
    """When the oldest event of any slice was left in the outbox; "" where none is."""
    slices = {target.function for target in topology.load().targets}
    oldest = [store.query(OUTBOX, ("source", "==", source), order="time", limit=1) for source in sorted(slices)]
    return min((found[0].data["time"] for found in oldest if found), default="")


def _told(visit: Visit, reason: str) -> str:
    """Why a mail did not go out: our own words in the reader's language, a relay's as they came."""
    return masked(visit.gettext(reason)) if reason else ""

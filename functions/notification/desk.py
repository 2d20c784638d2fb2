"""Staff's view of the mail: what was sent, what failed and why, and messages that no function could handle."""

from __future__ import annotations

from flask import Response

from functions.notification.service import PAGE, STATES, Deliveries
from shared import topology
from shared.intake import DEAD_LETTERS, replay
from shared.ports import Cursor
from shared.web import staff
from shared.web.problem import Problem
from shared.web.site import Site, Visit

VIEWS = ("failed", "suppressed", "queued", "sent", "dead")


def register(site: Site, deliveries: Deliveries) -> None:
    staff.protect(site, "/mailbox")

    @site.route("/desk/mail")
    def overview(visit: Visit) -> Response:
        store = visit.platform.store
        asked = visit.request.args.get("state", "")
        view = asked if asked in VIEWS else VIEWS[0]
        after = _cursor(visit.request.args.get("after", ""))
        if view == "dead":
            page = store.query(
                DEAD_LETTERS, ("state", "==", "open"), order="time", descending=True, after=after, limit=PAGE
            )
        else:
            page = deliveries.listed(view, after)
        counts = {state: deliveries.count(state) for state in STATES}
        counts["dead"] = store.count(DEAD_LETTERS, ("state", "==", "open"))
        more = "~".join(page[-1].cursor("time")) if len(page) == PAGE else ""
        return visit.page("desk_mail.html", view=view, views=VIEWS, page=page, counts=counts, more=more)

    @site.route("/desk/mail/retry", "POST")
    def retry(visit: Visit) -> Response:
        """Queue a delivery again; it leaves with the next tick of the clock."""
        if not deliveries.retry(visit.request.form.get("id", "")):
            raise Problem(409, "not-failed", visit.gettext("This mail is on its way already."))
        return visit.redirect("/desk/mail?state=queued")

    @site.route("/desk/mail/replay", "POST")
    def replay_letter(visit: Visit) -> Response:
        topics = {s.name: s.topic for s in topology.load().subscriptions}
        replay(visit.platform, visit.request.form.get("id", ""), topics.__getitem__)
        return visit.redirect("/desk/mail?state=dead")


def _cursor(text: str) -> Cursor | None:
    time, _, id = text.partition("~")
    return (time, id) if id else None

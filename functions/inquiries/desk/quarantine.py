"""Mail that was kept aside: read it, put it into its inquiry, or dismiss it."""

from __future__ import annotations

from flask import Response

from functions.inquiries import labels
from functions.inquiries.desk.inquiry_list import names
from functions.inquiries.errors import NotAllowed, NotFound, Stale
from functions.inquiries.inbound_mail import charsets, parse
from functions.inquiries.inbound_mail.headers import Malformed
from functions.inquiries.services import Service
from shared.errors import FaultyFields
from shared.keys.ids import normal_reference
from shared.staff.gate import require
from shared.staff.members import member
from shared.text import N_
from shared.web import paging
from shared.web.downloads import download
from shared.web.lists import Column, Kind
from shared.web.returned import Returned
from shared.web.site import Site
from shared.web.visit import Visit

HELD = Kind(
    path="/desk/quarantine",
    columns=(
        Column("subject", N_("Subject")),
        Column("sender", N_("From")),
        Column("reason", N_("Why")),
        Column("received", N_("Received"), ("oldest", "newest")),
        Column("inquiry", N_("Inquiry"), usual=False),
    ),
    orders=("newest", "oldest"),
)
SHOWN = 20_000  # characters of a mail's text; the whole mail can be saved


def register(site: Site, service: Service) -> None:
    """Put ``/desk/quarantine`` on ``site``, and below it each mail, its raw form, and both ways to settle it."""
    pages = QuarantinePages(service)
    site.route("/desk/quarantine", may="quarantine.view")(pages.list)
    site.route("/desk/quarantine/<id>", may="quarantine.view")(pages.show)
    site.route("/desk/quarantine/<id>/mail", may="quarantine.view")(pages.save)
    site.route("/desk/quarantine/<id>/thread", "POST", may="quarantine.settle", again=pages.show_again)(pages.thread)
    site.route("/desk/quarantine/<id>/dismiss", "POST", may="quarantine.settle")(pages.dismiss)


class QuarantinePages:
    """Handlers for mails kept aside; raise ``NotFound`` for one that this organisation may not see."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def list(self, visit: Visit) -> Response:
        """Those still open, the newest first."""
        asked = visit.request.args
        listing, after = HELD.listing(asked), paging.cursor(asked.get("after", ""))
        page = self._service.reading.quarantine(member(visit), after, listing.order == "newest")
        return visit.page(
            "desk_quarantine.html",
            listing=listing,
            heads=listing.heads(visit.gettext),
            rows=page.rows,
            next=listing.address(("after", paging.mark(page.next))) if page.next else "",
            first=not after,
            reasons=labels.reasons(visit.gettext),
            done=asked.get("done", ""),
            **names(visit, self._service),
        )

    def show(self, visit: Visit, id: str, typed: str = "", error: str = "", status: int = 0) -> Response:
        """``status``: without one, 200, or 422 with an error."""
        kept, raw = self._service.reading.quarantined_mail(member(visit), id)
        return visit.page(
            "desk_mail_aside.html",
            status or (422 if error else 200),
            id=id,
            kept=kept,
            detail=visit.gettext(kept.detail) if kept.detail else "",
            body=_text_of(raw),
            reasons=labels.reasons(visit.gettext),
            typed=typed or kept.inquiry or "",
            chosen=visit.request.form.get("as") or ("answer" if kept.sender == member(visit).email else "message"),
            errors={"reference": error} if error else {},
            **names(visit, self._service),
        )

    def show_again(self, visit: Visit, id: str, back: Returned) -> Response:
        """The mail with the reference that was typed, where the form was not taken as a whole."""
        typed, error = visit.request.form.get("reference", ""), next(iter(back.errors.values()), "")
        return self.show(visit, id, typed, error, back.status)

    def save(self, visit: Visit, id: str) -> Response:
        """The raw mail (RFC 5322), as a download."""
        _, raw = self._service.reading.quarantined_mail(member(visit), id)
        return download(f"{id}.eml", "message/rfc822", raw)

    def thread(self, visit: Visit, id: str) -> Response:
        """Somebody read it and says where it belongs."""
        typed, as_answer = visit.request.form.get("reference", ""), visit.request.form.get("as") == "answer"
        if as_answer:
            require(visit, "inquiries.answer")
        try:
            self._service.inbound.thread_by_hand(member(visit), id, normal_reference(typed), as_answer)
        except NotFound:
            return self.show(visit, id, typed, visit.gettext("Your organisation has no inquiry of this reference."))
        except FaultyFields as error:
            return self.show(visit, id, typed, " ".join(error.told(visit.gettext).values()))
        except (NotAllowed, Stale) as error:
            return self.show(visit, id, typed, visit.gettext(error.title))
        return visit.redirect(f"/desk/inquiries/{normal_reference(typed)}?done=thread")

    def dismiss(self, visit: Visit, id: str) -> Response:
        """It belongs to no inquiry. Doing it twice changes nothing."""
        self._service.casework.settle(member(visit), id)
        return visit.redirect("/desk/quarantine?done=dismissed")


def _text_of(raw: bytes) -> str:
    """What the mail says, as far as it can be read."""
    try:
        text = parse.read_content(raw).text
    except Malformed:
        text = ""
    return (text or charsets.decode(raw[:SHOWN]))[:SHOWN]

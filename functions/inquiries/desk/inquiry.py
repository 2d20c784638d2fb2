"""One inquiry at the desk: its thread, why it came here, what happened, and everything staff can do with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from flask import Response

from functions.inquiries import labels
from functions.inquiries.casework.queries import View
from functions.inquiries.content.models import CannedReply
from functions.inquiries.desk.inquiry_list import names
from functions.inquiries.errors import NotAllowed, NotFound, Stale
from functions.inquiries.services import Service
from functions.inquiries.uploads import MAX_BODY, uploads
from shared.contracts.inquiries import Explanation
from shared.errors import FaultyFields
from shared.fields import REQUIRED
from shared.staff.gate import require
from shared.staff.members import Member, member
from shared.staff.models import Staff
from shared.web.downloads import download
from shared.web.returned import Returned
from shared.web.site import Site
from shared.web.visit import Visit

ADDRESS = "/desk/inquiries/<reference>"
ACTIONS = {
    "take": "inquiries.take",
    "assign": "inquiries.assign",
    "hand-over": "inquiries.hand_over",
    "new-link": "inquiries.renew_link",
    "close": "inquiries.close",
    "reopen": "inquiries.reopen",
    "end-part": "inquiries.part",
    "resume-part": "inquiries.part",
    "propose-erasure": "inquiries.erase.ask",
    "withdraw-erasure": "inquiries.erase.ask",
    "erase": "inquiries.erase.confirm",
}
"""The permission that each needs."""

FIELDS = {
    "answer": ("text", "canned", "after"),  # after: "" leaves the inquiry open, "waiting", "closed"
    "note": ("note",),
    "assign": ("to", "reason"),
    "hand-over": ("organisation", "because"),
    "propose-erasure": ("why",),
}
"""What is typed for each; the page is one form, so that whatever is pressed keeps all of it."""
TEXTS = ("text", "note", "reason", "because", "why")
OWN_NAMES = {
    "note": {"text": "note", "attachments": "note_attachments"},
    "hand-over": {"reason": "because"},
    "propose-erasure": {"reason": "why"},
}
"""The page's names of what an action calls otherwise in its errors."""


@dataclass
class Draft:
    """What somebody has typed and not sent yet; it survives previews, errors and other people's changes.

    Args:
        action: that was tried.
        typed: by name of field, of all actions.
        errors: by name of field.
    """

    action: str = ""
    typed: dict[str, str] = field(default_factory=dict)
    preview: bool = False
    errors: dict[str, str] = field(default_factory=dict)
    notice: str = ""

    def rest(self) -> dict[str, str]:
        """What remains once the action is done, "" where only choices do."""
        rest = {name: value for name, value in self.typed.items() if name not in FIELDS.get(self.action, ())}
        return rest if any(rest.get(name, "").strip() for name in TEXTS) else {}


def register(site: Site, service: Service) -> None:
    """Put an inquiry's page (``ADDRESS``) on ``site``, its files, mails, answers and notes, and all ``ACTIONS``."""
    pages = InquiryPages(service)
    site.route(ADDRESS, may="inquiries.view")(pages.show)
    site.route(f"{ADDRESS}/files/<id>", may="inquiries.view")(pages.file)
    site.route(f"{ADDRESS}/mails/<key>", may="inquiries.view")(pages.mail)
    kept = partial(site.route, max_body=MAX_BODY, again=pages.show_again)
    kept(ADDRESS, "POST", may="inquiries.view")(pages.keep)
    kept(f"{ADDRESS}/answer", "POST", may="inquiries.answer")(pages.answer)
    kept(f"{ADDRESS}/note", "POST", may="inquiries.note")(pages.note)
    for action, permission in ACTIONS.items():
        site.route(f"{ADDRESS}/{action}", "POST", may=permission, again=pages.show_again)(
            partial(pages.act, action=action)
        )


class InquiryPages:
    """Handlers, each ``(visit, reference, ...) -> Response``; raise ``NotFound`` for another organisation's inquiry."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._reading = service.reading
        self._casework = service.casework

    def show(self, visit: Visit, reference: str) -> Response:
        """The inquiry with empty forms."""
        return self._page(visit, self._view(visit, reference), Draft())

    def file(self, visit: Visit, reference: str, id: str) -> Response:
        """An attachment, as a download. Raises ``NotFound``."""
        return download(*self._reading.attachment(member(visit), reference, id))

    def mail(self, visit: Visit, reference: str, key: str) -> Response:
        """A message's whole mail, with all that the page does not show."""
        content = self._reading.mail(member(visit), reference, key)
        return download(f"{reference}-{key[:8]}.eml", "message/rfc822", content)

    # -- writing --

    def answer(self, visit: Visit, reference: str) -> Response:
        """To the requester; ``after`` says what comes then. To close it needs ``inquiries.close``, too."""
        draft = _draft(visit, "answer")
        text = draft.typed["text"]
        awaits, close = draft.typed["after"] == "waiting", draft.typed["after"] == "closed"
        if close:
            require(visit, "inquiries.close")
        return self._try(
            visit,
            reference,
            draft,
            lambda me, version: self._casework.answer(
                me, reference, version, text, uploads(visit), awaits_reply=awaits, close=close
            ),
        )

    def note(self, visit: Visit, reference: str) -> Response:
        """For colleagues only, with files; the requester never sees it."""
        draft, files = _draft(visit, "note"), uploads(visit, "note_attachments")
        text = draft.typed["note"]
        return self._try(
            visit, reference, draft, lambda me, version: self._casework.note(me, reference, version, text, files)
        )

    def keep(self, visit: Visit, reference: str) -> Response:
        """Insert a canned reply, or preview the answer: so does Enter, which says of no action that it is meant."""
        form, draft, view = visit.request.form, _draft(visit), self._view(visit, reference)
        text = draft.typed["text"]
        if "insert" in form:
            draft.typed |= {"text": self._with_canned(visit, view, text, draft.typed["canned"]), "canned": ""}
        else:
            draft.preview = bool(text.strip())
            draft.errors = {"text": visit.gettext(REQUIRED)} if "preview" in form and not draft.preview else {}
        return self._page(visit, view, draft)

    def show_again(self, visit: Visit, reference: str, back: Returned, action: str = "") -> Response:
        """The page with what was typed, where a form was not taken as a whole."""
        draft = _draft(visit, action)
        draft.errors = back.errors
        return self._page(visit, self._view(visit, reference), draft, back.status)

    def _with_canned(self, visit: Visit, view: View, text: str, id: str) -> str:
        known = {reply.id: body for reply, body in self._canned(visit, view)}
        return "\n\n".join(part for part in (text.rstrip(), known.get(id, "")) if part)

    # -- acting --

    def act(self, visit: Visit, reference: str, action: str) -> Response:
        """One of ``ACTIONS``, on the version that the person saw."""
        draft, casework, endings = _draft(visit, action), self._casework, self._service.endings
        typed = draft.typed
        actions: dict[str, Callable[[Member, str], None]] = {
            "take": lambda me, version: casework.take(me, reference, version),
            "assign": lambda me, version: casework.assign(me, reference, version, typed["to"], typed["reason"]),
            "hand-over": lambda me, version: casework.hand_over(
                me, reference, version, typed["organisation"], typed["because"]
            ),
            "new-link": lambda me, version: casework.new_link(me, reference, version),
            "close": lambda me, version: endings.close(me, reference, version),
            "reopen": lambda me, version: endings.reopen(me, reference, version),
            "end-part": lambda me, version: endings.end_part(me, reference, version),
            "resume-part": lambda me, version: endings.resume_part(me, reference, version),
            "propose-erasure": lambda me, version: endings.propose_erasure(me, reference, version, typed["why"]),
            "withdraw-erasure": lambda me, version: endings.withdraw_erasure(me, reference, version),
            "erase": lambda me, version: endings.erase(me, reference, version),
        }
        return self._try(visit, reference, draft, actions[action])

    def _try(self, visit: Visit, reference: str, draft: Draft, action: Callable[[Member, str], None]) -> Response:
        """Act on the version that the person saw. What cannot be done is said beside what they had typed."""
        me, form, status = member(visit), visit.request.form, 422
        try:
            action(me, form.get("version") or "none")
        except Stale as error:
            status, draft.notice = error.status, visit.gettext(error.title)
        except FaultyFields as error:
            names = OWN_NAMES.get(draft.action, {})
            draft.errors = {names.get(name, name): text for name, text in error.told(visit.gettext).items()}
        except NotAllowed as error:
            draft.notice = visit.gettext(error.title)
        else:
            return self._done(visit, reference, draft)
        return self._page(visit, self._view(visit, reference), draft, status)

    def _done(self, visit: Visit, reference: str, draft: Draft) -> Response:
        """The inquiry again, with what else was typed, or the list where it is not this organisation's any more."""
        try:
            view = self._reading.inquiry(member(visit), reference)
        except NotFound:
            return visit.redirect("/desk/inquiries")
        if rest := draft.rest():
            return self._page(visit, view, Draft(typed=rest), done=draft.action)
        return visit.redirect(f"/desk/inquiries/{reference}?done={draft.action}")

    # -- showing --

    def _view(self, visit: Visit, reference: str) -> View:
        return self._reading.inquiry(member(visit), reference)

    def _page(
        self, visit: Visit, view: View, draft: Draft, status: int | None = None, done: str | None = None
    ) -> Response:
        _, content, me = visit.gettext, self._service.content, member(visit)
        explanation = view.inquiry.explanation and Explanation.model_validate(view.inquiry.explanation)
        return visit.page(
            "desk_inquiry.html",
            status or (422 if draft.errors else 200),
            view=view,
            inquiry=view.inquiry,
            mine=next((a for a in view.assignments if a.organisation == me.organisation), None),
            leads=view.inquiry.lead == me.organisation,
            draft=draft,
            typed=defaultdict(str, draft.typed),
            news=view.history[_seen(visit) :] if status == 409 else [],
            summary=explanation.summary(_) if explanation else "",
            findings=explanation.told(_) if explanation else [],
            canned=[reply for reply, _text in self._canned(visit, view)],
            colleagues=(staff := self._staff(me, view))[me.organisation],
            named={one.email: one.name for colleagues in staff.values() for one in colleagues},
            activity=content.activities.get(view.inquiry.activity or ""),
            actions=labels.actions(_),
            actors=labels.actors(_),
            done=visit.request.args.get("done", "") if done is None else done,
            **names(visit, self._service),
        )

    def _staff(self, me: Member, view: View) -> dict[str, list[Staff]]:
        """By organisation, of all that take or took part: addresses in parts and history are theirs."""
        acted = {entry.organisation for entry in view.history if entry.organisation}
        organisations = sorted({me.organisation, *view.inquiry.visible_to, *acted})
        return {organisation: self._service.content.staff(organisation) for organisation in organisations}

    def _canned(self, visit: Visit, view: View) -> list[tuple[CannedReply, str]]:
        return self._casework.canned_replies(member(visit), view.reference)


def _draft(visit: Visit, action: str = "") -> Draft:
    return Draft(action, {name: visit.request.form.get(name, "") for names in FIELDS.values() for name in names})


def _seen(visit: Visit) -> int:
    """How long the history was that this person had before them."""
    text = visit.request.form.get("seen", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0

"""The contact form step by step: what you need, who may read it, who you are, and a last look at all of it.

What was typed waits in a draft (``casework/drafts.py``), which the browser finds by a cookie. So the way back, a reload
and another language lose nothing, without any script; a step that comes from the last page leads back to it. Files
cannot wait: they are chosen on the last page. ``/contact`` is the same on one page.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Response

from functions.inquiries.casework.drafts import LIFE, Draft
from functions.inquiries.casework.models import InquiryRequest
from functions.inquiries.content.routing_rules import Facts
from functions.inquiries.services import Service
from functions.inquiries.uploads import MAX_BODY, uploads
from functions.inquiries.web.contact_pages import Pages, sent, typed
from shared.contracts.visitors import InquiryCodeRequested
from shared.errors import FaultyFields
from shared.text import N_
from shared.web.guards import form_guard
from shared.web.guards.typed_person import doubts as address_doubts
from shared.web.problems import Problem
from shared.web.returned import WHOLE, Returned
from shared.web.site import Site
from shared.web.visit import Visit

COOKIE = "draft"
CHECK = "check"
STEPS = {
    "need": ("subject", "message", "topics", "activity"),
    "readers": ("share_with",),
    "you": (),  # all others
    CHECK: ("consent", "attachments"),
}
WRITTEN = list(STEPS)[:-1]
CHANGED = N_("What you entered was changed in another window since this page was shown. Check it, and send it.")


def register(site: Site, service: Service) -> None:
    """Put the steps on ``site``."""
    steps = Steps(service)
    for step in WRITTEN:
        again = partial(steps.show_again, step=step)
        site.route(f"/contact/{step}", "GET")(partial(steps.show, step=step))
        site.route(f"/contact/{step}", "POST", again=again)(partial(steps.keep, step=step))
    site.route(f"/contact/{CHECK}", "GET")(steps.check)
    site.route(f"/contact/{CHECK}", "POST", max_body=MAX_BODY, again=steps.check_again)(steps.send)
    site.route("/contact/afresh", "POST")(steps.afresh)


class Steps:
    """Handlers, each ``(visit, step) -> Response``."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._pages = Pages(service)

    def show(self, visit: Visit, step: str) -> Response:
        """A step with what it says by now; none is shown before the first is written."""
        draft = self._writing(visit)
        if draft is None and step != WRITTEN[0]:
            return visit.redirect(f"/contact/{WRITTEN[0]}")
        said = self._pages.implied(visit) if draft is None else draft.values
        return self._step(visit, step, typed(visit) | said, {})

    def show_again(self, visit: Visit, step: str, back: Returned) -> Response:
        """A step with what was typed, where it was not taken as a whole."""
        return self._step(visit, step, _so_far(visit, step, self._writing(visit)), back.errors, back.status)

    def keep(self, visit: Visit, step: str) -> Response:
        """Keep what was typed, faulty or not, and go on where it is in order."""
        draft = self._writing(visit)
        if draft is None:
            form_guard.check_rate(visit)
        values = _so_far(visit, step, draft)
        said = {name: values[name] for name in _of(step, values)}
        token = self._service.requests.drafts.keep(visit.cookie(COOKIE), said)
        visit.cookies[COOKIE] = (token, int(LIFE.total_seconds()))
        errors = _errors(visit, values | {"consent": True}).get(step, {})
        if step == "you" and not errors:
            errors = {doubt.field: doubt.message for doubt in address_doubts(visit, values["email"])}
        if errors:
            return self._step(visit, step, values, errors)
        last = visit.request.form.get("then") == CHECK
        return visit.redirect(f"/contact/{CHECK if last else list(STEPS)[list(STEPS).index(step) + 1]}")

    def check(self, visit: Visit) -> Response:
        """All that was typed, to be sent; the first step that lacks something instead, or what it has become."""
        draft = self._service.requests.drafts.find(visit.cookie(COOKIE))
        if draft is None:
            return visit.redirect(f"/contact/{WRITTEN[0]}")
        if draft.sent:
            return visit.redirect(sent(self._service.requests.received(draft.sent)))
        values = typed(visit) | draft.values
        if lacking := _lacking(_errors(visit, values | {"consent": True})):
            return visit.redirect(lacking)
        return self._step(visit, CHECK, values, {}, draft=draft)

    def check_again(self, visit: Visit, back: Returned) -> Response:
        """The last page, where it was not taken as a whole."""
        draft = self._writing(visit)
        return self._step(visit, CHECK, _so_far(visit, CHECK, draft), back.errors, back.status, draft)

    def send(self, visit: Visit) -> Response:
        """The draft is what makes it one inquiry, however often it is sent."""
        requests, token = self._service.requests, visit.cookie(COOKIE)
        draft = requests.drafts.written(token)
        if draft.sent:
            return visit.redirect(sent(requests.received(draft.sent)))
        values = _so_far(visit, CHECK, draft)

        def again(errors: dict[str, str], status: int = 0) -> Response:
            return self._step(visit, CHECK, values, errors, status, draft)

        if visit.request.form.get("seen") != draft.version:  # who may read it, above all, is what was agreed to
            return again({WHOLE: visit.gettext(CHANGED)}, 409)
        faulty = _errors(visit, values)
        if lacking := _lacking(faulty):
            return visit.redirect(lacking)
        if faulty:
            return again(faulty[CHECK])
        request = InquiryRequest.model_validate(_given(values))
        errors = form_guard.form_errors(visit, request.email, "inquiries", InquiryCodeRequested, address_asked=True)
        if errors:
            return again({error.field: error.message for error in errors})
        try:
            return visit.redirect(sent(requests.receive(request, uploads(visit), draft=token)))
        except FaultyFields as error:
            return again(error.told(visit.gettext))

    def afresh(self, visit: Visit) -> Response:
        """Forget what was typed, on a machine that others use too."""
        self._service.requests.drafts.drop(visit.cookie(COOKIE))
        visit.cookies[COOKIE] = ("", 0)
        return visit.redirect(f"/contact/{WRITTEN[0]}")

    # -- inside --

    def _writing(self, visit: Visit) -> Draft | None:
        """None where nothing was written yet, or it was sent."""
        draft = self._service.requests.drafts.find(visit.cookie(COOKIE))
        return draft if draft and not draft.sent else None

    def _step(
        self,
        visit: Visit,
        step: str,
        values: dict[str, Any],
        errors: dict[str, str],
        status: int = 0,
        draft: Draft | None = None,
    ) -> Response:
        """``draft``: of the last page, the one that ``values`` were read from, which sending it names."""
        return self._pages.shown(
            visit,
            "contact_step.html",
            values,
            errors,
            status,
            step=step,
            number=list(STEPS).index(step),
            then=visit.request.values.get("then", ""),
            prospect=self._service.routing.foresee(_facts(values)) if step != WRITTEN[0] else None,
            seen=draft.version if draft else "",
            guard=form_guard.guard(visit, errors) if step == CHECK else None,
        )


def _so_far(visit: Visit, step: str, draft: Draft | None) -> dict[str, Any]:
    """What was typed on all steps, on ``step`` just now."""
    values = typed(visit)
    return values | (draft.values if draft else {}) | {name: values[name] for name in _of(step, values)}


def _errors(visit: Visit, values: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Message by field, by the step that has the field."""
    found: dict[str, dict[str, str]] = {}
    try:
        visit.validated(InquiryRequest, _given(values))
    except Problem as problem:
        for error in problem.errors:
            found.setdefault(_step_of(error.field), {})[error.field] = error.message
    return found


def _lacking(faulty: dict[str, dict[str, str]]) -> str:
    """The address of the first step before the last that has a fault; "" where none has."""
    return next((f"/contact/{step}?then={CHECK}" for step in WRITTEN if step in faulty), "")


def _of(step: str, values: dict[str, Any]) -> list[str]:
    """The fields of a step; the first carries along which organisation an activity's page asks."""
    carried = ["share_with"] if step == WRITTEN[0] else []
    return [*carried, *(name for name in values if _step_of(name) == step)]


def _step_of(field: str) -> str:
    return next((step for step, fields in STEPS.items() if field.partition(".")[0] in fields), "you")


def _given(values: dict[str, Any]) -> dict[str, Any]:
    """An empty field is one that was not sent."""
    return {name: value for name, value in values.items() if value != ""}


def _facts(values: dict[str, Any]) -> Facts:
    """Of what is known by now: an empty country or requester fits no rule that asks for one."""
    asked = ("topics", "requester_type", "country", "language", "activity", "subject", "message", "share_with")
    return Facts(**{name: values[name] for name in asked})

"""The public pages of events and registrations."""

from __future__ import annotations

import secrets
from email.utils import parseaddr
from typing import Any

from flask import Response
from pydantic import ValidationError

from functions.registration import listing
from functions.registration import service as s
from functions.registration.models import Correction, EventDefinition, Registration, check_answers
from functions.registration.requests import form_body, parse, receipt_path, refusals
from functions.registration.service import Registrations
from shared.contracts.visitors import RegistrationCodeRequested
from shared.ports import from_utc_text
from shared.tokens import BadToken
from shared.web import abuse, languages
from shared.web.assets import static_file
from shared.web.problem import FieldError, Problem, field_errors, invalid
from shared.web.site import TOO_LARGE, Site, Visit

OVER = ("cancelled", "expired", "declined")


def register(site: Site, service: Registrations) -> None:
    """Put the public pages on ``site``."""
    pages = Pages(service)
    listing.register(site, service)
    site.route("/assets/<name>")(static_file)
    site.route("/events/<slug>")(pages.event)
    site.route("/events/<slug>/register", "GET", "POST", comes_back=True)(pages.register)
    site.route("/events/<slug>/registered/<receipt>")(pages.registered)
    site.route("/r/<token>")(pages.personal)
    site.route("/r/<token>/calendar.ics")(pages.calendar)
    site.route("/r/<token>/verify", "GET", "POST")(pages.verify)
    site.route("/r/<token>/correct", "GET", "POST", comes_back=True)(pages.correct)
    site.route("/r/<token>/cancel", "GET", "POST")(pages.cancel)


class Pages:
    """Handlers, each ``(visit, parts of the path) -> Response``."""

    def __init__(self, service: Registrations) -> None:
        self._service = service

    # -- events --

    def event(self, visit: Visit, slug: str) -> Response:
        with refusals(visit):
            return self._event_page(visit, self._service.events.get(slug))

    def _event_page(self, visit: Visit, event: EventDefinition, status: int = 200, notice: str = "") -> Response:
        return visit.page(
            "event.html",
            status,
            event=event,
            phase=event.phase(visit.platform.clock.now()),
            left=self._left_by_category(event),
            total_left=self._service.seats_left(event),
            notice=notice,
        )

    # -- registering --

    def register(self, visit: Visit, slug: str, guarded: bool = True) -> Response:
        with refusals(visit):
            event = self._service.events.get(slug)
        try:
            if visit.request.method == "GET":
                _must_be_open(visit, event)
                return self._form(visit, event, {"language": visit.language, "answers": {}}, {})
            return self._submit(visit, event, guarded)
        except Problem as problem:
            if problem.status != 410:
                raise
            return self._event_page(visit, event, 410, problem.title)

    def register_from_elsewhere(self, visit: Visit, slug: str) -> Response:
        """A person's form on another site: it cannot carry our guards. With errors it comes back as our own form."""
        visit.api = False
        visit.path = f"/events/{slug}/register"
        abuse.check_rate(visit)
        return self.register(visit, slug, guarded=False)

    def _submit(self, visit: Visit, event: EventDefinition, guarded: bool) -> Response:
        """The form's hidden ``submission`` is its idempotency key: sent twice, it registers once, even where the second
        arrives when registration is closed."""
        body = form_body(visit)
        submission = visit.request.form.get("submission", "")[:64]
        key = f"form:{submission}" if submission else None
        try:
            _refuse_too_large(visit)
            request = parse(visit, body)
            if errors := _guard_errors(visit, event, request.email, guarded):
                raise invalid(errors, visit.gettext)
            with refusals(visit):
                receipt = self._service.register(event.id, request, key)
        except Problem as problem:
            if problem.status not in (409, 413, 422):
                raise
            _must_be_open(visit, event)
            return self._form(visit, event, body, _errors(visit, event, body, problem), problem)
        return visit.redirect(receipt_path(visit, event.id, receipt))

    def _form(
        self,
        visit: Visit,
        event: EventDefinition,
        values: dict[str, Any],
        errors: dict[str, str],
        problem: Problem | None = None,
    ) -> Response:
        _ = visit.gettext
        again = problem is not None and problem.type == "idempotency-key-reused"
        kept = visit.request.form.get("submission", "")[:64]
        return visit.page(
            "register.html",
            problem.status if problem else 200,
            event=event,
            values=_Typed(values),
            errors=errors,
            labels=_labels(visit, event),
            submission=kept if kept and not again else secrets.token_hex(16),
            categories=[(c.id, languages.text(c.name, visit.language)) for c in event.categories],
            left=self._left_by_category(event),
            guard=abuse.guard(visit),
        )

    def registered(self, visit: Visit, slug: str, receipt: str) -> Response:
        """Shows what the address carries, signed; it asks the store nothing about any person."""
        with refusals(visit):
            event = self._service.events.get(slug)
        try:
            value = visit.platform.tokens.read("receipt", receipt, visit.platform.clock.now())
        except BadToken:
            raise _bad_link(visit) from None
        event_id, reference, state = value.split(":")
        if event_id != slug:
            raise _bad_link(visit)
        token = None if event.verify_email else self._service.manage_token(reference)
        return visit.page("registered.html", event=event, reference=reference, state=state, manage_token=token)

    # -- the personal link --

    def personal(self, visit: Visit, token: str) -> Response:
        registration, event = self._open(visit, token)
        phase = event.phase(visit.platform.clock.now())
        waiting = registration.state == "waitlisted"
        return visit.page(
            "personal.html",
            token=token,
            registration=registration,
            event=event,
            phase=phase,
            position=self._service.position(registration) if waiting else None,
            verify_by=from_utc_text(registration.verify_by) if registration.verify_by else None,
            answers=_readable_answers(visit, event, registration),
            may_change=registration.state not in OVER and phase != "past",
            done=visit.request.args.get("done"),
        )

    def calendar(self, visit: Visit, token: str) -> Response:
        """What the mail carried, as a file to import. It has the join link: confirmed people only."""
        from shared.calendar import calendar_file, invitation

        registration, _event = self._open(visit, token)
        try:
            payload = self._service.confirmation(registration)
        except s.NotPossible:
            raise _bad_link(visit) from None
        platform = visit.platform
        domain = parseaddr(platform.settings.mail_from)[1].rpartition("@")[2]
        now, language = platform.clock.now(), registration.language
        entry = invitation(payload, "PUBLISH", registration.sequence, language, domain, now)
        headers = {
            "Content-Disposition": f'attachment; filename="{registration.event}.ics"',
            "Cache-Control": "no-store",
        }
        return Response(calendar_file(entry), content_type="text/calendar; charset=utf-8", headers=headers)

    def verify(self, visit: Visit, token: str) -> Response:
        """Following the link verifies nothing, since mail scanners follow links too: the button on the page does."""
        _ = visit.gettext
        try:
            registration = self._service.awaiting(token)
            event = self._service.events.get(registration.event)
            if visit.request.method == "POST":
                self._service.verify(token)
                return visit.redirect(f"/r/{self._service.manage_token(registration.reference)}?done=verified")
        except BadToken:
            raise _bad_link(visit) from None
        except s.NotPossible:
            detail = _("It was cancelled, or not verified in time. You can register again on the event's page.")
            raise Problem(410, "registration-over", _("This registration is over."), detail) from None
        if registration.state != "unverified":
            return visit.redirect(f"/r/{self._service.manage_token(registration.reference)}")
        return visit.page(
            "confirm.html",
            registration=registration,
            event=event,
            action=f"/r/{token}/verify",
            title=_("Verify your address"),
            explanation=_("Press the button, and we know that the address is yours."),
            button=_("Yes, register me"),
            kind="",
            back=None,
        )

    def correct(self, visit: Visit, token: str) -> Response:
        registration, event = self._changeable(visit, token)
        if visit.request.method == "GET":
            return self._correction(visit, token, event, registration.model_dump(), {})
        body = form_body(visit)
        try:
            _refuse_too_large(visit)
            with refusals(visit):
                self._service.correct(token, _correction(visit, body))
        except Problem as problem:
            if problem.status not in (413, 422):
                raise
            return self._correction(visit, token, event, body, _errors(visit, event, body, problem), problem.status)
        return visit.redirect(f"/r/{token}?done=corrected")

    def _correction(
        self,
        visit: Visit,
        token: str,
        event: EventDefinition,
        values: dict[str, Any],
        errors: dict[str, str],
        status: int = 200,
    ) -> Response:
        labels = _labels(visit, event)
        page = {"token": token, "event": event, "values": _Typed(values), "errors": errors, "labels": labels}
        return visit.page("correct.html", status, **page)

    def cancel(self, visit: Visit, token: str) -> Response:
        _ = visit.gettext
        registration, event = self._changeable(visit, token)
        if visit.request.method == "POST":
            self._service.cancel(token)
            return visit.redirect(f"/r/{token}?done=cancelled")
        return visit.page(
            "confirm.html",
            registration=registration,
            event=event,
            action=f"/r/{token}/cancel",
            title=_("Cancel your registration?"),
            explanation=_("Your seat goes to the next person in line at once. This cannot be undone."),
            button=_("Cancel my registration"),
            kind="danger",
            back=f"/r/{token}",
        )

    # -- inside --

    def _open(self, visit: Visit, token: str) -> tuple[Registration, EventDefinition]:
        try:
            registration = self._service.open(token)
        except BadToken:
            raise _bad_link(visit) from None
        with refusals(visit):
            return registration, self._service.events.get(registration.event)

    def _changeable(self, visit: Visit, token: str) -> tuple[Registration, EventDefinition]:
        registration, event = self._open(visit, token)
        if registration.state in OVER or event.phase(visit.platform.clock.now()) == "past":
            _ = visit.gettext
            raise Problem(410, "registration-over", _("This registration can no longer be changed."))
        return registration, event

    def _left_by_category(self, event: EventDefinition) -> dict[str, int | None]:
        return {category.id: self._service.seats_left(event, category) for category in event.categories}


class _Typed(dict[str, Any]):
    """What a visitor typed; nothing where a field was not sent."""

    def __missing__(self, name: str) -> Any:
        return {} if name == "answers" else ""


def _must_be_open(visit: Visit, event: EventDefinition) -> None:
    phase = event.phase(visit.platform.clock.now())
    if phase != "open":
        with refusals(visit):
            raise s.Closed(event, phase)


def _guard_errors(visit: Visit, event: EventDefinition, email: str, guarded: bool) -> list[FieldError]:
    """Why a form is not taken yet. One that comes when none is taken can only repeat another: it is but counted."""
    if event.phase(visit.platform.clock.now()) != "open":
        abuse.check_rate(visit)
        return []
    if guarded:
        return abuse.form_errors(visit, email, "registration", RegistrationCodeRequested)
    return abuse.foreign_form_errors(visit)


def _refuse_too_large(visit: Visit) -> None:
    if found := visit.too_large():
        raise Problem(413, "http", visit.gettext(TOO_LARGE), errors=[FieldError(*one) for one in found.items()])


def _correction(visit: Visit, body: dict[str, Any]) -> Correction:
    try:
        return Correction.model_validate({name: body[name] for name in Correction.model_fields if name in body})
    except ValidationError as error:
        raise invalid(field_errors(error, visit.gettext), visit.gettext) from None


def _errors(visit: Visit, event: EventDefinition, body: dict[str, Any], problem: Problem) -> dict[str, str]:
    """A problem's messages by field, those of the event's own questions included."""
    _ = visit.gettext
    if problem.type == "already-registered":
        return {"email": f"{problem.title} {problem.detail}"}
    if problem.type == "idempotency-key-reused":
        return {"given_name": _("You sent this form before with other data. Check it and send it once more.")}
    _kept, faulty = check_answers(event, body["answers"])
    return problem.messages | {f"answers.{id}": _(message) for id, message in faulty.items()}


def _labels(visit: Visit, event: EventDefinition) -> dict[str, str]:
    """Fields' names for the summary of errors."""
    _ = visit.gettext
    asked = {f"answers.{q.id}": languages.text(q.label, visit.language) for q in event.questions}
    return {
        "given_name": _("Given name"),
        "family_name": _("Family name"),
        "email": _("Email address"),
        "country": _("Country"),
        "organisation": _("Organisation"),
        "category": _("You take part as"),
        "language": _("Language of our mails to you"),
        **asked,
    }


def _readable_answers(visit: Visit, event: EventDefinition, registration: Registration) -> list[tuple[Any, Any]]:
    """``(question, answer)`` in words, for those that were answered."""
    shown = []
    for question in event.questions:
        answer = registration.answers.get(question.id)
        words = {option.id: languages.text(option.label, visit.language) for option in question.options}
        if isinstance(answer, list):
            answer = "\n".join(str(words.get(id, id)) for id in answer)
        elif isinstance(answer, str):
            answer = words.get(answer, answer)
        if answer:
            shown.append((question, answer))
    return shown


def _bad_link(visit: Visit) -> Problem:
    _ = visit.gettext
    detail = _("Copy the whole link from our mail. A link to verify an address works for a limited time only.")
    return Problem(404, "bad-link", _("This link does not work."), detail)

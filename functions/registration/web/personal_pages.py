"""The pages behind a personal link: what somebody registered for, verified, corrected, cancelled."""

from __future__ import annotations

from email.utils import parseaddr
from typing import Any

from flask import Response

from functions.registration.errors import NoSeatKept, NotPossible
from functions.registration.events.models import EventDefinition
from functions.registration.registrations.models import Correction, Registration
from functions.registration.registrations.service import Registrations
from functions.registration.registrations.states import OVER
from functions.registration.web.forms import event_of_page, form_body
from functions.registration.web.register_pages import Typed, errors_of, labels_of, typed
from shared import languages
from shared.errors import DomainError
from shared.keys.tokens import BadToken
from shared.ports import from_utc_text
from shared.web.downloads import download
from shared.web.guards import form_guard
from shared.web.personal_links import bad_link, link_mailed
from shared.web.problems import Problem, problem_of
from shared.web.returned import Returned
from shared.web.site import Site
from shared.web.visit import Visit


def register(site: Site, service: Registrations) -> None:
    """Put the personal pages on ``site``."""
    pages = PersonalPages(service)
    site.route("/r/<token>")(pages.personal)
    site.route("/r/<token>/calendar.ics")(pages.calendar)
    site.route("/r/<token>/verify", "GET", "POST")(pages.verify)
    site.route("/r/<token>/correct", "GET", "POST", again=pages.show_correction_again)(pages.correct)
    site.route("/r/<token>/cancel", "GET", "POST")(pages.cancel)
    site.route("/r/<token>/new-link", "POST")(pages.new_link)


class PersonalPages:
    """Handlers, each ``(visit, token) -> Response``."""

    def __init__(self, service: Registrations) -> None:
        self._service = service

    def personal(self, visit: Visit, token: str) -> Response:
        """How the registration stands, and what can be done; nothing of the answers once it is over."""
        registration, event = self._open(visit, token)
        phase = event.phase(visit.platform.clock.now())
        waiting, over = registration.state == "waitlisted", registration.state in OVER
        return visit.page(
            "personal.html",
            token=token,
            registration=registration,
            event=event,
            phase=phase,
            place=self._service.position(registration) if waiting else None,
            line_moves=visit.platform.clock.now() < event.promotes_until,
            verify_by=from_utc_text(registration.verify_by) if registration.verify_by else None,
            held_until=from_utc_text(registration.held_until) if registration.held_until else None,
            over=over,
            answers=[] if over else _readable_answers(visit, event, registration),
            may_change=not over and phase != "past",
            done=visit.request.args.get("done"),
        )

    def calendar(self, visit: Visit, token: str) -> Response:
        """What the mail carried, as a file to import. It has the join link: confirmed people only."""
        from shared.calendar import calendar_file, invitation

        registration, _event = self._open(visit, token)
        try:
            payload = self._service.confirmation(registration)
        except NotPossible:
            raise _bad_link(visit, token) from None
        platform = visit.platform
        domain = parseaddr(platform.settings.mail_from)[1].rpartition("@")[2]
        now, language = platform.clock.now(), registration.language
        name = languages.text(visit.house.theme.name, language)
        entry = invitation(payload, "PUBLISH", registration.sequence, language, domain, now)
        return download(f"{registration.event}.ics", "text/calendar; charset=utf-8", calendar_file(entry, name))

    def verify(self, visit: Visit, token: str) -> Response:
        """Following the link verifies nothing, since mail scanners follow links too: the button on the page does."""
        _ = visit.gettext
        try:
            registration = self._service.awaiting(token)
            event = event_of_page(visit, self._service, registration.event)
            if visit.request.method == "POST":
                self._service.verify(token)
                return visit.redirect(f"/r/{self._service.manage_token(registration)}?done=verified")
        except BadToken:
            raise _bad_link(visit, token) from None
        if registration.state != "unverified":
            return visit.redirect(f"/r/{self._service.manage_token(registration)}")
        waits = self._would_wait(visit, event, registration)
        return visit.page(
            "confirm.html",
            registration=registration,
            event=event,
            action=f"/r/{token}/verify",
            title=_("Verify your address"),
            explanation=_("Press the button, and we know that the address is yours."),
            warning=_("All seats are taken at the moment, so you join the waiting list.") if waits else "",
            button=_("Yes, put me on the waiting list") if waits else _("Yes, register me"),
            kind="",
            back=None,
        )

    def _would_wait(self, visit: Visit, event: EventDefinition, registration: Registration) -> bool:
        """Whether verifying now leads into the line. Raises ``NoSeatKept`` where it would lead nowhere."""
        category = event.category_of(registration.category)
        if registration.pools or self._service.availability(event, category) != "full":
            return False
        if not event.takes_waiting(visit.platform.clock.now()):
            raise NoSeatKept(event.id)
        return True

    def correct(self, visit: Visit, token: str) -> Response:
        """The form (GET), or its answers (POST). Raises ``NotPossible`` once it is over."""
        registration, event = self._changeable(visit, token)
        if visit.request.method == "GET":
            return self._correction(visit, token, event, registration.model_dump(), {})
        body = form_body(visit)
        try:
            self._service.correct(token, _correction(visit, body))
        except (DomainError, Problem) as error:
            problem = problem_of(error, visit.gettext)
            if problem.status != 422:
                raise
            return self._correction(visit, token, event, body, errors_of(visit, event, body, problem), problem.status)
        return visit.redirect(f"/r/{token}?done=corrected")

    def show_correction_again(self, visit: Visit, token: str, back: Returned) -> Response:
        """The form with what was typed, where it was not taken as a whole."""
        _registration, event = self._changeable(visit, token)
        return self._correction(visit, token, event, typed(visit), back.errors, back.status)

    def _correction(
        self,
        visit: Visit,
        token: str,
        event: EventDefinition,
        values: dict[str, Any],
        errors: dict[str, str],
        status: int = 200,
    ) -> Response:
        labels = labels_of(visit, event)
        page = {"token": token, "event": event, "values": Typed(values), "errors": errors, "labels": labels}
        return visit.page("correct.html", status, **page)

    def cancel(self, visit: Visit, token: str) -> Response:
        """Asks first (GET); the link of a mail cancels nothing by itself. Raises ``NotPossible`` once it is over."""
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
            explanation=_what_ends(visit, registration),
            warning="",
            button=_("Cancel my registration"),
            kind="danger",
            back=f"/r/{token}",
        )

    def new_link(self, visit: Visit, token: str) -> Response:
        """For whoever fears that others have the link, and for whom it does not work any more."""
        form_guard.check_rate(visit)
        self._service.new_link(token)
        return link_mailed(visit, f"/r/{token}")

    # -- inside --

    def _open(self, visit: Visit, token: str) -> tuple[Registration, EventDefinition]:
        try:
            registration = self._service.open(token)
            return registration, event_of_page(visit, self._service, registration.event)
        except BadToken:
            raise _bad_link(visit, token) from None

    def _changeable(self, visit: Visit, token: str) -> tuple[Registration, EventDefinition]:
        registration, event = self._open(visit, token)
        if registration.state in OVER or event.phase(visit.platform.clock.now()) == "past":
            raise NotPossible(registration.state)
        return registration, event


def _what_ends(visit: Visit, registration: Registration) -> str:
    """What cancelling takes away."""
    _ = visit.gettext
    if registration.pools:
        return _("Your seat goes to the next person in line at once. This cannot be undone.")
    if registration.state == "waitlisted":
        return _("You lose your place in the waiting list. This cannot be undone.")
    return _("This cannot be undone.")


def _correction(visit: Visit, body: dict[str, Any]) -> Correction:
    return visit.validated(Correction, {name: body[name] for name in Correction.model_fields if name in body})


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


def _bad_link(visit: Visit, token: str) -> Problem:
    return bad_link(visit, f"/r/{token}/new-link")

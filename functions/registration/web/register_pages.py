"""The public pages of events and registrations."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from flask import Response

from functions.registration.errors import Closed, Full
from functions.registration.events.models import EventDefinition
from functions.registration.events.questions import MAX_ANSWER, check_answers
from functions.registration.registrations.models import RegistrationRequest
from functions.registration.registrations.personal import LINK_LIFE
from functions.registration.registrations.service import Registrations
from functions.registration.web import event_lists, series_pages
from functions.registration.web.forms import event_of_page, form_body, origin, receipt_path
from shared import languages
from shared.contracts.visitors import RegistrationCodeRequested
from shared.errors import DomainError
from shared.institution.models import digest
from shared.keys.tokens import BadToken
from shared.web.guards import form_guard
from shared.web.problems import FieldError, Problem, invalid, problem_of
from shared.web.returned import SENT_BEFORE, WHOLE, Returned, language_typed
from shared.web.site import Site
from shared.web.themes import picture
from shared.web.visit import Visit


def register(site: Site, service: Registrations) -> None:
    """Put the public pages on ``site``."""
    pages = Pages(service)
    event_lists.register(site, service)
    series_pages.register(site, service)
    site.route("/events/<slug>")(pages.event)
    site.route("/events/<slug>/plan")(pages.plan)
    site.route("/events/<slug>/register", "GET", "POST", again=pages.show_again)(pages.register)
    site.route("/events/<slug>/registered/<receipt>")(pages.registered)
    site.route("/events/<slug>/registered/<receipt>/again", "POST")(pages.send_again)


class Pages:
    """Handlers, each ``(visit, parts of the path) -> Response``."""

    def __init__(self, service: Registrations) -> None:
        self._service = service

    # -- events --

    def event(self, visit: Visit, slug: str) -> Response:
        """One event's page. Raises ``EventNotFound``."""
        return self._event_page(visit, event_of_page(visit, self._service, slug))

    def plan(self, visit: Visit, slug: str) -> Response:
        """The picture of where it is. Raises ``EventNotFound``, and ``NotFound`` where there is none."""
        place = self._service.events.get(slug).place
        return picture(visit, place.plan if place else None)

    def _event_page(self, visit: Visit, event: EventDefinition, status: int = 200, notice: str = "") -> Response:
        return visit.page(
            "event.html",
            status,
            event=event,
            series=self._service.events.series_of(event),
            digest=digest,
            phase=event.phase(visit.platform.clock.now()),
            left=self._left_by_category(event),
            total_left=self._service.seats_left(event),
            notice=notice,
        )

    # -- registering --

    def register(self, visit: Visit, slug: str, guarded: bool = True) -> Response:
        """The form (GET), or its answers (POST); 410 with the event's page where nobody can register."""

        def handle(event: EventDefinition) -> Response:
            if visit.request.method == "POST":
                return self._submit(visit, event, guarded)
            self._must_take(visit, event)
            return self._form(visit, event, {"language": visit.language}, {})

        return self._at(visit, slug, handle)

    def register_from_elsewhere(self, visit: Visit, slug: str) -> Response:
        """A person's form on another site: it cannot carry our guards. With errors it comes back as our own form."""
        visit.path = f"/events/{slug}/register"
        return self.register(visit, slug, guarded=False)

    def show_again(self, visit: Visit, slug: str, back: Returned) -> Response:
        """The form with what was typed, where it was not taken as a whole."""
        visit.path = f"/events/{slug}/register"

        def handle(event: EventDefinition) -> Response:
            _must_be_open(visit, event)
            return self._form(visit, event, typed(visit), back.errors, back.status)

        return self._at(visit, slug, handle)

    def _at(self, visit: Visit, slug: str, handle: Callable[[EventDefinition], Response]) -> Response:
        """The event's page where nobody can register."""
        event = event_of_page(visit, self._service, slug)
        try:
            return handle(event)
        except (DomainError, Problem) as error:
            problem = problem_of(error, visit.gettext)
            if problem.status != 410:
                raise
            return self._event_page(visit, event, 410, problem.title)

    def _submit(self, visit: Visit, event: EventDefinition, guarded: bool) -> Response:
        """The form's hidden ``submission`` is its idempotency key: sent twice, it registers once, even where the second
        arrives when registration is closed."""
        body = form_body(visit)
        submission = visit.request.form.get("submission", "")[:64]
        key = f"form:{submission}" if submission else None
        try:
            request = visit.validated(RegistrationRequest, body)
            if errors := _guard_errors(visit, event, request.email, guarded):
                raise invalid(errors, visit.gettext)
            receipt = self._service.register(event.id, request, key, origin(visit))
        except (DomainError, Problem) as error:
            problem = problem_of(error, visit.gettext)
            if problem.status != 422 and not self._others_have_seats(event, problem):
                raise
            _must_be_open(visit, event)
            again = problem.type == "idempotency-key-reused"
            return self._form(visit, event, body, errors_of(visit, event, body, problem), problem.status, again)
        return visit.redirect(receipt_path(visit, event.id, receipt, request.email))

    def _form(
        self,
        visit: Visit,
        event: EventDefinition,
        values: dict[str, Any],
        errors: dict[str, str],
        status: int = 200,
        new: bool = False,
    ) -> Response:
        kept = "" if new else visit.request.form.get("submission", "")[:64]
        return visit.page(
            "register.html",
            status,
            event=event,
            values=Typed(values),
            errors=errors,
            labels=labels_of(visit, event),
            submission=kept or secrets.token_hex(16),
            categories=[(c.id, languages.text(c.name, visit.language)) for c in event.categories],
            left=self._left_by_category(event),
            total_left=self._service.seats_left(event),
            guard=form_guard.guard(visit, errors),
        )

    def registered(self, visit: Visit, slug: str, receipt: str) -> Response:
        """Shows what the address carries, signed; it asks the store nothing about any person."""
        event, state, availability, person = self._receipt(visit, slug, receipt)
        return visit.page(
            "registered.html",
            event=event,
            state=state,
            availability=availability,
            again=f"/events/{slug}/registered/{receipt}/again" if person else "",
            sent_again="again" in visit.request.args,
        )

    def send_again(self, visit: Visit, slug: str, receipt: str) -> Response:
        """The mail once more, to the address on record: whoever has the receipt typed it."""
        *_, person = self._receipt(visit, slug, receipt)
        form_guard.check_rate(visit)
        if person:
            self._service.send_again(slug, person)
        return visit.redirect(f"/events/{slug}/registered/{receipt}?again")

    # -- inside --

    def _receipt(self, visit: Visit, slug: str, receipt: str) -> tuple[EventDefinition, str, str, str]:
        """The event, and what the receipt says: state, availability, and whose address was typed (receipts of old do
        not, and they told a reference, which is not shown any more: it may be nobody's)."""
        event = event_of_page(visit, self._service, slug)
        try:
            value = visit.platform.tokens.read("receipt", receipt, visit.platform.clock.now())
        except BadToken:
            raise _bad_receipt(visit) from None
        said = value.split(":")
        if said[0] != slug or visit.platform.clock.now() > event.ends_at + LINK_LIFE:
            raise _bad_receipt(visit)
        return (event, said[1], said[2], said[3]) if len(said) == 4 else (event, said[2], "seats", "")

    def _must_take(self, visit: Visit, event: EventDefinition) -> None:
        _must_be_open(visit, event)
        if self._service.seats_left(event) == 0 and not event.waitlist:
            raise Full(event.id)

    def _others_have_seats(self, event: EventDefinition, problem: Problem) -> bool:
        """Whether what was refused for want of a seat might be taken in another category."""
        return problem.type == "event-full" and len(event.categories) > 1 and self._service.seats_left(event) != 0

    def _left_by_category(self, event: EventDefinition) -> dict[str, int | None]:
        return {category.id: self._service.seats_left(event, category) for category in event.categories}


class Typed(dict[str, Any]):
    """What a visitor typed; nothing where a field was not sent."""

    def __missing__(self, name: str) -> Any:
        return {} if name == "answers" else ""


def _must_be_open(visit: Visit, event: EventDefinition) -> None:
    """Raises ``Closed``."""
    phase = event.phase(visit.platform.clock.now())
    if phase != "open":
        raise Closed(phase)


def _guard_errors(visit: Visit, event: EventDefinition, email: str, guarded: bool) -> list[FieldError]:
    """Why a form is not taken yet. One that comes when none is taken can only repeat another: it is but counted."""
    if event.phase(visit.platform.clock.now()) != "open":
        form_guard.check_rate(visit)
        return []
    if guarded:
        return form_guard.form_errors(visit, email, "registration", RegistrationCodeRequested)
    return form_guard.foreign_form_errors(visit)


def typed(visit: Visit) -> dict[str, Any]:
    """What was typed into a form that is shown again."""
    return form_body(visit) | {"language": language_typed(visit)}


def errors_of(visit: Visit, event: EventDefinition, body: dict[str, Any], problem: Problem) -> dict[str, str]:
    """A problem's messages by field, those of the event's own questions included."""
    _ = visit.gettext
    if problem.type == "event-full":
        return {"category": _("All seats of this category are taken, and there is no waiting list.")}
    if problem.type == "idempotency-key-reused":
        return {WHOLE: _(SENT_BEFORE)}
    _kept, faulty = check_answers(event.questions, body["answers"])
    return problem.messages | {
        f"answers.{id}": _(message).format(max_length=MAX_ANSWER) for id, message in faulty.items()
    }


def labels_of(visit: Visit, event: EventDefinition) -> dict[str, str]:
    """The fields' labels by name, in the order of the page, for the summary of errors."""
    _ = visit.gettext
    asked = {f"answers.{q.id}": languages.text(q.label, visit.language) for q in event.questions}
    return {
        "full_name": _("Full name"),
        "family_name": _("Family name"),
        "email": _("Email address"),
        "email_meant": "",
        "country": _("Country"),
        "organisation": _("Organisation"),
        **({"category": _("You take part as")} if len(event.categories) > 1 else {}),
        **asked,
        "language": _("Language of our mails to you"),
        "consent": _("Consent"),
    }


def _bad_receipt(visit: Visit) -> Problem:
    _ = visit.gettext
    detail = _("It is not complete, or too old. Whatever we have of you is behind the link in our latest mail.")
    return Problem(404, "bad-link", _("This link does not work."), detail)

"""What the API and the pages share: reading a registration, and refusing it in the visitor's language."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from functions.registration.events.models import EventDefinition, RegistrationRequest
from functions.registration.events.repository import EventNotFound
from functions.registration.registrations import service as s
from functions.registration.registrations.documents import person_id
from functions.registration.registrations.service import Receipt, Registrations
from shared.keys.ids import key_of
from shared.web.guards.form_guard import GUARD_FIELDS
from shared.web.http.places import is_this_machine, place_of
from shared.web.problems import FieldError, Problem, field_errors, invalid
from shared.web.site import Visit


def parse(visit: Visit, body: dict[str, Any]) -> RegistrationRequest:
    """Raises ``Problem`` 422 with every faulty field."""
    try:
        return visit.validated(RegistrationRequest, body)
    except ValidationError as error:
        raise invalid(field_errors(error, visit.gettext), visit.gettext) from None


def form_body(visit: Visit) -> dict[str, Any]:
    """A form's fields as the API's object: ``answers.diet`` becomes a member of ``answers``; a ticked box is true.
    An empty field is one that was not sent.

    A list for a question of many choices, told apart by a name that ends in ``[]``.
    """
    form = visit.request.form
    body: dict[str, Any] = {"answers": {}}
    for name in form:
        value: Any = form.getlist(name) if name.endswith("[]") else form[name]
        plain = name.removesuffix("[]")
        if plain.startswith("answers."):
            body["answers"][plain.removeprefix("answers.")] = True if value == "on" else value
        elif plain not in ("answers", "csrf_token", "submission", *GUARD_FIELDS) and value:
            body[plain] = value
    body["consent"] = form.get("consent") in ("on", "true", "1", "yes")
    return body


def origin(visit: Visit) -> str:
    """The network that a request comes from, as the service counts it: hashed, with a key of ours. Empty for this
    machine's own programs; one and the same for all whose address cannot be told."""
    if is_this_machine(visit.request):
        return ""
    settings = visit.platform.settings
    place = place_of(visit.request, settings.trusted_hops)
    return key_of(settings.secret_keys[-1], "network", place.network if place else "")[:20]


def event_of_page(visit: Visit, service: Registrations, id: str) -> EventDefinition:
    """The event that a page is about, whose zone all of the page's times are in. Raises ``Problem``."""
    with refusals(visit):
        event = service.events.get(id)
    visit.zone = event.timezone
    return event


class refusals:  # noqa: N801 - reads as a statement: with refusals(visit)
    """Turns the service's refusals into problems, in the visitor's language."""

    def __init__(self, visit: Visit) -> None:
        self._ = visit.gettext

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        _ = self._
        match error:
            case EventNotFound():
                raise Problem(404, "event-not-found", _("There is no such event.")) from None
            case s.Closed(phase="soon"):
                raise Problem(410, "registration-closed", _("Registration is not open yet.")) from None
            case s.Closed():
                raise Problem(410, "registration-closed", _("Registration is closed.")) from None
            case s.Full():
                raise Problem(410, "event-full", _("All seats are taken, and there is no waiting list.")) from None
            case s.KeyReused():
                title = _("This Idempotency-Key was used for another request.")
                raise Problem(422, "idempotency-key-reused", title, _("Use a new key for a new request.")) from None
            case s.BadRequest():
                raise invalid([FieldError(name, text) for name, text in error.told(_).items()], _) from None


def receipt_path(visit: Visit, event_id: str, receipt: Receipt, email: str) -> str:
    """The page that answers a form; what it shows travels signed in its address."""
    value = f"{event_id}:{receipt.state}:{receipt.availability}:{person_id(event_id, email)}"
    return f"/events/{event_id}/registered/{visit.platform.tokens.sign('receipt', value)}"

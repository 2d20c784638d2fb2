"""What the API and the pages share: a form, where it comes from, and the receipt that answers it."""

from __future__ import annotations

from typing import Any

from functions.registration.events.models import EventDefinition
from functions.registration.registrations.documents import person_id
from functions.registration.registrations.register import Receipt
from functions.registration.registrations.service import Registrations
from shared.keys.ids import key_of
from shared.web.guards.form_guard import GUARD_FIELDS
from shared.web.guards.typed_person import LISTED, address_typed, country_typed
from shared.web.http.incoming import TICKED
from shared.web.http.places import is_this_machine, place_of
from shared.web.visit import Visit


def form_body(visit: Visit) -> dict[str, Any]:
    """A form's fields as the API's object: ``answers.diet`` becomes a member of ``answers``; a ticked box is true.
    An empty field is one that was not sent. The country may be named, and of two addresses one be chosen.

    A list for a question of many choices, told apart by a name that ends in ``[]``.
    """
    form = visit.request.form
    body: dict[str, Any] = {"answers": {}}
    for name in form:
        value: Any = form.getlist(name) if name.endswith("[]") else form[name]
        plain = name.removesuffix("[]")
        if plain.startswith("answers."):
            body["answers"][plain.removeprefix("answers.")] = True if value == "on" else value
        elif plain not in ("answers", "csrf_token", "submission", LISTED, *GUARD_FIELDS) and value:
            body[plain] = value
    if email := address_typed(form):
        body["email"] = email
    if country := country_typed(form):
        body["country"] = country
    body["consent"] = form.get("consent") in TICKED
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
    """The event that a page is about: it gives the page its look and its zone. Raises ``EventNotFound``."""
    event = service.events.get(id)
    visit.zone, visit.theme = event.timezone, event.theme or ""
    return event


def receipt_path(visit: Visit, event_id: str, receipt: Receipt, email: str) -> str:
    """The page that answers a form; what it shows travels signed in its address."""
    value = f"{event_id}:{receipt.state}:{receipt.availability}:{person_id(event_id, email)}"
    return f"/events/{event_id}/registered/{visit.platform.tokens.sign('receipt', value)}"

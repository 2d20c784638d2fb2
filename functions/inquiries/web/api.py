"""The JSON API, the same address for plain HTML forms on other sites, and the hook for inbound mail."""

from __future__ import annotations

import hmac
from typing import Any
from urllib.parse import urlencode

from flask import Response

from functions.inquiries.casework.models import InquiryRequest
from functions.inquiries.content.models import Activity
from functions.inquiries.files.attachments import Upload
from functions.inquiries.services import Service
from functions.inquiries.uploads import uploads
from functions.inquiries.web import operations
from functions.inquiries.web.contact_pages import Pages
from functions.inquiries.web.operations import Accepted, ActivityPage, ActivityQuery, ApiInquiry, PublicActivity
from shared.web import paging
from shared.web.guards import form_guard
from shared.web.guards.typed_person import country_typed
from shared.web.http.incoming import FORMS, TICKED
from shared.web.problems import Problem
from shared.web.site import Site
from shared.web.visit import Visit

PAGE = 100  # activities of one answer
MAX_BODY = 30 * 2**20  # bytes; Cloud Run takes 32 MiB (https://cloud.google.com/run/quotas)


def register(site: Site, service: Service) -> None:
    """Put the API's routes and the mail hook on ``site``."""
    pages = Pages(service)

    @site.operation(operations.LIST)
    def activities(visit: Visit) -> Response:
        asked = visit.query(ActivityQuery)
        found = service.content.find_activities(**asked.model_dump(exclude={"q", "page"}), search=asked.q)
        shown = [_public(visit, activity) for activity in paging.part(found, asked.page, PAGE)]
        query = urlencode({**visit.request.args, "page": asked.page + 1})
        more = visit.url(f"/api/activities?{query}") if len(found) > asked.page * PAGE else None
        return visit.json(ActivityPage(activities=shown, next=more).model_dump(mode="json"))

    @site.operation(operations.SHOW)
    def one_activity(visit: Visit, activity: str) -> Response:
        return visit.json(_public(visit, service.content.activity(activity)).model_dump(mode="json"))

    @site.operation(operations.SEND, max_body=MAX_BODY, again=pages.show_again)
    def create(visit: Visit) -> Response:
        form_guard.check_rate(visit)
        if visit.sends_form:
            return pages.send_from_elsewhere(visit)
        is_form = visit.request.mimetype in FORMS
        request, files = _form(visit) if is_form else _json(visit)
        key = visit.request.headers.get("Idempotency-Key") or None
        received = _receive(visit, service, request, files, key and f"api:{key}")
        if is_form:
            return visit.redirect(f"{received.links['status']}?received=1")
        return visit.json(received.model_dump(), 201)

    @site.route("/inbound/mail", "POST", api=True, max_body=MAX_BODY)
    def inbound(visit: Visit) -> Response:
        _check_hook(visit)
        recipients = visit.request.args.getlist("recipient")
        outcome = service.inbound.take(visit.request.get_data(), recipients, visit.request.args.get("sender"))
        return visit.json({"outcome": outcome.kind, "reason": outcome.reason})


def _receive(visit: Visit, service: Service, request: InquiryRequest, files: list[Upload], key: str | None) -> Accepted:
    form_guard.check_program(visit)
    received = service.requests.receive(request, files, key)
    return Accepted(reference=received.reference, links={"status": received.status_link})


def _json(visit: Visit) -> tuple[InquiryRequest, list[Upload]]:
    """Raises ``Problem`` 422, or ``UnsupportedMediaType``."""
    body = visit.validated(ApiInquiry, visit.request.json_object(visit.gettext))
    request = InquiryRequest.model_construct(**body.model_dump(exclude={"attachments"}))
    return request, [Upload(file.name, file.data) for file in body.attachments]


def _form(visit: Visit) -> tuple[InquiryRequest, list[Upload]]:
    """A form's fields; an empty field is one that was not sent."""
    form = visit.request.form
    body: dict[str, Any] = {name: form[name] for name in InquiryRequest.model_fields if form.get(name)}
    body["topics"] = [topic for topic in form.getlist("topics") if topic]
    body["country"] = country_typed(form)
    body["consent"] = form.get("consent") in TICKED
    return visit.validated(InquiryRequest, body), uploads(visit)


def _public(visit: Visit, activity: Activity) -> PublicActivity:
    return PublicActivity(**activity.model_dump(), page=visit.url(f"/activities/{activity.id}"))


def _check_hook(visit: Visit) -> None:
    """The provider's hook shows the secret as a bearer token or as a basic password, whichever it can send."""
    secret, shown = visit.platform.settings.inbound_secret, visit.request.authorization
    given = (shown.token or shown.password or "") if shown else ""
    if not secret or not hmac.compare_digest(secret.encode(), given.encode()):
        raise Problem(
            401,
            "hook-secret",
            visit.gettext("This hook is for our mail provider."),
            visit.gettext("Send the secret that ONESTOP_INBOUND_SECRET holds, as a bearer token or basic password."),
            headers={"WWW-Authenticate": 'Basic realm="inbound"'},
        )

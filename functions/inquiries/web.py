"""The JSON API, the same address for plain HTML forms on other sites, and the hook for inbound mail."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Any, get_args
from urllib.parse import urlencode

from flask import Response
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from functions.inquiries.base import Invalid, KeyReused, Upload
from functions.inquiries.content_models import Activity, RequesterType
from functions.inquiries.models import InquiryRequest
from functions.inquiries.pages import TICKED, Pages
from functions.inquiries.service import Service
from shared.web import abuse, openapi, paging
from shared.web.incoming import FORMS
from shared.web.problem import FieldError, Problem, field_errors, invalid
from shared.web.site import Site, Visit

PAGE = 100  # activities of one answer
MAX_BODY = 30 * 2**20  # bytes; Cloud Run takes 32 MiB (https://cloud.google.com/run/quotas)


class ApiAttachment(BaseModel, defer_build=True):
    name: str
    content: str = Field(description="the file in base64 (RFC 4648)")


class ApiInquiry(InquiryRequest):
    """The body of ``POST /api/inquiries``."""

    attachments: list[ApiAttachment] = []


class Accepted(BaseModel, defer_build=True):
    """The answer to an accepted request."""

    reference: str
    links: dict[str, str] = Field(description="status: the requester's own page, to be given to nobody else")


class PublicActivity(Activity):
    """An activity as other sites may show it."""

    page: str


def register(site: Site, service: Service) -> None:
    """Put the API's routes and the mail hook on ``site``."""
    pages = Pages(service)

    @site.route("/api/activities", api=True)
    def activities(visit: Visit) -> Response:
        page = paging.number(visit.request.args.get("page", ""))
        found = service.content.find_activities(**_filters(visit))
        shown = [_public(visit, activity) for activity in paging.part(found, page, PAGE)]
        query = urlencode({**visit.request.args, "page": page + 1})
        more = visit.url(f"/api/activities?{query}") if len(found) > page * PAGE else None
        return visit.json({"activities": shown, "next": more})

    @site.route("/api/activities/<id>", api=True)
    def activity(visit: Visit, id: str) -> Response:
        found = service.content.activities.get(id)
        if found is None:
            raise Problem(404, "activity-not-found", visit.gettext("There is no such activity."))
        return visit.json(_public(visit, found))

    @site.route("/api/inquiries", "POST", api=True, max_body=MAX_BODY, comes_back=True)
    def create(visit: Visit) -> Response:
        abuse.check_rate(visit)
        is_form = visit.request.mimetype in FORMS
        if is_form and visit.wants_page:
            return pages.send_from_elsewhere(visit)
        if visit.request.too_large():
            raise RequestEntityTooLarge
        body, uploads = _form(visit) if is_form else _json(visit)
        key = visit.request.headers.get("Idempotency-Key") or None
        received = _receive(visit, service, body, uploads, key and f"api:{key}")
        if is_form:
            return visit.redirect(f"{received.links['status']}?received=1")
        return visit.json(received.model_dump(), 201)

    @site.route("/api/inquiries/openapi.json", api=True)
    def describe(visit: Visit) -> Response:
        return visit.json(_openapi(visit))

    @site.route("/inbound/mail", "POST", api=True, max_body=MAX_BODY)
    def inbound(visit: Visit) -> Response:
        _check_hook(visit)
        recipients = visit.request.args.getlist("recipient")
        outcome = service.inbound.take(visit.request.get_data(), recipients, visit.request.args.get("sender"))
        return visit.json({"outcome": outcome.kind, "reason": outcome.reason})


def _receive(visit: Visit, service: Service, body: dict[str, Any], uploads: list[Upload], key: str | None) -> Accepted:
    _ = visit.gettext
    try:
        request = visit.validated(InquiryRequest, body)
        abuse.check_program(visit)
        received = service.requests.receive(request, uploads, key)
    except ValidationError as error:
        raise invalid(field_errors(error, _), _) from None
    except Invalid as error:
        raise invalid([FieldError(name, text) for name, text in error.told(_).items()], _) from None
    except KeyReused:
        title = _("This Idempotency-Key was used for another request.")
        raise Problem(422, "idempotency-key-reused", title, _("Use a new key for a new request.")) from None
    return Accepted(reference=received.reference, links={"status": received.status_link})


def _json(visit: Visit) -> tuple[dict[str, Any], list[Upload]]:
    """Raises ``Problem`` 422, or ``UnsupportedMediaType``."""
    _ = visit.gettext
    body = visit.request.json_object(_)
    files = body.pop("attachments", [])
    try:
        given = [ApiAttachment.model_validate(file) for file in files]
        return body, [Upload(file.name, base64.b64decode(file.content, validate=True)) for file in given]
    except (ValidationError, TypeError, binascii.Error, ValueError):
        message = _("Give attachments as a list of objects with name and content (base64).")
        raise invalid([FieldError("attachments", message)], _) from None


def _form(visit: Visit) -> tuple[dict[str, Any], list[Upload]]:
    """A form's fields; an empty field is one that was not sent."""
    form = visit.request.form
    body: dict[str, Any] = {name: form[name] for name in InquiryRequest.model_fields if form.get(name)}
    body["topics"] = [topic for topic in form.getlist("topics") if topic]
    body["consent"] = form.get("consent") in TICKED
    files = visit.request.files.getlist("attachments")
    return body, [Upload(file.filename, file.read()) for file in files if file.filename]


def _filters(visit: Visit) -> dict[str, Any]:
    asked = visit.request.args
    audience = asked.get("audience")
    if audience and audience not in get_args(RequesterType):
        message = visit.gettext("Choose one of: {expected}.").format(expected=", ".join(get_args(RequesterType)))
        raise invalid([FieldError("audience", message)], visit.gettext)
    names = ("organisation", "topic", "kind", "audience")
    return {**{name: asked.get(name) or None for name in names}, "search": asked.get("q", "")[:200]}


def _public(visit: Visit, activity: Activity) -> dict[str, Any]:
    page = visit.url(f"/activities/{activity.id}")
    return PublicActivity(**activity.model_dump(), page=page).model_dump(mode="json")


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


def _openapi(visit: Visit) -> dict[str, Any]:
    problems = {422: "faulty fields", 429: "too many from one address, or a challenge to solve"}
    return openapi.document(
        "onestop: activities and inquiries",
        visit.platform.settings.base_url,
        [
            openapi.Operation(
                "get", "/api/activities", "Activities", {200: list[PublicActivity]}, wrapped_in="activities"
            ),
            openapi.Operation(
                "get", "/api/activities/{activity}", "One activity", {200: PublicActivity}, {404: "no such activity"}
            ),
            openapi.Operation(
                "post",
                "/api/inquiries",
                "Send a request to the organisations",
                {201: Accepted},
                problems,
                body=ApiInquiry,
                headers={
                    "Idempotency-Key": "a retry with the same key and body gets the first answer again",
                    abuse.PROOF_HEADER: "the solution of the challenge in a problem of status 429 (ALTCHA, base64)",
                },
            ),
        ],
    )

"""``/find``: an address in, a mail with its links out; one answer for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Response

from functions.registration.registrations.service import Registrations
from functions.registration.web import operations
from functions.registration.web.operations import LinksMailed, LinksRequest
from shared.contracts.visitors import RegistrationCodeRequested
from shared.formats.addresses import folded_address
from shared.text import N_
from shared.web.guards import form_guard
from shared.web.problems import Problem, invalid
from shared.web.returned import Returned
from shared.web.site import Site
from shared.web.visit import Visit

SAID = N_("If we have something with this address, a mail with its links is on its way.")
MAILS, A_DAY = 4, timedelta(days=1)  # to one address


def register(site: Site, service: Registrations) -> None:
    """Put the page, and the same for programs, on ``site``."""

    def page(visit: Visit, status: int = 200, errors: Mapping[str, str] | None = None) -> Response:
        return visit.page(
            "find.html",
            status,
            email=visit.request.form.get("email", ""),
            errors=errors or {},
            guard=form_guard.guard(visit, errors or ()),
            sent="sent" in visit.request.args,
        )

    def show_again(visit: Visit, back: Returned) -> Response:
        return page(visit, back.status, back.errors)

    def mail(visit: Visit, request: LinksRequest) -> None:
        """Beyond the limit of an address nothing happens, and nobody is told: it has those mails."""
        if not visit.site.limiter.take("find", folded_address(request.email), MAILS, A_DAY):
            service.want_links(request.email, request.language)

    @site.route("/find")
    def show(visit: Visit) -> Response:
        return page(visit)

    @site.route("/find", "POST", again=show_again)
    def send(visit: Visit) -> Response:
        email = visit.request.form.get("email", "")
        try:
            request = _parse(visit, {"email": email} if email else {})
            if errors := form_guard.form_errors(visit, request.email, "registration", RegistrationCodeRequested):
                raise invalid(errors, visit.gettext)
        except Problem as problem:
            if problem.status != 422:
                raise
            return page(visit, 422, problem.messages)
        mail(visit, request)
        return visit.redirect("/find?sent")

    @site.operation(operations.FIND)
    def mail_links(visit: Visit) -> Response:
        body = visit.request.json_object(visit.gettext)
        form_guard.check_rate(visit)
        request = _parse(visit, body)
        form_guard.check_program(visit)
        mail(visit, request)
        return visit.json(LinksMailed(message=visit.gettext(SAID)).model_dump(), 202)


def _parse(visit: Visit, body: dict[str, Any]) -> LinksRequest:
    """Raises ``Problem`` 422."""
    return visit.validated(LinksRequest, {"language": visit.language} | body)

"""What goes wrong in a request, as the answer to it."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from flask import Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect

from shared.text import N_
from shared.web.problems import Problem
from shared.web.visit import Visit

TOO_LARGE, SHORTEN = N_("What you sent is too large."), N_("Shorten the text or attach smaller files.")


def answer(visit: Visit, problem: Problem) -> Response:
    """A problem as JSON for programs, as a page for people."""
    if visit.api or "application/problem+json" in visit.request.headers.get("Accept", ""):
        body = json.dumps(problem.body(visit.platform.settings.base_url))
        response = Response(body, problem.status, content_type="application/problem+json")
    else:
        response = visit.page("problem.html", problem.status, problem=problem)
    response.headers.update(problem.headers)
    return response


def from_http(visit: Visit, error: HTTPException) -> Response:
    """What werkzeug raises, answered as all else is."""
    _ = visit.gettext
    if isinstance(error, RequestRedirect):
        return Response(status=308, headers={"Location": urlsplit(error.new_url).path})
    start = _("Check the link, or start from the front page.")
    if visit.staff:  # as the button of the page does
        start = _("Check the link, or start from what waits.")
    titles = {
        404: (_("There is nothing at this address."), start),
        405: (_("This address does not take that kind of request."), ""),
        413: (_(TOO_LARGE), _(SHORTEN)),
        414: (_("This address is too long."), start),
        415: (_("This format is not understood."), _("Send JSON or an HTML form.")),
    }
    status = error.code or 400
    title, detail = titles.get(status, (_("This request could not be understood."), ""))
    headers = {}
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return answer(visit, Problem(status, "http", title, detail, headers=headers))


def unavailable(visit: Visit) -> Problem:
    """503, with ``Retry-After`` in seconds (RFC 9110, 10.2.3)."""
    _ = visit.gettext
    detail = _("Nothing was lost: what we confirmed is kept. Please send it again in a minute.")
    return Problem(503, "unavailable", _("We cannot answer just now."), detail, headers={"Retry-After": "30"})


def unexpected(visit: Visit) -> Problem:
    """500, which tells nothing of the cause."""
    _ = visit.gettext
    return Problem(500, "unexpected", _("Something went wrong on our side."), _("We have been told. Please try again."))

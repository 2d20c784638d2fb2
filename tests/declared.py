"""What an operation of the API answered and had not declared, in any test that asked a site in this process."""

from __future__ import annotations

from flask import Request, Response
from werkzeug.exceptions import HTTPException

from shared.web.site import Route, Site

undeclared: list[str] = []
_answer = Site.__call__


def _watched(site: Site, request: Request) -> Response:
    response = _answer(site, request)
    undeclared.extend(fault for fault in [_fault(site, request, response)] if fault)
    return response


def _fault(site: Site, request: Request, response: Response) -> str:
    try:
        route, _ = site.map.bind("").match(request.path, request.method)
    except HTTPException:
        return ""  # no route: there is nothing that could declare it
    assert isinstance(route, Route)
    if route.operation is None or request.method == "OPTIONS":
        return ""
    kinds = {kind for status, kind in route.operation.answers() if status == response.status_code}
    if kinds == {""} or response.mimetype in kinds:
        return ""
    return f"{request.method} {request.path}: {response.status_code} {response.mimetype} is not declared"


Site.__call__ = _watched  # type: ignore[method-assign]

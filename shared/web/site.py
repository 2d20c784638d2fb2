"""The web side of one function: routes, languages, forms' protection, and errors that help.

A function gets a Flask request from the functions framework and answers it here with werkzeug's URL map: a second
Flask application inside the first would cost a context and a dispatch for every request and bring nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
from flask import Request, Response
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.routing import Map, Rule

from shared import languages
from shared.errors import DomainError
from shared.institution.repository import Institution
from shared.observability import tracing
from shared.observability.logs import enter_trace
from shared.ports import Unavailable
from shared.web import faults, returned, templating
from shared.web.http import compression
from shared.web.http.incoming import MAX_TEXT, Incoming
from shared.web.http.rate_limits import Limiter
from shared.web.openapi import Operation
from shared.web.problems import Problem, problem_of
from shared.web.visit import ONE_YEAR, FormState, Gate, Visit
from shared.wiring import Platform

HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; worker-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
ALLOWED_HEADERS = "Content-Type, Idempotency-Key, Accept-Language, Altcha-Solution"  # from other origins
MAX_BODY = MAX_TEXT  # bytes; a route with attachments states its own
ANYBODY = "anybody"  # of a route: whoever comes, signed in or not
REDIRECTS = range(300, 400)
log = logging.getLogger(__name__)


Handler = Callable[..., Response]


@dataclass(frozen=True)
class Route:
    """How requests to one rule are answered; ``max_body`` in bytes, ``again`` shows a refused form once more."""

    handler: Handler
    api: bool
    csrf: bool
    max_body: int
    may: str = ANYBODY
    again: Handler | None = None
    operation: Operation | None = None


class Site:
    """Routes and templates of one target. Calling it answers a request.

    Args:
        templates: the slice's folder; ``shared/web/templates`` is searched after it.
        gate: for a site that is not for everybody: every route names who may come in.
    """

    def __init__(self, platform: Platform, templates: Path, gate: Gate | None = None) -> None:
        self.platform = platform
        self.gate = gate
        self.institution = Institution(platform.store, platform.clock)
        self._templates = (templates, HERE / "templates", *([gate.templates] if gate else []))
        self.map = Map([Rule("/healthz", endpoint=Route(_health, True, False, MAX_BODY), methods=["GET"])])
        self._routes = self.map.bind("")
        self.limiter = Limiter(platform.store, platform.clock, platform.settings.secret_keys[-1])

    def route(
        self,
        rule: str,
        *methods: str,
        may: str | None = None,
        api: bool = False,
        csrf: bool = True,
        max_body: int = MAX_BODY,
        again: Handler | None = None,
        operation: Operation | None = None,
    ) -> Callable[[Handler], Handler]:
        """Register ``handler(visit, **parts of the path)``; ``operation`` does it for what lies under ``/api``.

        Args:
            may: the permission that it needs, or ``ANYBODY``; asked for behind a gate and under ``/desk``.
            api: answers JSON, problems included, and sends CORS headers; no CSRF check, since it reads no cookie. To a
                form that a person sends from another site it answers pages (``Visit.api`` is false then).
            csrf: off only for a POST that carries its own proof (a one-click link, a signed hook).
            max_body: bytes; more is answered with 413.
            again: shows the form again, with all that was typed, where it cannot be taken as it was sent: called as the
                handler is, with ``back``, a ``shared.web.returned.Returned``.

        Raises ``ValueError`` where ``may`` is missing or not a permission of the gate, or ``operation`` is missing.
        """
        permission = self._permission(rule, may)
        if rule.startswith("/api/") and operation is None:
            # untranslated: to programmers
            raise ValueError(f"{rule}: say what it takes and answers, by Site.operation")

        def register(handler: Handler) -> Handler:
            target = Route(handler, api, csrf and not api, max_body, permission, again, operation)
            verbs = list(methods or ("GET",)) + (["OPTIONS"] if api else [])
            self.map.add(Rule(rule, endpoint=target, methods=verbs, strict_slashes=False))
            return handler

        return register

    def operation(self, operation: Operation, **limits: Any) -> Callable[[Handler], Handler]:
        """Register the handler of an operation of the API; ``limits`` are ``max_body`` and ``again``."""
        return self.route(operation.rule, operation.method, api=True, operation=operation, **limits)

    def _permission(self, rule: str, may: str | None) -> str:
        if may is None and (self.gate or f"{rule}/".startswith("/desk/")):
            raise ValueError(f"{rule}: say who may come in: may='...', a permission of the gate, or may=ANYBODY")
        if may not in (None, ANYBODY) and (self.gate is None or may not in self.gate.permissions):
            raise ValueError(f"{rule}: {may!r} is no permission of this site's gate")  # untranslated: to programmers
        return may or ANYBODY

    def environment(self, language: str) -> jinja2.Environment:
        """The slice's templates before the shared ones, their texts in ``language`` (BCP 47)."""
        return templating.environment(self._templates, language)

    def __call__(self, request: Request) -> Response:
        enter_trace(request.environ.get("HTTP_TRACEPARENT"), request.environ.get("HTTP_X_CLOUD_TRACE_CONTEXT"))
        incoming = Incoming(request)
        with tracing.span(request.method, "server", {"http.request.method": request.method}):
            response = tracing.answered(self._respond(incoming))
        incoming.settle()
        return response

    def _respond(self, request: Incoming) -> Response:
        visit = Visit(request, self, languages.SOURCE)
        visit.api = request.path.startswith("/api/") and not visit.sends_form
        try:
            request.check()
            self._choose_language(visit)
            response = self._dispatch(visit)
        except (DomainError, Problem) as error:
            response = faults.answer(visit, problem_of(error, visit.gettext))
        except HTTPException as error:
            response = faults.from_http(visit, error)
        except Unavailable as error:
            log.warning("answered 503: %s", error)
            response = faults.answer(visit, faults.unavailable(visit))
        except Exception:
            log.exception("unexpected error at %s", request.path)
            response = faults.answer(visit, faults.unexpected(visit))
        return self._finish(visit, response)

    def _dispatch(self, visit: Visit) -> Response:
        request = visit.request
        if self.gate:
            visit.staff = self.gate.person(visit)
        rule, parts = self._routes.match(request.path, request.method, return_rule=True)
        route = rule.endpoint
        assert isinstance(route, Route)
        tracing.routed(request.method, rule.rule)
        visit.api = route.api and not visit.sends_form
        if request.method == "OPTIONS":
            return Response("", 204)
        request.admit(route.max_body, route.again is not None)
        state = returned.state(visit) if request.method == "POST" and route.csrf else "ours"
        if self.gate and state != "ours" and not request.too_large():
            return self.gate.ask_again(visit, state)
        answer = partial(_handler(visit, route, state), visit, **parts)
        if self.gate is None or route.may == ANYBODY:
            return answer()
        return self._behind(self.gate, visit, route, answer)

    def _behind(self, gate: Gate, visit: Visit, route: Route, answer: Callable[[], Response]) -> Response:
        if refusal := gate.enter(visit, route.may):
            return refusal
        response = answer()
        if response.status_code not in REDIRECTS:
            gate.leave(visit, route.may)
        return response

    def _choose_language(self, visit: Visit) -> None:
        request = visit.request
        asked = request.args.get("lang", "") if request.query_string else ""
        if (asked and languages.best(asked) != languages.SOURCE) or asked == languages.SOURCE:
            visit.language = languages.best(asked)
            visit.cookies["lang"] = (visit.language, ONE_YEAR)
        elif cookie := visit.cookie("lang"):
            visit.language = languages.best(cookie)
        elif "HTTP_ACCEPT_LANGUAGE" in request.environ:
            visit.language = request.accept_languages.best_match(languages.available()) or languages.SOURCE

    def cookie_name(self, name: str) -> str:
        """Over https with the prefix that no other host or path can set it (RFC 6265bis, 4.1.3.2)."""
        return f"__Host-{name}" if self.platform.settings.secure else name

    def _finish(self, visit: Visit, response: Response) -> Response:
        settings, headers = self.platform.settings, response.headers
        if visit.api:
            headers["X-Content-Type-Options"] = "nosniff"
            self._share(visit, response)
        else:
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Content-Language", visit.language)
        if not visit.listed:
            headers.setdefault("X-Robots-Tag", "noindex")
        if visit.request.method not in ("GET", "HEAD", "OPTIONS") or response.status_code >= 300 or not visit.api:
            headers.setdefault("Cache-Control", "no-store")  # it may carry somebody's link
        if settings.secure:
            headers["Strict-Transport-Security"] = f"max-age={ONE_YEAR}; includeSubDomains"
        for name, (value, seconds) in visit.cookies.items():
            response.set_cookie(
                self.cookie_name(name), value, seconds, secure=settings.secure, httponly=True, samesite="Lax"
            )
        if self.gate is None or not compression.from_another_site(visit.request):
            compression.compress(visit.request, response)
        return response

    def _share(self, visit: Visit, response: Response) -> None:
        """Let the pages of allowed origins read an answer of the API (https://fetch.spec.whatwg.org/#http-cors-protocol)."""
        headers, origin = response.headers, visit.request.headers.get("Origin")
        headers.add("Vary", "Origin")
        if origin and origin in self.platform.settings.allowed_origins:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
            headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
            headers["Access-Control-Expose-Headers"] = "Retry-After"
            headers["Access-Control-Max-Age"] = "86400"


def _handler(visit: Visit, route: Route, state: FormState) -> Handler:
    """Who answers: the route's handler, or what shows the form again. Raises ``Problem``, ``RequestEntityTooLarge``."""
    if visit.api and visit.request.too_large():
        raise RequestEntityTooLarge
    if visit.request.method != "POST" or visit.api:
        return route.handler
    if route.again and (back := returned.returned(visit, stale=state == "stale")):
        return partial(route.again, back=back)
    if state == "stale":
        raise returned.stale_form(visit)
    return _offer_again if returned.SHOWN_IN in visit.request.form else route.handler


def _offer_again(visit: Visit, **_parts: Any) -> Response:
    raise returned.not_sent(visit)


def _health(visit: Visit) -> Response:
    visit.platform.store.get("processed", "healthz")
    return visit.json({"status": "ok"})

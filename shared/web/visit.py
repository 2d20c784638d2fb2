"""One request on its way through a site, with what answering it needs.

What a visit asks of its site, and a site of its gate, stands here as protocols, so that whoever handles a visit imports
neither.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import jinja2
from flask import Response
from pydantic import BaseModel, ValidationError

from shared import languages, topology
from shared.institution.repository import Institution, Look
from shared.web.http.incoming import FORMS, Incoming
from shared.web.http.one_time_pad import padded
from shared.web.http.rate_limits import Limiter
from shared.web.problems import field_errors, invalid
from shared.web.times import Times
from shared.wiring import Platform

M = TypeVar("M", bound=BaseModel)
_json_text = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps would make one each time
ONE_YEAR = 365 * 24 * 3600  # seconds
FormState = Literal["ours", "moved", "stale"]
"""Whose form this is: this session's; this browser's, of before it signed in or out (``moved``); or of a browser
without our cookie, of another site, or older than our keys (``stale``)."""


class Person(Protocol):
    """Somebody who has signed in."""

    def may(self, permission: str) -> bool:
        """Whether their role has the ``permission``."""


class Answering(Protocol):
    """What a visit asks of the site that answers it (``shared.web.site.Site``)."""

    @property
    def platform(self) -> Platform:
        """The ports that its handlers work with."""

    @property
    def gate(self) -> Gate | None:
        """None where the site is for everybody."""

    @property
    def institution(self) -> Institution:
        """Who runs this, and how its pages look."""

    @property
    def limiter(self) -> Limiter:
        """How often something may be done, on the whole site."""

    def environment(self, language: str) -> jinja2.Environment:
        """Its templates, their texts in ``language`` (BCP 47)."""

    def cookie_name(self, name: str) -> str:
        """What browsers call the cookie: over https with a prefix (RFC 6265bis, 4.1.3.2)."""


class Gate(Protocol):
    """Who may come in, where a site is not for everybody (``shared.staff.gate``)."""

    @property
    def templates(self) -> Path:
        """The folder of the gate's own pages and of what all pages behind it share."""

    @property
    def permissions(self) -> Set[str]:
        """Those that a route may name."""

    @property
    def layout(self) -> str:
        """The template that pages extend for whoever has signed in."""

    def person(self, visit: Visit) -> Person | None:
        """Who has signed in. Raises ``Unavailable``."""

    def enter(self, visit: Visit, permission: str) -> Response | None:
        """Let them in (None), or answer for the handler. Raises ``Problem``."""

    def leave(self, visit: Visit, permission: str) -> None:
        """Before an answer that shows something goes out."""

    def session(self, visit: Visit) -> str:
        """What tells this browser's session from any other, to bind forms to; "" where there is none."""

    def ask_again(self, visit: Visit, state: FormState) -> Response:
        """The answer to a form that was not shown in this session. Raises ``Problem``."""


def is_listed(method: str, path: str) -> bool:
    """Whether search engines may list a page: one that anybody can open, and no link that is a key leads to."""
    return method in ("GET", "HEAD") and not any(key in path for key in topology.load().bearer_paths)


@dataclass
class Visit:
    """One request with what answering it needs."""

    request: Incoming
    site: Answering
    language: str
    cookies: dict[str, tuple[str, int]] = field(default_factory=dict)  # to set: name -> (value, seconds to live)
    api: bool = False
    staff: Person | None = None  # who has signed in, behind a gate
    zone: str = "UTC"  # IANA, of all times on a page
    theme: str = ""  # id of the theme of what the page is about, where that has one
    listed: bool = False  # whether search engines may list what is answered

    def __post_init__(self) -> None:
        self.path = self.request.path
        """Where a browser finds this page again; a handler changes it where that is another address."""

    @property
    def platform(self) -> Platform:
        """The site's."""
        return self.site.platform

    @property
    def layout(self) -> str:
        """The template that a page of no slice extends: behind a gate it keeps the navigation of whoever is there."""
        return self.site.gate.layout if self.site.gate and self.staff else "base.html"

    @cached_property
    def house(self) -> Look:
        """How its pages look, once a handler has said what they are about."""
        return self.site.institution.look(self.theme)

    @property
    def wants_page(self) -> bool:
        """Whether a browser asks, which shows what comes: programs accept JSON, or say nothing about HTML."""
        return self.request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html"

    @cached_property
    def sends_form(self) -> bool:
        """Whether it is a form that a person sent, from our page or another site's: what answers it is a page."""
        return self.request.mimetype in FORMS and self.wants_page

    def gettext(self, text: str) -> str:
        """In the visit's language; ``text`` itself where nothing is known."""
        return languages.translations(self.language).gettext(text)

    def ngettext(self, one: str, more: str, number: int) -> str:
        """The form that the visit's language has for ``number`` of them."""
        return languages.translations(self.language).ngettext(one, more, number)

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """An HTML page; ``visit``, ``lang``, ``house`` and ``times`` are known in every template."""
        self.listed = status == 200 and self.site.gate is None and is_listed(self.request.method, self.path)
        html = self.site.environment(self.language).get_template(template)
        times = Times(self.zone, self.language, self.platform.clock.now)
        body = html.render(visit=self, lang=self.language, house=self.house, times=times, **values)
        return Response(body, status, content_type="text/html; charset=utf-8", headers={"Cache-Control": "no-store"})

    def json(self, body: Any, status: int = 200, **headers: str) -> Response:
        """``application/json`` in UTF-8 (RFC 8259); ``headers`` by name."""
        return Response(_json_text(body), status, headers, content_type="application/json")

    def validated(self, model: type[M], given: Any) -> M:
        """``given`` as the model takes it in. Raises ``Problem`` (422) that names every faulty field."""
        try:
            return model.model_validate(given, context={"smtputf8": self.platform.settings.smtputf8})
        except ValidationError as error:
            raise invalid(field_errors(error, self.gettext), self.gettext) from None

    def query(self, model: type[M]) -> M:
        """What follows the ``?``; names that the model does not know are nobody's. Raises ``Problem`` (422)."""
        asked = self.request.args
        return self.validated(model, {name: asked[name] for name in model.model_fields if name in asked})

    def redirect(self, path: str) -> Response:
        """303: the answer to a form is another page, which may be reloaded."""
        return Response(status=303, headers={"Location": self.url(path) if path.startswith("/") else path})

    def url(self, path: str) -> str:
        """The absolute address of ``path``, which begins with a slash."""
        return self.platform.settings.base_url + path

    @property
    def canonical(self) -> str:
        """This page's one address for search engines: without what follows the ``?``, but for a language asked for."""
        asked = self.request.args.get("lang", "") if self.request.query_string else ""
        return self.url(f"{self.path}?lang={self.language}" if asked else self.path)

    def in_language(self, language: str, path: str = "") -> str:
        """The address of this page, or of ``path``, in another language."""
        asked = parse_qsl(urlsplit(path).query, True) if path else self.request.args.items(multi=True)
        query = [(name, value) for name, value in asked if name != "lang"]
        return f"{path.partition('?')[0] or self.path}?{urlencode([*query, ('lang', language)])}"

    def cookie(self, name: str) -> str:
        """The value of a cookie of ours, "" where the browser has none."""
        if "HTTP_COOKIE" not in self.request.environ:  # else all headers are looked through
            return ""
        return self.request.cookies.get(self.site.cookie_name(name), "")

    @cached_property
    def visitor(self) -> str:
        """A random name of this browser, kept in a cookie."""
        known = self.cookie("visitor")
        visitor = known if len(known) == 32 and known.isalnum() else secrets.token_hex(16)
        self.cookies["visitor"] = (visitor, ONE_YEAR)
        return visitor

    @cached_property
    def csrf_token(self) -> str:
        """For a form's hidden field ``csrf_token``: signed, bound to this browser and its session, new each time."""
        return padded(self.platform.tokens.sign("csrf", self.bound_to(self.visitor)))

    def bound_to(self, visitor: str) -> str:
        """What a form's token says: this browser and its session."""
        return f"{visitor}:{self.site.gate.session(self)}" if self.site.gate else visitor

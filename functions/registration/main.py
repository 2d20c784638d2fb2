"""Entry points of the registration functions. The only module of the slice that wires.

Each target imports its own modules only: a function must not wait at its start for what the others need.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import functions_framework
from flask import Request, Response

from functions.registration.registrations.service import Registrations
from shared.intake import Intake
from shared.web.site import Site
from shared.wiring import platform

__all__ = ["desk", "events", "web"]
TEMPLATES = Path(__file__).with_name("templates")


@cache
def _service() -> Registrations:
    here = platform()
    return Registrations(here.store, here.clock, here.tokens, here.settings.base_url)


@cache
def _web() -> Site:
    from functions.registration.web import api, find_pages, personal_pages, register_pages, sitemap
    from shared.web import content_pages, sitemaps, themes
    from shared.web.api_reference import description

    site = Site(platform(), TEMPLATES)
    api.register(site, _service())
    description.register(site)
    themes.register(site)
    content_pages.register(site)
    sitemaps.register(site, ["/events/sitemap.xml", "/activities/sitemap.xml"])
    register_pages.register(site, _service())
    personal_pages.register(site, _service())
    find_pages.register(site, _service())
    sitemap.register(site, _service())
    return site


@cache
def _desk() -> Site:
    from functions.registration.desk import events as pages
    from shared.staff.gate import DeskGate

    site = Site(platform(), TEMPLATES, DeskGate())
    pages.register(site, _service())
    return site


@cache
def _events() -> Intake:
    from functions.registration import handlers as event_intake

    return event_intake.intake(platform(), _service())


@functions_framework.http
def web(request: Request) -> Response:
    """Target ``registration.web``: the public pages and the API."""
    return _web()(request)


@functions_framework.http
def desk(request: Request) -> Response:
    """Target ``registration.desk``: the pages of the staff."""
    return _desk()(request)


@functions_framework.http
def events(request: Request) -> Response:
    """Target ``registration.events``: pushed bus events, ticks included."""
    return _events()(request)

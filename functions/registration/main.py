"""Entry points of the registration functions. The only module of the slice that wires."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import functions_framework
from flask import Request, Response

from functions.registration import desk as desk_pages
from functions.registration import events as event_intake
from functions.registration import pages
from functions.registration import web as api
from functions.registration.service import Registrations
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
    site = Site(platform(), TEMPLATES)
    api.register(site, _service())
    pages.register(site, _service())
    return site


@cache
def _desk() -> Site:
    site = Site(platform(), TEMPLATES)
    desk_pages.register(site, _service())
    return site


@cache
def _events() -> Intake:
    return event_intake.intake(platform(), _service().timekeeper())


@functions_framework.http
def web(request: Request) -> Response:
    return _web()(request)


@functions_framework.http
def desk(request: Request) -> Response:
    return _desk()(request)


@functions_framework.http
def events(request: Request) -> Response:
    return _events()(request)

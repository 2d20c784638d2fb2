"""Entry points of the inquiries functions. The only module of the slice that wires."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import functions_framework
from flask import Request, Response

from functions.inquiries.means import Means
from functions.inquiries.services import Service
from shared.intake import Intake
from shared.web.site import Site
from shared.wiring import Platform, platform

__all__ = ["desk", "events", "web"]
TEMPLATES = Path(__file__).with_name("templates")


def means_of(here: Platform) -> Means:
    """What the slice works with, on this platform."""
    settings = here.settings
    return Means(
        here.store,
        here.files,
        here.clock,
        here.tokens,
        settings.base_url,
        settings.inbound_domain,
        settings.from_domain,
        settings.inbound_authserv,
        settings.trusts_senders,
    )


@cache
def _means() -> Means:
    return means_of(platform())


@cache
def _service() -> Service:
    return Service(_means())


@cache
def _web() -> Site:
    from functions.inquiries.web import api, contact_pages, contact_steps, status_pages

    site = Site(platform(), TEMPLATES)
    api.register(site, _service())
    contact_pages.register(site, _service())
    contact_steps.register(site, _service())
    status_pages.register(site, _service())
    return site


@cache
def _desk() -> Site:
    from functions.inquiries.desk import home as pages
    from shared.staff.gate import DeskGate

    site = Site(platform(), TEMPLATES, DeskGate())
    pages.register(site, _service(), _means())
    return site


@cache
def _events() -> Intake:
    from functions.inquiries import handlers as event_intake

    return event_intake.intake(platform(), _service())


@functions_framework.http
def web(request: Request) -> Response:
    """Target ``inquiries.web``: the public pages and the API."""
    return _web()(request)


@functions_framework.http
def desk(request: Request) -> Response:
    """Target ``inquiries.desk``: the pages of the staff."""
    return _desk()(request)


@functions_framework.http
def events(request: Request) -> Response:
    """Target ``inquiries.events``: pushed bus events, ticks included."""
    return _events()(request)

"""Entry points of the notification functions. The only module of the slice that wires."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import functions_framework
from flask import Request, Response

from functions.notification.deliveries.service import Deliveries
from shared.adapters.embedded.mailer import MaildirMailer
from shared.intake import Intake
from shared.web.site import Site
from shared.wiring import platform

__all__ = ["desk", "events"]
TEMPLATES = Path(__file__).with_name("templates")


@cache
def _deliveries() -> Deliveries:
    here = platform()
    settings = here.settings
    return Deliveries(
        here.store,
        here.mailer,
        here.clock,
        settings.mail_from,
        singles=settings.limits.mails,
        base_url=settings.base_url,
    )


@cache
def _desk() -> Site:
    from functions.notification.desk import mailbox
    from functions.notification.desk import mails as pages
    from shared.staff.gate import DeskGate

    site, mailer = Site(platform(), TEMPLATES, DeskGate()), platform().mailer
    pages.register(site, _deliveries())
    mailbox.register(site, mailer if isinstance(mailer, MaildirMailer) else None)
    return site


@cache
def _events() -> Intake:
    from functions.notification import handlers as event_intake

    return event_intake.intake(platform(), _deliveries())


@functions_framework.http
def desk(request: Request) -> Response:
    """Target ``notification.desk``: the pages of the staff about mails."""
    return _desk()(request)


@functions_framework.http
def events(request: Request) -> Response:
    """Target ``notification.events``: pushed bus events, ticks included."""
    return _events()(request)

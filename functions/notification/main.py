"""The notification function's targets: ``events`` takes pushes and sends mail, ``desk`` shows what was sent."""

from __future__ import annotations

from functools import cache

import functions_framework
from flask import Request, Response

from functions.notification import events as intake
from functions.notification.service import Deliveries
from shared.intake import Intake
from shared.wiring import platform

__all__ = ["desk", "events"]


@functions_framework.http
def events(request: Request) -> Response:
    return _intake()(request)


@functions_framework.http
def desk(request: Request) -> Response:
    return Response("", 404)


@cache
def _deliveries() -> Deliveries:
    known = platform()
    return Deliveries(known.store, known.mailer, known.clock, known.settings.mail_from)


@cache
def _intake() -> Intake:
    return intake.intake(platform(), _deliveries())

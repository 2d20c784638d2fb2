"""Under construction: answers ``/healthz`` and takes every event, so that the whole can run."""

from __future__ import annotations

import functions_framework
from flask import Request, Response

__all__ = ["desk", "events", "web"]


@functions_framework.http
def web(request: Request) -> Response:
    return Response("under construction\n", 200, content_type="text/plain")


@functions_framework.http
def desk(request: Request) -> Response:
    return web(request)


@functions_framework.http
def events(request: Request) -> Response:
    return Response("", 200 if request.path == "/healthz" else 204)

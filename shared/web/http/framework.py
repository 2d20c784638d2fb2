"""Around the functions framework, whose own Flask application stands before every function.

It keeps some paths to itself (``/robots.txt``, ``/favicon.ico``, ``/static``), matches no path with a line break, and
refuses a Host that it cannot bind to, all of that with pages of another make and without our headers.
"""

from __future__ import annotations

from flask import Flask, current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response


def take_over(app: Flask) -> None:
    """Bring to the function whatever ``app`` would answer itself. Call it before the framework adds its routes."""
    app.url_map.merge_slashes = False  # our own map redirects
    app.register_error_handler(HTTPException, _ask_the_function)


def _ask_the_function(_: HTTPException) -> Response:
    answer: Response = current_app.view_functions["run"](path=request.path)  # type: ignore[assignment]
    return answer

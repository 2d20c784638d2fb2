"""The one description of the whole API, for programs and for people, whichever function serves it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from flask import Response

from shared.text import N_
from shared.web.api_reference import sections
from shared.web.openapi import Operation
from shared.web.site import Site
from shared.web.visit import Visit

TITLE = "onestop"
DESCRIPTION = N_(
    "Answers are JSON. Problems are `application/problem+json` (RFC 9457): `type` is for programs, `title`, `detail` "
    "and `errors` are for people, in the language of the request. A method that is not named here is answered with "
    "405, an address that does not exist with 404. Pages of allowed origins may read all answers (CORS)."
)
FILE = Path(__file__).parents[1] / "openapi.json"
"""Made of all slices' declarations by ``python -m infra.openapi``; a test holds it to them."""
DESCRIBE = Operation(
    "describeApi",
    "GET",
    "/api/openapi.json",
    N_("This description"),
    N_("Describe the API (OpenAPI 3.1)"),
    dict[str, Any],
)
OPERATIONS = (DESCRIBE,)


def register(site: Site) -> None:
    """Put the description on ``site``."""

    @site.route("/api")
    def page(visit: Visit) -> Response:
        made = document()
        return visit.page(
            "api.html",
            description=made["info"]["description"],
            sections=sections.sections(made, visit.platform.settings.base_url),
            common=sections.common(made),
            models=sections.models(made),
        )

    @site.operation(DESCRIBE)
    def describe(visit: Visit) -> Response:
        return visit.json({**document(), "servers": [{"url": visit.platform.settings.base_url}]})


@cache
def document() -> dict[str, Any]:
    """Without the address of a server, which differs from one installation to the next."""
    made: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return made

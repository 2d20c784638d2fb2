"""The files that a theme and its organisations bring, and those of ``shared/web/static``: what pages link and load.

A style sheet of its own for each theme, since our policy allows no inline style. Pictures are shown with a policy under
which an SVG could run nothing, however somebody opens it.
"""

from __future__ import annotations

from flask import Response
from werkzeug.exceptions import NotFound

from shared.formats.pictures import drawn
from shared.institution.models import digest
from shared.web.site import Site
from shared.web.static_files import FOR_A_WHILE, FOR_EVER, static_file
from shared.web.visit import Visit

PICTURES = ("emblem", "banner")
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"


def register(site: Site) -> None:
    """Put what pages link on ``site``."""
    site.route("/assets/<name>")(static_file)
    site.route("/favicon.ico")(_icon)
    site.route("/assets/themes/<id>.css")(_style)
    site.route("/assets/themes/<id>/<kind>")(_of_theme)
    site.route("/assets/organisations/<id>/emblem")(_of_organisation)


def _style(visit: Visit, id: str) -> Response:
    look = visit.site.institution.look(id)
    if look.theme.id != id:
        raise NotFound
    return _kept(visit, look.style.encode(), "text/css; charset=utf-8", digest(look.style))


def _of_theme(visit: Visit, id: str, kind: str) -> Response:
    theme = visit.site.institution.look(id).theme
    return picture(visit, getattr(theme, kind) if theme.id == id and kind in PICTURES else None)


def _of_organisation(visit: Visit, id: str) -> Response:
    organisation = visit.site.institution.organisations.get(id)
    return picture(visit, organisation.emblem if organisation else None)


def _icon(visit: Visit) -> Response:
    """What browsers ask for unasked."""
    emblem = visit.house.theme.emblem
    return picture(visit, emblem) if emblem else static_file(visit, "favicon.svg")


def picture(visit: Visit, text: str | None) -> Response:
    """The answer that shows a picture of the content. Raises ``NotFound`` where there is none."""
    if not text:
        raise NotFound
    made = drawn(text)
    response = _kept(visit, made.content, made.media_type, digest(text))
    response.headers["Content-Security-Policy"] = PICTURE_POLICY
    return response


def _kept(visit: Visit, content: bytes, media_type: str, version: str) -> Response:
    """Browsers keep it for ever at the address that names its content."""
    response = Response(content, content_type=media_type)
    response.headers["Cache-Control"] = FOR_EVER if visit.request.args.get("v") == version else FOR_A_WHILE
    response.set_etag(version)
    response.make_conditional(visit.request)
    return response

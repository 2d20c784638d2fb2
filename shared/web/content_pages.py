"""The pages that the content brings: privacy, accessibility, imprint, and whatever else an institution tells."""

from __future__ import annotations

from flask import Response
from werkzeug.exceptions import NotFound

from shared import languages
from shared.formats.markdown import markdown
from shared.web import sitemaps
from shared.web.site import Site
from shared.web.visit import Visit


def register(site: Site) -> None:
    """Put the pages on ``site``."""
    site.route("/pages/<id>")(_page)
    sitemaps.route(site, "/pages/sitemap.xml")(_mapped)


def _page(visit: Visit, id: str) -> Response:
    page = visit.site.institution.pages.get(id)
    if page is None:
        raise NotFound
    return visit.page("content_page.html", page=page, written=markdown(languages.text(page.text, visit.language)))


def _mapped(visit: Visit) -> list[str]:
    return ["/", *(f"/pages/{id}" for id in visit.site.institution.pages)]

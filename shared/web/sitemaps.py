"""What search engines are told: which addresses there are (https://www.sitemaps.org/protocol.html), in which languages.

Each slice maps its own pages, and ``/sitemap.xml`` names the maps. What they must not list says so itself, in
``X-Robots-Tag`` (``Visit.listed``): whoever is kept from reading a page by ``robots.txt`` would not see that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from flask import Response
from markupsafe import Markup

from shared import languages
from shared.web.site import Site
from shared.web.visit import Visit

MAX_ADDRESSES = 5_000  # of one map; the protocol allows ten times as many
FRESH = timedelta(minutes=10)
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SCHEMA = "http://www.sitemaps.org/schemas/sitemap/0.9"
Mapped = Callable[[Visit], Sequence[str]]


def register(site: Site, others: Sequence[str]) -> None:
    """Put ``robots.txt`` and the list of maps on ``site``; ``others`` are the paths of the maps of other pages."""

    @site.route("/robots.txt")
    def robots(visit: Visit) -> Response:
        lines = ["User-agent: *", "Disallow: /api/", f"Sitemap: {visit.url('/sitemap.xml')}"]
        return _public(Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8"))

    @site.route("/sitemap.xml")
    def maps(visit: Visit) -> Response:
        entries = (
            Markup("<sitemap><loc>{}</loc></sitemap>\n").format(visit.url(at)) for at in ("/pages/sitemap.xml", *others)
        )
        return _xml(f'<sitemapindex xmlns="{_SCHEMA}">\n', entries, "</sitemapindex>\n")


def route(site: Site, rule: str) -> Callable[[Mapped], Mapped]:
    """Register the map that lies at ``rule``; what is decorated gives its paths, and is asked every ten minutes."""

    def register(mapped: Mapped) -> Mapped:
        known: list[tuple[datetime, Sequence[str]]] = []

        def answer(visit: Visit) -> Response:
            now = visit.platform.clock.now()
            if not known or now - known[0][0] >= FRESH:
                known[:] = [(now, mapped(visit))]
            head = f'<urlset xmlns="{_SCHEMA}" xmlns:xhtml="http://www.w3.org/1999/xhtml">\n'
            return _xml(head, (_entry(visit, path) for path in known[0][1][:MAX_ADDRESSES]), "</urlset>\n")

        site.route(rule)(answer)
        return mapped

    return register


def _entry(visit: Visit, path: str) -> Markup:
    """One page, and that it is there in each language."""
    alternate = Markup('<xhtml:link rel="alternate" hreflang="{}" href="{}"/>')
    others = Markup().join(alternate.format(code, visit.url(f"{path}?lang={code}")) for code in languages.available())
    return Markup("<url><loc>{}</loc>{}</url>\n").format(visit.url(path), others)


def _xml(head: str, entries: Iterable[Markup], end: str) -> Response:
    return _public(Response(_HEAD + head + "".join(entries) + end, content_type="application/xml; charset=utf-8"))


def _public(response: Response) -> Response:
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response

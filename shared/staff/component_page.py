"""``/desk/components``: every component of the pages in every state, for those who design them."""

from __future__ import annotations

from itertools import islice

from flask import Response

from shared import languages
from shared.web.site import HERE, Site
from shared.web.visit import Visit

NAMES = sorted(path.stem for path in (HERE / "templates" / "components").glob("*.html"))


def register(site: Site) -> None:
    """Put the page on the one target that owns ``/desk``."""

    @site.route("/desk/components", may="components.view")
    def components(visit: Visit) -> Response:
        sheets = [(code, _specimens(visit, code)) for code in _languages(visit.language)]
        return visit.page("desk_components.html", names=NAMES, sheets=sheets)


def _languages(first: str) -> list[str]:
    """One of each direction, the page's own first."""
    other = (code for code in languages.available() if languages.direction(code) != languages.direction(first))
    return [first, *islice(other, 1)]


def _specimens(visit: Visit, language: str) -> dict[str, object]:
    """The macros of ``specimens.html`` by their names."""
    template = visit.site.environment(language).get_template("specimens.html")
    return vars(template.make_module({"visit": visit, "lang": language}))

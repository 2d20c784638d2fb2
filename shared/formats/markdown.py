"""Texts of the content that are written in Markdown (CommonMark 0.31, and tables), as HTML that cannot run anything.

HTML in the source is shown as it is written, and a link leads to the web, to a mailbox, to a telephone or to another
page of ours; any other address stays plain text.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_LINKED = re.compile(r"https?://|mailto:|tel:|/(?![/\\])|#", re.IGNORECASE)
_HEADING = re.compile("h([1-6])")


@lru_cache(256)
def markdown(text: str, top: int = 2) -> Markup:
    """``text`` as HTML, to stand in an element with the class ``text``.

    Args:
        top: what a heading with one ``#`` becomes; the page has its own ``<h1>``.
    """
    parser = _parser()
    tokens = parser.parse(text)
    for token in tokens:
        if found := _HEADING.fullmatch(token.tag):
            token.tag = f"h{min(int(found[1]) + top - 1, 6)}"
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - html is off


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    class Parser(MarkdownIt):
        def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
            return bool(_LINKED.match(url))

    # Pictures of other sites would be refused by the policy of our pages, and would tell those sites who reads them.
    return Parser("commonmark", {"html": False, "xhtmlOut": False}).enable("table").disable("image")

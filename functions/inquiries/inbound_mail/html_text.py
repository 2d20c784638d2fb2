"""What an HTML mail says, in plain text."""

from __future__ import annotations

import re

from functions.inquiries.inbound_mail.headers import Malformed
from shared.text import N_

MAX_DEPTH = 500  # elements open at once; libxml2 looks through all of them at an end tag that fits none
MAX_EVENTS = 200_000  # tags and pieces of text
MAX_MARKS = 20  # before one line
CHUNK = 16 * 2**10  # characters that are read before somebody may object
BLOCKS = frozenset(
    ["p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "hr", "blockquote"]
)
SILENT = frozenset(["style", "script", "head", "title"])


def html_text(html: str) -> str:
    """The words, a line for each block; quotations are marked with ``> `` as in plain mails.

    libxml2 reads in linear time (Python's own parser does not) and builds no tree here. Raises ``Malformed`` for what
    is nested deeper than ``MAX_DEPTH`` or has more than ``MAX_EVENTS``.
    """
    from lxml import etree  # few requests need it

    reader = _Words()
    parser = etree.HTMLParser(target=reader)
    for start in range(0, len(html), CHUNK):
        parser.feed(html[start : start + CHUNK])
    if html:
        parser.close()
    return re.sub(r"\n{3,}", "\n\n", "".join(reader.pieces)).strip()


class _Words:
    """A parser's target (https://lxml.de/parsing.html)."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._events = 0
        self._depth = 0
        self._quotes = 0
        self._silent = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Malformed(N_("Its HTML is nested too deeply."))
        self._silent += tag in SILENT
        self._quotes += tag == "blockquote"
        if tag in BLOCKS:
            self.pieces.append("\n")

    def end(self, tag: str) -> None:
        self._count()
        self._depth -= 1
        self._silent -= tag in SILENT
        if tag in BLOCKS and tag != "br":
            self.pieces.append("\n")
        self._quotes -= tag == "blockquote"

    def data(self, text: str) -> None:
        self._count()
        words = re.sub(r"\s+", " ", text)
        begins = not self.pieces or self.pieces[-1].endswith("\n")
        if self._silent or (begins and not words.strip()):
            return
        if self._quotes and begins:
            self.pieces.append("> " * min(self._quotes, MAX_MARKS))
        self.pieces.append(words)

    def close(self) -> None: ...

    def _count(self) -> None:
        self._events += 1
        if self._events > MAX_EVENTS:
            raise Malformed(N_("Its HTML has too many pieces."))

"""What an HTML mail says, in plain text."""

from __future__ import annotations

import re
from html.parser import HTMLParser


def html_text(html: str) -> str:
    """The words of an HTML mail, a line for each block; quotations are marked with ``> `` as in plain mails."""
    reader = _HtmlText()
    reader.feed(html)
    reader.close()
    return re.sub(r"\n{3,}", "\n\n", "".join(reader.pieces)).strip()


class _HtmlText(HTMLParser):
    BLOCKS = frozenset(
        ["p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "hr", "blockquote"]
    )
    SILENT = frozenset(["style", "script", "head", "title"])

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._quotes = 0
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.SILENT:
            self._silent += 1
        if tag == "blockquote":
            self._quotes += 1
        if tag in self.BLOCKS:
            self._new_line()

    def handle_endtag(self, tag: str) -> None:
        if tag in self.SILENT:
            self._silent = max(0, self._silent - 1)
        if tag in self.BLOCKS and tag != "br":
            self._new_line()
        if tag == "blockquote":
            self._quotes = max(0, self._quotes - 1)

    def handle_data(self, data: str) -> None:
        words = re.sub(r"\s+", " ", data)
        if self._silent or (not words.strip() and (not self.pieces or self.pieces[-1].endswith("\n"))):
            return
        if self._quotes and (not self.pieces or self.pieces[-1].endswith("\n")):
            self.pieces.append("> " * self._quotes)
        self.pieces.append(words)

    def _new_line(self) -> None:
        self.pieces.append("\n")

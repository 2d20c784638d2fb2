"""What content writes in Markdown cannot bring a script, a style or a foreign picture onto a page."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from shared.formats import markdown as module
from shared.formats.markdown import markdown

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "a <svg/onload=alert(1)> b",
    "<!-- <b> --> <style>*{}</style>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&#58;alert(1))",
    "[x](<java\nscript:alert(1)>)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "[x](//evil.example)",
    "[x](/\\evil.example)",
    "<javascript:alert(1)>",
    "![x](https://evil.example/pixel.png)",
    "![x](javascript:alert(1))",
    "[x][1]\n\n[1]: javascript:alert(1)",
    '[x](https://a.example "\\" onmouseover=alert(1) x=\\"")',
    '```"><script>\nalert(1)\n```',
]
TAG = re.compile(r"<(/?)([a-z0-9]+)((?:\s[^<>]*)?)>")
ATTRIBUTES = re.compile(r'\s([a-z]+)="([^"<>]*)"')
TAGS = {"p", "a", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "hr", "br"} | {
    f"h{n}" for n in range(2, 7)
}
TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}


def faults(html: str) -> list[str]:
    """Tags and attributes beyond those of plain text, and anything that is none of both."""
    found = []
    for _, tag, attributes in TAG.findall(html):
        found += [] if tag in TAGS else [tag]
        for name, value in ATTRIBUTES.findall(attributes):
            known = name in ("title", "class", "start") or re.match(r"https?://|mailto:|tel:|/[^/\\]|#", value)
            found += [] if known else [f"{name}={value}"]
        found += [ATTRIBUTES.sub("", attributes)] if ATTRIBUTES.sub("", attributes).strip() else []
    rest = TAG.sub("", html)
    return found + re.findall("<.*", rest)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_script_comes_through(text: str) -> None:
    assert faults(str(markdown(text))) == []


def test_a_parser_that_lets_html_through_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    monkeypatch.setattr(module, "_parser", lambda: MarkdownIt("commonmark"))
    module.markdown.cache_clear()
    assert sum(bool(faults(str(markdown(text)))) for text in HOSTILE) >= 6
    module.markdown.cache_clear()


def test_what_people_write_is_shown() -> None:
    html = markdown(
        "# Who we are\n\nWe *help*: [write](/contact), [site](https://who.example), <a@b.example>.\n\n- one\n- two"
    )
    assert html == (
        '<h2>Who we are</h2>\n<p>We <em>help</em>: <a href="/contact">write</a>, <a href="https://who.example">site</a>,'
        ' <a href="mailto:a@b.example">a@b.example</a>.</p>\n<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n'
    )
    assert "<td>2</td>" in markdown("|a|b|\n|-|-|\n|1|2|")
    assert markdown("###### deep", top=3) == "<h6>deep</h6>\n"

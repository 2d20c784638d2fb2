"""The stops of a progress line, as a reader meets them."""

from __future__ import annotations

import re

from werkzeug.test import TestResponse


def stops(page: TestResponse) -> list[str]:
    """The labels in their order; the present one in brackets, those to come after a question mark."""
    found = re.search(r'<ol class="steps">(.*?)</ol>', page.text, re.DOTALL)
    shown = []
    for kind, attributes, label in re.findall(r'<li class="(\w*)"([^>]*)>(.*?)</li>', found[1] if found else ""):
        present = "aria-current" in attributes
        shown.append(f"[{label}]" if present else label if kind == "done" else f"? {label}")
    return shown

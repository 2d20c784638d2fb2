"""The page of all components in a real browser: what assistive technology reads of each, and axe in both schemes.

The snapshot is of roles and names, not of pixels: it changes where a component says or does something else, and is the
same whatever fonts a machine has. ``SNAPSHOT=write`` writes it anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.test_main_day import sign_in
from tests.system.harness import Onestop

pytestmark = [pytest.mark.browser, pytest.mark.system]

SNAPSHOT = Path(__file__).with_name("components.txt")
ADMINISTRATOR = "admin@who.example"
Window = Callable[..., Page]


def faults(page: Page) -> Iterator[str]:
    """What axe finds, its best practices included."""
    for found in Axe().run(page).response["violations"]:
        yield from (f"{found['id']}: {node['html'][:160]}" for node in found["nodes"])


def snapshot(page: Page) -> str:
    """Each component as the first of the two languages shows it."""
    sections = page.locator(".specimens > section")
    return "\n".join(
        f"# {section.get_attribute('id')}\n{section.locator('.both > div').first.aria_snapshot()}\n"
        for section in sections.all()
    )


def test_every_component(onestop: Onestop, window: Window) -> None:
    page = window()
    sign_in(page, onestop, ADMINISTRATOR)
    page.goto("/desk/components?lang=en")
    seen = snapshot(page)
    if os.environ.get("SNAPSHOT") == "write":
        SNAPSHOT.write_text(seen, "utf-8")
    assert seen == SNAPSHOT.read_text("utf-8")
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        assert list(faults(page)) == []
    page.evaluate("document.querySelector('.tile').innerHTML = '<img src=x>'")
    assert any(fault.startswith("image-alt") for fault in faults(page)), "the negative control"

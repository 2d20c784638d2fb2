"""Fixtures of the browser tests: one running onestop, one chromium, a new window for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.system.harness import Onestop

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"


@pytest.fixture(scope="session")
def onestop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onestop]:
    """One that runs for the whole session: use own addresses and events, and leave the clock alone."""
    with Onestop(tmp_path_factory.mktemp("onestop")) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Not for the whole session: while it lives, its event loop keeps other tests from running theirs."""
    if not os.path.exists(CHROMIUM):
        pytest.skip("chromium was not found: install it (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def window(chromium: Browser, onestop: Onestop) -> Iterator[Callable[..., Page]]:
    """Opens a window of a new visitor (``width=390`` for a telephone, ``java_script_enabled=False``).

    The test fails where a page breaks the security policy, throws, or is wider than its window.
    """
    faults: list[str] = []
    contexts = []

    def opened(width: int = 1280, **options: object) -> Page:
        options.setdefault("base_url", onestop.url)
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
        page.on("console", lambda told: faults.append(told.text) if "Security Policy" in told.text else None)
        page.on("load", lambda: faults.extend(_too_wide(page)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def _too_wide(page: Page) -> list[str]:
    size = page.viewport_size or {"width": 0}
    wide = page.evaluate("document.documentElement.scrollWidth")
    return [f"{page.url} is {wide} wide, its window {size['width']}"] if wide > size["width"] else []

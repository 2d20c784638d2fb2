"""The desk's one script in a real browser: keys, boxes, and what is new while a list is open."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_main_day import ask, sign_in
from tests.system.harness import Onestop

pytestmark = [pytest.mark.browser, pytest.mark.system]


def test_keys_boxes_and_what_is_new(onestop: Onestop, window: Callable[..., Page]) -> None:
    visitor, desk = window(), window()
    for subject in ("Keys one", "Keys two"):
        ask(visitor, subject, "keys@health.example")
    onestop.wait_for_mail("keys@health.example", 2)
    sign_in(desk, onestop)
    desk.goto("/desk/inquiries?q=keys")
    keys, rows = desk.keyboard, desk.get_by_role("row").filter(has=desk.get_by_role("rowheader"))
    for key, row in [("j", 0), ("j", 1), ("j", 1), ("k", 0)]:
        keys.press(key)
        expect(rows.nth(row).get_by_role("rowheader").get_by_role("link")).to_be_focused()
    keys.press("a")
    expect(desk.get_by_label("Give those ticked to")).to_be_focused()
    expect(desk.locator("[data-ticked]")).to_have_text("1")
    desk.get_by_label("All of this page").check()
    expect(desk.locator("[data-ticked]")).to_have_text("2")
    keys.press("/")
    expect(desk.get_by_label("Words or reference")).to_be_focused()
    keys.type("jk?")
    expect(desk.get_by_label("Words or reference")).to_have_value("jk?")

    desk.goto("/desk/inquiries")
    ask(visitor, "Keys three", "keys@health.example")
    onestop.wait_for_mail("keys@health.example", 3)
    told = desk.get_by_text("1 inquiry has come or changed since this page was opened.")
    for _ in range(50):  # until it is routed
        if told.is_visible():
            break
        desk.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as when somebody comes back to it
        desk.wait_for_timeout(200)
    expect(told).to_be_visible()
    desk.get_by_role("link", name="Show the list afresh").click()
    expect(desk.get_by_role("link", name="Keys three")).to_be_visible()
    expect(desk.get_by_text("Keys", exact=True)).to_be_visible()  # which the script shows
    keys.press("j")
    keys.press("o")
    expect(desk.get_by_role("heading", name="Keys three")).to_be_visible()

"""When many forms arrive: the browser solves a puzzle by itself, or a mailed code opens the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_main_day import fill_in
from tests.system.harness import Onestop

pytestmark = [pytest.mark.browser, pytest.mark.system]

Window = Callable[..., Page]


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onestop]:
    """One that finds a single form in five minutes a lot."""
    limits = "visitor=0 network=0 busy=1 seconds=0"
    with Onestop(tmp_path_factory.mktemp("busy"), ONESTOP_LIMITS=limits) as running:
        yield running


@pytest.fixture
def visit(busy: Onestop, window: Window) -> Window:
    """Opens windows there, in busy times."""

    def opened(**options: object) -> Page:
        return window(base_url=busy.url, **options)

    first = opened()
    fill_in(first, "The first form", "first@health.example")
    first.get_by_role("button", name="Send", exact=True).click()
    return opened


def test_the_browser_solves_the_puzzle_by_itself(visit: Window) -> None:
    page = visit()
    fill_in(page, "With scripts", "scripts@health.example")
    expect(page.get_by_text("Solved. You can send the form.")).to_be_visible()
    expect(page.get_by_label("Code from our mail")).to_be_hidden()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("Thank you, your request is with us.")).to_be_visible()


def test_sent_before_it_is_solved_the_form_waits_for_the_solution(visit: Window) -> None:
    page, held = visit(), []
    page.route("**/challenge-worker.js", lambda route: held.append(route))
    fill_in(page, "In a hurry", "hurry@health.example")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("your browser is solving a small puzzle")).to_be_visible()
    held[0].continue_()
    expect(page.get_by_text("Thank you, your request is with us.")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_without_scripts_a_mailed_code_is_the_way(busy: Onestop, visit: Window, width: int) -> None:
    email = f"no.scripts.{width}@health.example"
    page = visit(width=width, java_script_enabled=False)
    fill_in(page, "Without scripts", email)
    page.get_by_role("button", name="Mail me a code").click()
    expect(page.get_by_text(f"We have mailed a code to {email}.").first).to_be_visible()
    [mail] = busy.wait_for_mail(email)
    body = mail.get_body(("plain",))
    assert body
    code = re.search(r"^[A-Z0-9]{4}-[A-Z0-9]{4}\s*$", body.get_content(), re.MULTILINE)
    assert code
    page.get_by_label("Code from our mail").fill(code[0].strip())
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("Thank you, your request is with us.")).to_be_visible()

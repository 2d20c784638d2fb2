"""The desk's main day in a real browser: sign in, filter, assign, answer, close; and the visitor's side of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from playwright.sync_api import Page, expect

from tests.system.harness import Onestop

pytestmark = [pytest.mark.browser, pytest.mark.system]

OFFICER = "amara.diallo@who.example"
Window = Callable[..., Page]


def fill_in(page: Page, subject: str, email: str) -> None:
    page.goto("/contact")
    page.get_by_label("Subject").fill(subject)
    page.get_by_label("Your request").fill("We would like advice on a tender for public procurement.")
    page.get_by_label("Procurement and supply").check()
    page.get_by_label("Full name").fill("Wanjiru Kamau")
    page.get_by_label("Family name").fill("Kamau")
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Country").fill("Kenya")
    page.get_by_label("You write for").select_option("government")
    page.get_by_label("I agree that my data").check()


def ask(page: Page, subject: str, email: str) -> str:
    """Send the contact form; returns the reference."""
    fill_in(page, subject, email)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you, your request is with us.")).to_be_visible()
    return page.locator(".eyebrow .reference").inner_text()


def link_in(mail: EmailMessage, path: str) -> str:
    """The mail's link to somewhere below ``path``."""
    body = mail.get_body(("plain",))
    assert body
    found = re.search(rf"https?://\S+?({path}\S*)", body.get_content())
    assert found, body.get_content()
    return found[1]


def sign_in(page: Page, onestop: Onestop, email: str = OFFICER) -> None:
    known = len(onestop.mails(email))
    page.goto("/desk")
    page.get_by_label("Work email address").fill(email)
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_text("a sign-in link is on its way")).to_be_visible()
    links = [mail for mail in onestop.wait_for_mail(email, known + 1) if "sign-in" in str(mail["Subject"])]
    page.goto(link_in(links[-1], "/desk/sign-in/"))
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Today")).to_be_visible()


@pytest.mark.parametrize(("width", "scripts"), [(1280, True), (390, False)])
def test_the_main_day(onestop: Onestop, window: Window, width: int, scripts: bool) -> None:
    requester = f"w.kamau.{width}.{scripts}@health.example"
    subject = f"A procurement policy {width} {scripts}"
    visitor, desk = (window(width, java_script_enabled=scripts) for _ in range(2))
    reference = ask(visitor, subject, requester)
    onestop.wait_for_mail(requester)
    sign_in(desk, onestop)

    desk.goto("/desk/inquiries")
    desk.get_by_label("Words or reference").fill(reference)
    desk.get_by_role("button", name="Show").click()
    expect(desk.get_by_role("link", name=subject)).to_be_visible()
    desk.get_by_label(reference, exact=True).check()
    desk.get_by_label("Give those ticked to").select_option(OFFICER)
    desk.get_by_role("button", name="Assign").click()
    expect(desk.get_by_text("1 inquiry is assigned.")).to_be_visible()
    desk.get_by_label(reference, exact=True).check()
    desk.get_by_role("button", name="Close those ticked").click()
    expect(desk.get_by_role("heading", name="Close 1 inquiry?")).to_be_visible()
    desk.get_by_role("link", name="Back to the list").click()

    desk.get_by_role("link", name=subject).click()
    desk.get_by_label("Canned reply").select_option("more-details")
    desk.get_by_role("button", name="Insert").click()
    answer = desk.get_by_label("To the requester")
    expect(answer).to_have_value(re.compile(f"Thank you for your request {reference}"))
    desk.get_by_role("button", name="Preview").click()
    expect(desk.get_by_text("Preview: this is what the requester reads")).to_be_visible()
    desk.get_by_role("button", name="Send the answer").click()
    expect(desk.get_by_text("Your answer is on its way.")).to_be_visible()

    onestop.wait_for_mail(requester, 2)
    visitor.reload()
    expect(visitor.get_by_text(f"Thank you for your request {reference}")).to_be_visible()
    desk.get_by_role("button", name="Close", exact=True).click()
    expect(desk.locator(".badge", has_text="Closed")).to_be_visible()
    visitor.reload()
    expect(visitor.get_by_text("This request is closed.")).to_be_visible()


def test_two_editors_at_once(onestop: Onestop, window: Window) -> None:
    reference = ask(window(), "Two editors", "two.editors@health.example")
    onestop.wait_for_mail("two.editors@health.example")
    one, two = window(), window()
    for page in (one, two):
        sign_in(page, onestop)
        page.goto(f"/desk/inquiries/{reference}")
    one.get_by_text("Write an internal note").click()
    one.get_by_label("For the staff of the organisations").fill("I take this.")
    one.get_by_role("button", name="Keep the note").click()
    expect(one.get_by_text("Your note is kept.")).to_be_visible()
    two.get_by_label("To the requester").fill("My careful answer.")
    two.get_by_role("button", name="Send the answer").click()
    expect(two.get_by_text("Somebody changed this while you were working on it")).to_be_visible()
    expect(two.get_by_label("To the requester")).to_have_value("My careful answer.")


def test_signing_out_everywhere(onestop: Onestop, window: Window) -> None:
    email = "lucas.ferreira@who.example"
    telephone, laptop = window(390), window()
    for page in (telephone, laptop):
        sign_in(page, onestop, email)
    laptop.goto("/desk/settings")
    laptop.get_by_role("button", name="Sign out on all devices").click()
    for page in (telephone, laptop):
        page.goto("/desk")
        expect(page.get_by_role("heading", name="Staff sign-in")).to_be_visible()

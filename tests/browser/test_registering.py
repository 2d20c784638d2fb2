"""A participant's way through the public pages in a real browser, in each language, with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from email.message import EmailMessage

import pytest
from playwright.sync_api import Locator, Page, Response, expect

from shared import languages
from tests.system.harness import Onestop

pytestmark = [pytest.mark.browser, pytest.mark.system]

WEBINAR, BRIEFING = "procurement-webinar-next", "open-briefing"
Window = Callable[..., Page]


@pytest.fixture
def visitor(window: Window) -> Iterator[Callable[..., Page]]:
    """Opens a window as ``window`` does; the test fails, too, where the console has an error or a file is missing."""
    faults: list[str] = []

    def opened(language: str, width: int = 1280, scripts: bool = True) -> Page:
        page = window(width, locale=language, java_script_enabled=scripts)
        page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
        page.on("response", lambda answer: faults.append(answer.url) if _missing(answer) else None)
        return page

    yield opened
    # The console calls it an error, too, when a page comes with the status 4xx, as refused forms do.
    assert [fault for fault in faults if not fault.startswith("Failed to load resource")] == []


def _missing(answer: Response) -> bool:
    return answer.status >= 400 and answer.request.resource_type != "document"


class Form:
    """The registration form, reached from the event's page. Fields go by their names, the same in every language."""

    def __init__(self, page: Page, event: str) -> None:
        self.page = page
        opened = page.goto(f"/events/{event}")
        assert opened is not None
        assert opened.ok, page.content()
        page.locator(f"a[href='/events/{event}/register']:visible").first.click()

    def field(self, name: str) -> Locator:
        return self.page.locator(f"main [name='{name}']")

    def fill(self, email: str) -> None:
        self.field("full_name").fill("نور O'Brien-Çelik")
        self.field("family_name").fill("O'Brien-Çelik")
        self.field("email").fill(email)
        self.field("country").fill("Egypt")
        self.field("consent").check()

    def send(self) -> None:
        self.page.locator("main form .actions button").click()

    def error(self, name: str) -> Locator:
        """The message in the same box as the field."""
        return self.page.locator(f".field:has([name='{name}']) .error")


def said(text: str, language: str) -> str:
    return languages.translations(language).gettext(text)


def link_in(mail: EmailMessage, path: str) -> str:
    body = mail.get_body(("plain",))
    assert body
    found = re.search(rf"https?://[^/\s]+(/r/\S+{path})\s", body.get_content() + "\n")
    assert found, body.get_content()
    return found[1]


@pytest.mark.parametrize(  # every two of them once together
    ("language", "width", "scripts"),
    [("en", 1280, True), ("en", 390, False), ("ar", 1280, False), ("ar", 390, True)],
)
def test_the_whole_way(
    onestop: Onestop, visitor: Callable[..., Page], language: str, width: int, scripts: bool
) -> None:
    email = f"noor.{language}.{width}.{scripts}@health.example"
    page = visitor(language, width, scripts)
    form = Form(page, WEBINAR)
    expect(page.locator("html")).to_have_attribute("dir", languages.direction(language))

    form.fill("noor@nowhere")
    form.field("country").fill("")
    form.field("answers.question").fill("Who pays?\nAnd when?")
    form.send()
    expect(page.locator(".error-summary a")).to_have_count(2)
    expect(page.locator(".error-summary")).to_be_focused()
    for name in ("email", "country"):
        expect(form.error(name)).to_be_visible()
    expect(form.field("family_name")).to_have_value("O'Brien-Çelik")
    expect(form.field("email")).to_have_value("noor@nowhere")
    expect(form.field("answers.question")).to_have_value("Who pays?\nAnd when?")
    expect(form.field("consent")).to_be_checked()

    form.field("email").fill(email)
    form.field("country").fill("Egypt")
    form.send()
    expect(page.locator("h1")).to_have_text(said("One more step: look into your mailbox", language))
    [mail] = onestop.wait_for_mail(email)
    page.goto(link_in(mail, "/verify"))
    expect(page.locator("h1")).to_have_text(said("Verify your address", language))
    page.get_by_role("button", name=said("Yes, register me", language)).click()
    expect(page.get_by_text(said("Thank you, your address is verified.", language))).to_be_visible()
    expect(page.get_by_role("link", name="https://meet.onestop.example/procurement")).to_be_visible()

    page.get_by_role("link", name=said("Cancel my registration", language)).click()
    page.get_by_role("button", name=said("Cancel my registration", language)).click()
    expect(page.get_by_text(said("Your registration is cancelled.", language))).to_be_visible()
    expect(page.get_by_role("link", name=said("Register again", language))).to_be_visible()
    assert len(onestop.wait_for_mail(email, 3)) == 3, "received, confirmed, cancelled"


@pytest.mark.parametrize(("language", "scripts"), [("en", False), ("ar", True)])
def test_an_event_without_verification_confirms_by_mail(
    onestop: Onestop, visitor: Callable[..., Page], language: str, scripts: bool
) -> None:
    email = f"briefed.{language}.{scripts}@health.example"
    page = visitor(language, 390, scripts)
    form = Form(page, BRIEFING)
    form.fill(email)
    form.send()
    expect(page.locator("h1")).to_have_text(said("We have received your registration", language))
    [mail] = onestop.wait_for_mail(email)
    page.goto(link_in(mail, ""))
    expect(page.locator("main")).to_contain_text(email)

    again = Form(page, BRIEFING)
    again.fill(email)
    again.send()
    expect(page.locator("h1")).to_have_text(said("We have received your registration", language))
    assert len(onestop.wait_for_mail(email, 2)) == 2, "its owner is told, and nobody else"


def test_a_double_click_registers_once(onestop: Onestop, visitor: Callable[..., Page]) -> None:
    email = "twice@health.example"
    page = visitor("en")
    form = Form(page, BRIEFING)
    form.fill(email)
    page.locator("main form .actions button").dblclick()
    expect(page.locator("h1")).to_have_text("We have received your registration")
    onestop.wait_for_mail(email)
    everybody = onestop.store().query("registrations", limit=1000)
    assert [one.data["email"] for one in everybody].count(email) == 1


def test_keys_alone_are_enough(onestop: Onestop, visitor: Callable[..., Page]) -> None:
    page = visitor("en")
    form = Form(page, BRIEFING)
    form.field("full_name").focus()
    for typed in ("Ada", "Lovelace", "keys@health.example", "Egypt", "", ""):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("We have received your registration")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_neither_another_language_nor_a_lost_cookie_costs_what_was_typed(
    onestop: Onestop, visitor: Callable[..., Page], scripts: bool
) -> None:
    page = visitor("en", 390, scripts)
    form = Form(page, BRIEFING)
    form.fill(f"kept.{scripts}@health.example")
    page.get_by_role("button", name="العربية").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(form.field("language")).to_have_value("ar")
    page.context.clear_cookies()
    form.field("full_name").press("Enter")
    expect(page.locator(".error-summary")).to_be_focused()
    expect(form.field("family_name")).to_have_value("O'Brien-Çelik")
    expect(form.field("consent")).to_be_checked()
    form.send()
    expect(page.locator("h1")).to_have_text("We have received your registration")


def test_pages_are_no_wider_than_a_telephone(onestop: Onestop, visitor: Callable[..., Page]) -> None:
    """The fixture ``window`` looks at each page's width."""
    for language in ("en", "ar"):
        page = visitor(language, 390)
        for path in ("/", "/events", "/events/local-production-forum-next", "/activities", "/contact", "/nothing"):
            page.goto(path)
            expect(page.locator("h1")).to_be_visible()

"""Themes, content pages, who runs this, and what search engines are told, over all targets with the sample content."""

from __future__ import annotations

import email
import re
from email.policy import default
from pathlib import Path

import pytest

import functions.inquiries.main
import functions.notification.main
import functions.registration.main
from functions.notification.mails.composers import mails_for
from functions.notification.mails.render import render
from shared.adapters.embedded.store import SqliteStore
from shared.contracts.bus_events import BusEvent
from shared.contracts.registration import RegistrationConfirmed
from shared.institution import toml_files
from shared.institution.models import Page, Theme
from shared.ports import Replace, Unavailable
from tests.house import BASE, House
from tests.payloads import FACTS, NOW, common
from tests.system.harness import wait_for

PRIVATE = [
    "/r/token",
    "/i/token",
    "/desk",
    "/desk/sign-in",
    "/mailbox",
    "/events/x/registered/y",
    "/nothing",
    "/api/events",
]
PUBLIC = ["/", "/events", "/events/open-briefing", "/activities", "/contact", "/pages/privacy"]


@pytest.mark.parametrize("path", PRIVATE)
def test_search_engines_list_no_page_that_is_somebodys(house: House, path: str) -> None:
    assert house.get(path, headers=[("Accept", "text/html")]).headers["X-Robots-Tag"] == "noindex"


@pytest.mark.parametrize("path", PUBLIC)
def test_public_pages_say_what_they_are(house: House, path: str) -> None:
    answer = house.get(f"{path}?page=1")
    assert answer.status == 200
    assert "X-Robots-Tag" not in answer.headers
    assert f'<link rel="canonical" href="{BASE}{path}">' in answer.text
    title = re.search("<title>(.+) · onestop</title>", answer.text)
    assert title
    assert f'<meta property="og:title" content="{title[1]}">' in answer.text
    assert re.search('<meta name="description" content="[^"]{20,300}">', answer.text)


def test_the_language_that_was_asked_for_has_an_address_of_its_own(house: House) -> None:
    text = house.get("/pages/privacy?lang=ar").text
    assert f'<link rel="canonical" href="{BASE}/pages/privacy?lang=ar">' in text
    assert '<div class="text" lang="ar" dir="rtl">' in text


def test_a_text_without_the_visitors_language_says_which_it_is_in(house: House) -> None:
    page = Page(id="only-english", title={"en": "Rules"}, text={"en": "Be *kind*."})
    house.platform.store.commit([Replace("pages", page.id, page.data(), None)])
    _forget()
    text = house.get("/pages/only-english?lang=ar").text
    assert '<div class="text" lang="en" dir="ltr">\n<p>Be <em>kind</em>.</p>' in text


def test_who_runs_this_stands_on_every_public_page(house: House) -> None:
    for path in PUBLIC:
        text = house.get(path).text
        banner = text[text.index("<header") : text.index("</header>")]  # a landmark, so that nobody reads past it
        assert "A joint service of WHO, WIPO and WTO" in banner
        assert text.count('loading="lazy"') == 3
        for at in ("/pages/privacy", "/pages/accessibility", "/pages/imprint", "/contact"):
            assert f'<a href="{at}">' in text
    assert "خدمة مشتركة" in house.get("/?lang=ar").text


def test_emblems_are_kept_for_ever_and_can_run_nothing(house: House) -> None:
    addresses = set(re.findall(r'(?:src|href)="(/assets/(?:themes|organisations)/[^"]+)"', house.get("/").text))
    assert len(addresses) == 4
    for address in addresses:
        answer = house.get(address)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/svg+xml")
        assert "immutable" in answer.headers["Cache-Control"]
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert "immutable" not in house.get(address.partition("?")[0]).headers["Cache-Control"]
    assert house.get("/favicon.ico").body == house.get("/assets/themes/platform/emblem").body


@pytest.mark.parametrize(
    "path", ["/assets/themes/none.css", "/assets/themes/none/emblem", "/assets/themes/platform/banner"]
)
def test_what_a_theme_does_not_have_is_not_there(house: House, path: str) -> None:
    assert house.get(path).status == 404


def test_maps_of_the_site_lead_to_pages_that_are_there(house: House) -> None:
    robots = house.get("/robots.txt").text
    assert f"Sitemap: {BASE}/sitemap.xml" in robots
    maps = re.findall("<loc>([^<]+)</loc>", house.get("/sitemap.xml").text)
    found = []
    for address in maps:
        answer = house.get(address.removeprefix(BASE))
        assert answer.headers["Content-Type"].startswith("application/xml")
        assert 'hreflang="ar"' in answer.text
        found += re.findall("<loc>([^<]+)</loc>", answer.text)
    assert {f"{BASE}{path}" for path in PUBLIC} <= set(found)
    for address in found[:40]:
        answer = house.get(address.removeprefix(BASE))
        assert answer.status == 200
        assert "X-Robots-Tag" not in answer.headers


def test_pages_look_as_they_did_while_the_store_is_out_of_reach(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_given: object, **_options: object) -> None:
        raise Unavailable("out of reach")

    _forget()
    with monkeypatch.context() as patch:
        for name in ("get", "query"):
            patch.setattr(SqliteStore, name, broken)
        answer = house.get("/events", headers=[("Accept", "text/html")])
    assert (answer.status, "<title>" in answer.text) == (503, True)
    _forget()


def test_content_comes_back_as_it_was_exported(house: House, tmp_path: Path) -> None:
    store = house.platform.store
    written = toml_files.export(store, tmp_path)
    assert toml_files.save(store, toml_files.read(written, store)) == 0


def test_an_events_theme_has_from_the_installations_what_it_does_not_choose(house: House) -> None:
    store = house.platform.store
    theme = Theme.model_validate({"id": "small", "name": "Small", "colours": {"accent": "#005a9c"}})
    store.commit([Replace("themes", theme.id, theme.data(), None)])
    event = store.get("events", "open-briefing")
    assert event
    store.commit([Replace("events", event.id, {**event.data, "theme": "small"}, event.version)])
    _forget()

    def themed() -> str:
        found = house.get("/events/open-briefing").text
        return found if "/assets/themes/small.css" in found else ""

    page = wait_for(themed, "the event's theme")  # a process believes for two seconds what it read of an event
    (sheet,) = re.findall(r'href="(/assets/themes/small.css\?v=[^"]+)"', page)
    assert "--accent:#005a9c" in house.get(sheet).text
    assert "/assets/themes/small/emblem" in page
    assert "A joint service of WHO" in page
    assert "<title>Open briefing (sample) · Small</title>" in page


def test_a_page_about_an_event_has_its_banner_and_calendars_have_names(house: House) -> None:
    page = house.get("/events/local-production-forum-next").text
    assert 'class="banner" src="/assets/themes/local-production-forum/banner?v=' in page
    assert "A service of WHO" in page
    assert 'class="banner"' not in house.get("/events/open-briefing").text
    assert 'class="banner"' in house.get("/series/world-local-production-forum").text
    calendar = house.get("/events/calendar.ics").text.splitlines()
    assert {"NAME:onestop · Events", "X-WR-CALNAME:onestop · Events"} <= set(calendar)


def _forget() -> None:
    """Sites believe for a minute what they read of the content."""
    for site in (functions.registration.main._web(), functions.inquiries.main._web()):
        site.institution._known.clear()


def test_mails_about_an_event_have_its_look(house: House) -> None:
    deliveries = functions.notification.main._deliveries()
    confirmed = RegistrationConfirmed(
        **{**common(), "event": FACTS.model_copy(update={"theme": "local-production-forum"})}, sequence=0
    )
    (mail,) = mails_for(BusEvent("event-1", NOW, "", confirmed))
    html = {}
    for theme in ("local-production-forum", ""):
        look = deliveries.institution.look(mail.theme and theme)
        content = email.message_from_bytes(
            render(mail, "key", "onestop <a@b.example>", NOW, look).content, policy=default
        )
        part = content.get_body(("html",))
        assert part
        html[theme] = str(part.get_content())
    assert "#7a2e4d" in html["local-production-forum"]
    assert ">World Local Production Forum</p>" in html["local-production-forum"]
    assert "#0b5670" not in html["local-production-forum"]
    assert "#0b5670" in html[""]

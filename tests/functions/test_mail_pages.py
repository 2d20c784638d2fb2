"""The laptop's mailbox and the mail desk, as a browser sees them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from functions.notification.deliveries.service import Deliveries
from functions.notification.desk import mailbox, mails
from functions.notification.main import TEMPLATES
from shared import topology
from shared.adapters.embedded.bus import SqliteBus
from shared.adapters.embedded.mailer import MaildirMailer
from shared.contracts.bus_events import BusEvent, outbox_row
from shared.contracts.registration import RegistrationConfirmed
from shared.contracts.staff import StaffSignInRequested
from shared.intake import DEAD_LETTERS
from shared.ports import Create, Replace
from shared.staff import members
from shared.staff import sign_in as sign_in_pages
from shared.staff.gate import DeskGate
from shared.web.site import Site
from shared.wiring import Platform
from tests.functions.browser import Browser, platform, press, words
from tests.payloads import NOW, common


@pytest.fixture
def here(tmp_path: Path) -> Platform:
    bus = SqliteBus(tmp_path / "bus.db", topology.load())
    built = replace(platform(tmp_path), mailer=MaildirMailer(tmp_path / "mail"), bus=bus)
    member = {"name": "Amina", "organisation": "who", "role": "administrator", "languages": ["en"], "queues": []}
    built.store.commit([Create(members.STAFF, "amina@who.test", member)])
    return built


@pytest.fixture
def deliveries(here: Platform) -> Deliveries:
    return Deliveries(here.store, here.mailer, here.clock, here.settings.mail_from)


@pytest.fixture
def browser(here: Platform, deliveries: Deliveries) -> Browser:
    site, sign_in = Site(here, TEMPLATES, DeskGate()), Site(here, TEMPLATES, DeskGate())
    mails.register(site, deliveries)
    assert isinstance(here.mailer, MaildirMailer)
    mailbox.register(site, here.mailer)
    sign_in_pages.routes(sign_in)
    return Browser(site, sign_in, address="127.0.0.1")


def mail(
    here: Platform, deliveries: Deliveries, id: str = "e1", email: str = "ana@example.org", name: str = ""
) -> None:
    payload = StaffSignInRequested(
        name=name, email=email, language="en", link=f"https://onestop.test/{id}", valid_minutes=15
    )
    event = BusEvent(id, NOW, "", payload)
    owed = deliveries.owed(event)
    here.store.commit(owed)
    deliveries.send_for(event, owed)


def sign_in(here: Platform, browser: Browser) -> None:
    browser.send(browser.get("/desk/sign-in"), email="amina@who.test")
    (row,) = here.store.query("outbox")
    link = row.data["data"]["link"].removeprefix(here.settings.base_url)
    assert browser.send(browser.get(link), at=link).status_code == 303


def messages(page: TestResponse) -> list[str]:
    return re.findall(r'href="(/mailbox/[^"/]+)"', page.text)


# -- the mailbox --


def mailbox_site(here: Platform, **settings: object) -> Site:
    site = Site(replace(here, settings=replace(here.settings, **settings)), TEMPLATES, DeskGate())  # type: ignore[arg-type]
    assert isinstance(here.mailer, MaildirMailer)
    mailbox.register(site, here.mailer)
    return site


PATHS = ("/mailbox", "/mailbox/x", "/mailbox/x/html", "/mailbox/x/attachments/0")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("203.0.113.7", {}),
        ("203.0.113.7", {"X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.7, 127.0.0.1"}),  # through a web server in front
        ("127.0.0.1", {"Host": "evil.example:8080"}),  # DNS rebinding
        ("127.0.0.1", {"Host": "127.0.0.1.evil.example"}),
        ("127.0.0.1", {"Host": "[::1"}),
        ("127.0.0.1", {"Host": "192.168.1.5:8080"}),
    ],
)
def test_the_mailbox_answers_its_own_machine_and_name_alone(
    here: Platform, path: str, peer: str, headers: dict[str, str]
) -> None:
    refused = Browser(mailbox_site(here, trusted_hops=1), address=peer).get(path, headers=headers)
    assert refused.status_code in (400, 403)
    assert "own machine only" in refused.text or refused.status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "onestop.test"])
def test_this_machine_reads_it_under_each_of_its_names(here: Platform, host: str) -> None:
    browser = Browser(mailbox_site(here, trusted_hops=1), address="127.0.0.1")
    assert browser.get("/mailbox", headers={"Host": host, "X-Forwarded-For": "127.0.0.1"}).status_code == 200


def test_the_operator_may_open_it_to_everybody(here: Platform) -> None:
    """The negative control too: with the guard off, the same request reads the mails."""
    browser = Browser(mailbox_site(here, mailbox_open=True))
    assert browser.get("/mailbox", headers={"Host": "evil.example"}).status_code == 200


def test_the_newest_mail_comes_first_and_old_ones_are_a_page_away(
    here: Platform, deliveries: Deliveries, browser: Browser
) -> None:
    for number in range(mailbox.PAGE + 2):
        mail(here, deliveries, f"e{number}")
    first, second = browser.get("/mailbox"), browser.get("/mailbox?page=2")
    assert (len(messages(first)), len(messages(second))) == (mailbox.PAGE, 2)
    newest = browser.get(f"{messages(first)[0]}?view=text")
    assert f"https://onestop.test/e{mailbox.PAGE + 1}" in newest.text
    assert browser.get("/mailbox?page=x").status_code == 200
    assert browser.get("/mailbox?page=-1").status_code == 200


def test_a_message_is_shown_confined(here: Platform, deliveries: Deliveries, browser: Browser) -> None:
    mail(here, deliveries)
    (path,) = messages(browser.get("/mailbox"))
    page = browser.get(path)
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    assert "sandbox=" in page.text
    body = browser.get(f"{path}/html")
    policy = body.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert '<base target="_blank">' in body.text


@pytest.mark.parametrize("view", ["text", "headers", "source"])
def test_other_views_of_a_message_are_escaped(
    here: Platform, deliveries: Deliveries, browser: Browser, view: str
) -> None:
    mail(here, deliveries, name="<script>alert(1)</script>")
    (path,) = messages(browser.get("/mailbox"))
    page = browser.get(f"{path}?view={view}")
    assert page.status_code == 200
    assert "<script>" not in page.text
    assert {"text": "15 minutes", "headers": "Auto-Submitted", "source": "Delivered-To"}[view] in page.text


def test_attachments_are_downloads(here: Platform, deliveries: Deliveries, browser: Browser) -> None:
    event = BusEvent("e1", NOW, "", RegistrationConfirmed(**common(), sequence=0))
    owed = deliveries.owed(event)
    here.store.commit(owed)
    deliveries.send_for(event, owed)
    (path,) = messages(browser.get("/mailbox"))
    file = browser.get(f"{path}/attachments/0")
    assert file.headers["Content-Disposition"] == "attachment; filename=invite.ics"
    assert file.data.startswith(b"BEGIN:VCALENDAR")
    assert browser.get(f"{path}/attachments/1").status_code == 404


@pytest.mark.parametrize("key", ["nothing", "..%2f..%2fsecret.key", "%00", ".."])
def test_what_is_no_message_is_not_found(here: Platform, deliveries: Deliveries, browser: Browser, key: str) -> None:
    mail(here, deliveries)
    assert browser.get(f"/mailbox/{key}").status_code in (404, 303)


def test_where_mail_really_leaves_there_is_no_mailbox(here: Platform, deliveries: Deliveries) -> None:
    site = Site(here, TEMPLATES)
    mailbox.register(site, None)
    assert Browser(site).get("/mailbox").status_code == 404


# -- the desk --


def test_the_mail_desk_is_for_staff(browser: Browser) -> None:
    for path in ("/desk/mail", "/desk/mail?state=dead"):
        assert browser.get(path).status_code == 303
    assert browser.post("/desk/mail/retry", {"id": "x"}).status_code == 403


def test_failed_mail_is_shown_with_its_reason_and_tried_again(
    here: Platform, deliveries: Deliveries, browser: Browser
) -> None:
    sign_in(here, browser)
    mail(here, deliveries, "e1", "perm-fail@simulate.invalid")
    mail(here, deliveries, "e2", "temp-fail@simulate.invalid")
    page = browser.get("/desk/mail")
    assert "550 5.1.1 simulated" in words(page)
    assert "451 simulated" in words(browser.get("/desk/mail?state=queued"))
    waiting = browser.follow(press(browser, page, "/desk/mail/retry"))
    assert "p***@simulate.invalid" in words(waiting)
    assert press(browser, page, "/desk/mail/retry").status_code == 409, "the second click finds it queued"


def test_a_relay_that_repeats_the_address_does_not_tell_it_to_the_desk(
    here: Platform, deliveries: Deliveries, browser: Browser
) -> None:
    sign_in(here, browser)
    mail(here, deliveries, "e1", "perm-fail@simulate.invalid")
    (delivery,) = here.store.query("deliveries", ("state", "==", "failed"))
    said = {**delivery.data, "reason": "550 5.1.1 <perm-fail@simulate.invalid>: no such user"}
    here.store.commit([Replace("deliveries", delivery.id, said, delivery.version)])
    page = browser.get("/desk/mail")
    assert "no such user" in words(page)
    assert "perm-fail" not in page.text


def test_a_dead_letter_is_replayed_once(here: Platform, browser: Browser) -> None:
    sign_in(here, browser)
    letter = {
        "state": "open",
        "time": "2026-11-23T08:00:00.000000Z",
        "reason": "malformed",
        "subscription": "notification-staff",
        "attributes": {"event_id": "e1", "type": "staff.sign_in_requested"},
        "data": "e30=",
    }
    here.store.commit([Create(DEAD_LETTERS, "e1:notification-staff", letter)])
    page = browser.get("/desk/mail?state=dead")
    assert "malformed" in words(page)
    for _ in range(2):
        assert press(browser, page, "/desk/mail/replay").status_code == 303
    assert isinstance(here.bus, SqliteBus)
    assert here.bus.depth() == len(topology.load().subscriptions_of("staff"))
    assert "Nothing here" in words(browser.get("/desk/mail?state=dead"))


def test_the_oldest_event_that_waits_in_any_outbox_is_told(here: Platform, browser: Browser) -> None:
    sign_in(here, browser)
    for source, month in (("registration", 3), ("inquiries", 2)):
        payload = RegistrationConfirmed(**common(), sequence=0)
        here.store.commit([outbox_row(source, payload, NOW.replace(year=2019, month=month))])
    assert "to be published since: 2019-02-" in words(browser.get("/desk/mail"))


@pytest.mark.parametrize("query", ["state=nonsense", "after=x", "after=a~b", "state=dead&after=~~"])
def test_a_mistyped_address_still_shows_the_desk(here: Platform, browser: Browser, query: str) -> None:
    sign_in(here, browser)
    assert browser.get(f"/desk/mail?{query}").status_code == 200


def test_the_mail_desk_is_for_administrators(here: Platform, browser: Browser) -> None:
    sign_in(here, browser)
    assert browser.get("/desk/mail").status_code == 200
    member = here.store.get(members.STAFF, "amina@who.test")
    assert member
    here.store.commit([Replace(members.STAFF, member.id, {**member.data, "role": "focal_point"}, None)])
    assert browser.get("/desk/mail").status_code == 403
    assert browser.get("/desk/mail?state=dead").status_code == 403

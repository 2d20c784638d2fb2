"""Personal links, of registrations and of inquiries: their life, their end, and a new one by mail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from functions.inquiries.casework.recipients import LINK_PURPOSE
from functions.registration import main
from functions.registration.desk import events
from functions.registration.registrations.documents import REGISTRATIONS
from shared.keys.links import Link
from shared.ports import Create, Replace, Store
from shared.staff.gate import DeskGate
from shared.web.site import Site
from tests.functions import inquiry_sites
from tests.functions.browser import SETTINGS, Browser, form_to, platform, press, words
from tests.functions.signed_in import signed_in
from tests.functions.test_registration_pages import PageWorld

FORGED = "ABCD-EFGH~~" + "A" * 43


class Case:
    """One of the two kinds of personal pages, with somebody whose page it is."""

    def __init__(self, store: Store, clock: Any, visitor: Browser, path: str, secret: str, life: int) -> None:
        self.store, self.clock, self.visitor, self.path, self.secret = store, clock, visitor, path, secret
        self.life = life  # days after which the link of today is over

    def mailed(self) -> list[str]:
        """Paths of the links that were mailed on request, oldest first; of outbox rows that wait, as in a rush."""
        found = [row for row in self.store.query("outbox", limit=1000) if row.data["type"].endswith(".link_mailed")]
        found.sort(key=lambda row: row.data["time"])
        data = [row.data["data"] for row in found]
        links = [one.get("manage_link") or one["recipients"][0]["link"] for one in data]
        return [link.removeprefix(SETTINGS.base_url) for link in links]

    def shows(self, path: str) -> bool:
        page = self.visitor.get(path)
        assert page.status_code in (200, 404)
        return page.status_code == 200 and self.secret in page.text


def a_registration(folder: Path) -> Case:
    world = PageWorld(folder)
    world.event(verify_email=False)
    world.fill_in()
    token = world.tokens.sign("manage", world.registrations()[0].reference)
    return Case(world.store, world.clock, world.visitor, f"/r/{token}", "lina@example.org", 30 + 90 + 1)


def an_inquiry(folder: Path) -> Case:
    world = inquiry_sites.new_world(folder)
    token = world.platform.tokens.sign(LINK_PURPOSE, world.receive())
    visitor = Browser(world.web)
    return Case(
        world.platform.store, world.platform.clock, visitor, f"/i/{token}", "A national procurement policy", 367
    )


@pytest.fixture(params=[a_registration, an_inquiry])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    make: Callable[[Path], Case] = request.param
    return make(tmp_path)


def test_a_link_made_before_there_were_generations_still_works(case: Case) -> None:
    assert case.shows(case.path)


def test_a_new_link_goes_to_the_address_on_record_and_the_old_one_stops_working(case: Case) -> None:
    done = press(case.visitor, case.visitor.get(case.path), "/new-link")
    assert "Look into your mailbox" in words(done)
    (new,) = case.mailed()
    assert new not in done.text, "whoever has the old link gets no new one"
    case.clock.forward(seconds=1)
    assert not case.shows(case.path)
    assert case.shows(new)
    press(case.visitor, case.visitor.get(new), "/new-link")
    assert not case.shows(new)
    assert case.shows(case.mailed()[-1])


def test_a_link_that_is_void_does_nothing_whatever_it_is_sent_to(case: Case) -> None:
    page = case.visitor.get(case.path)
    press(case.visitor, page, "/new-link")
    token = page.request.path
    before = {document.id: document.version for document in case.store.query("outbox", limit=1000)}
    for end in ("/correct", "/cancel", "/verify", "/messages", "/close", "/reopen", "/erasure"):
        answer = case.visitor.post(token + end, {"csrf_token": _csrf(page), "text": "x"})
        assert answer.status_code in (404, 405), end
    for end in ("/calendar.ics", "/correct", "/cancel", "/files/x", "/verify"):
        assert case.visitor.get(token + end).status_code in (404, 405), end
    assert {document.id: document.version for document in case.store.query("outbox", limit=1000)} == before


def test_a_link_ends_and_a_fresh_one_works_for_a_while(case: Case) -> None:
    case.clock.forward(days=case.life - 2)
    assert case.shows(case.path)
    case.clock.forward(days=2)
    over = case.visitor.get(case.path)
    assert over.status_code == 404
    assert "Mail me the link" in over.text
    press(case.visitor, over, "/new-link")
    (new,) = case.mailed()
    assert case.shows(new)
    case.clock.forward(days=31)
    assert not case.shows(new)


def test_a_fresh_link_is_mailed_at_most_once_an_hour_whoever_asks(case: Case) -> None:
    case.clock.forward(days=case.life)
    for _ in range(3):
        press(case.visitor, case.visitor.get(case.path), "/new-link")
    assert len(case.mailed()) == 1
    case.clock.forward(hours=1)
    press(case.visitor, case.visitor.get(case.path), "/new-link")
    assert len(case.mailed()) == 2


def test_the_answer_is_the_same_for_everybody(case: Case) -> None:
    forged = case.path.partition("~")[0][:3] + FORGED
    void = case.path
    press(case.visitor, case.visitor.get(void), "/new-link")
    sent = len(case.mailed())
    pages = [case.visitor.get(path) for path in (void, forged)]
    assert [page.status_code for page in pages] == [404, 404]
    assert words(pages[0]) == words(pages[1])
    answers = [case.visitor.send(page, form_to(page, "/new-link")) for page in pages]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert words(answers[0]) == words(answers[1])
    assert len(case.mailed()) == sent + 1, "to the owner of the void one, and to nobody else"


def test_reading_a_page_reads_as_many_documents_as_before(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The generation is in the document that is read anyway."""
    asked: list[str] = []
    get = case.store.get
    monkeypatch.setattr(case.store, "get", lambda collection, id: asked.append(collection) or get(collection, id))
    case.visitor.get(case.path)
    document = "registrations" if case.path.startswith("/r/") else "inquiries"
    assert asked.count(document) == 1


def _csrf(page: Any) -> str:
    return page.text.partition('name="csrf_token" value="')[2].partition('"')[0]  # type: ignore[no-any-return]


# -- registrations alone --


@pytest.fixture
def world(tmp_path: Path) -> PageWorld:
    return PageWorld(tmp_path)


def test_the_verification_link_of_a_void_generation_leads_nowhere(world: PageWorld) -> None:
    """It is in an old mail too, and would lead on to the new personal link."""
    world.event()
    world.fill_in()
    registration = world.registrations()[0]
    verify = world.tokens.sign("verify", registration.reference)
    world.service.verify(verify)
    assert world.visitor.get(f"/r/{verify}/verify").status_code == 303
    world.service.void_link("forum", registration.reference)
    assert world.visitor.get(f"/r/{verify}/verify").status_code == 404


def test_a_moved_event_moves_the_end_of_its_links(world: PageWorld) -> None:
    world.event(verify_email=False)
    world.fill_in()
    token = world.tokens.sign("manage", world.registrations()[0].reference)
    world.clock.forward(days=122)  # type: ignore[attr-defined]
    assert world.visitor.get(f"/r/{token}").status_code == 404
    world.event(verify_email=False)
    assert world.visitor.get(f"/r/{token}").status_code == 200


@pytest.mark.parametrize("state", ["cancelled", "expired"])
def test_when_it_is_over_the_page_shows_no_more_than_it_must(world: PageWorld, state: str) -> None:
    questions = [{"id": "diet", "label": "Diet"}]
    world.event(
        verify_email=False, questions=questions, categories=[{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]
    )
    world.fill_in(**{"answers.diet": "no nuts", "organisation": "Ministry of Health", "category": "a"})
    (found,) = world.registrations()
    page = f"/r/{world.tokens.sign('manage', found.reference)}"
    told = ["Lina", "Haddad", "lina@example.org", "Jordan", "Ministry of Health", "no nuts", found.reference]
    before = words(world.visitor.get(page))
    assert all(text in before for text in told)
    document = world.store.get(REGISTRATIONS, found.reference)
    assert document
    world.store.commit([Replace(REGISTRATIONS, found.reference, document.data | {"state": state}, None)])
    after = world.visitor.get(page)
    assert not [text for text in told if text in words(after)]
    assert "Forum" in words(after)
    assert "Register again" in words(after)
    assert world.visitor.get(f"{page}/calendar.ics").status_code == 404


def test_a_receipt_ends_too(world: PageWorld) -> None:
    world.event(verify_email=False)
    receipt = world.fill_in().headers["Location"].removeprefix(SETTINGS.base_url)
    assert world.visitor.get(receipt).status_code == 200
    manage = world.visitor.get(receipt).text.partition('href="/r/')[2].partition('"')[0]
    world.service.void_link("forum", world.registrations()[0].reference)
    assert world.visitor.get(f"/r/{manage}").status_code == 404, "it leads to the link as it was"
    world.clock.forward(days=121)  # type: ignore[attr-defined]
    assert world.visitor.get(receipt).status_code == 404


def test_the_generation_is_what_voids(world: PageWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: where the number is not asked, an old link goes on working."""
    world.event(verify_email=False)
    world.fill_in()
    reference = world.registrations()[0].reference
    world.service.void_link("forum", reference)
    path = f"/r/{Link(reference).token(world.tokens, 'manage')}"
    assert world.visitor.get(path).status_code == 404
    monkeypatch.setattr(Link, "check", lambda *_: None)
    assert world.visitor.get(path).status_code == 200


# -- staff void a link --


def test_staff_of_the_events_organisations_void_a_link_and_leave_a_record(world: PageWorld) -> None:
    world.event(verify_email=False)
    world.fill_in()
    reference = world.registrations()[0].reference
    old = f"/r/{Link(reference).token(world.tokens, 'manage')}"
    here = replace(platform(world.folder), store=world.store, clock=world.clock, tokens=world.tokens)
    site = Site(here, main.TEMPLATES, DeskGate())
    events.register(site, world.service)
    for name, organisation, role in (
        ("officer", "who", "officer"),
        ("viewer", "who", "viewer"),
        ("other", "wto", "officer"),
    ):
        person = {"name": "A", "organisation": organisation, "role": role, "languages": ["en"], "queues": []}
        world.store.commit([Create("staff", f"{name}@{organisation}.test", person)])
    officer, viewer, other = (
        signed_in(here, Browser(site), email) for email in ("officer@who.test", "viewer@who.test", "other@wto.test")
    )
    listed = officer.get("/desk/events/forum")
    assert "/new-link" not in viewer.get("/desk/events/forum").text
    path = f"/desk/events/forum/registrations/{reference}/new-link"
    assert viewer.send(listed, form_to(listed, "new-link?state=confirmed"), csrf_token=csrf(viewer)).status_code == 403
    assert other.post(path, {"csrf_token": csrf(other)}).status_code == 404
    assert officer.post(path.replace(reference, "AAAA-BBBB"), {"csrf_token": csrf(officer)}).status_code == 404
    assert world.visitor.get(old).status_code == 200
    done = officer.follow(officer.send(listed, form_to(listed, "new-link?state=confirmed")))
    assert "void" in words(done)
    assert world.visitor.get(old).status_code == 404
    recorded = [entry.data for entry in world.store.query("audit", limit=100)]
    assert [(e["actor"], e["path"]) for e in recorded if e["action"] == "registrations.renew_link"] == [
        ("officer@who.test", path)
    ]


def test_staff_void_the_link_of_an_inquiry(tmp_path: Path) -> None:
    sites = inquiry_sites.new_world(tmp_path)
    reference = sites.receive()
    old = f"/i/{Link(reference).token(sites.platform.tokens, LINK_PURPOSE)}"
    officer = sites.member(inquiry_sites.WHO_OFFICER)
    page = officer.get(f"/desk/inquiries/{reference}")
    assert officer.get(old).status_code == 200
    assert press(officer, page, "/new-link").status_code == 303
    assert officer.get(old).status_code == 404
    (mailed,) = sites.announced("inquiry.link_mailed")
    assert officer.get(mailed["recipients"][0]["link"].removeprefix(SETTINGS.base_url)).status_code == 200
    assert "the old ones made void" in words(officer.get(f"/desk/inquiries/{reference}"))


def csrf(browser: Browser) -> str:
    return _csrf(browser.get("/desk/events"))

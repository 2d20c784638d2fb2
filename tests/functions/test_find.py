"""A lost mail is no dead end: ``/find``, and "Send it again" on the receipts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from functions.inquiries import main as inquiries_main
from functions.inquiries.casework.models import Inquiry
from functions.inquiries.web import status_pages
from functions.notification.deliveries.mailboxes import MAX_SINGLE
from functions.registration import main
from functions.registration.web import api, find_pages, personal_pages, register_pages
from functions.registration.web.find_pages import MAILS
from infra import catalogues
from shared.contracts.links import MAX_FOUND
from shared.ports import Replace
from shared.settings import Limits
from shared.web.site import Site
from tests.functions.browser import SETTINGS, Browser, forms, platform, press, words
from tests.functions.find_world import Slices, links_in

LINA, OTHER = "lina@example.org", "somebody.else@example.org"


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    catalogues.compile_all()


class World(Slices):
    """The slices with their public pages, and a visitor."""

    def __init__(self, folder: Path, limits: Limits = SETTINGS.limits) -> None:
        super().__init__(platform(folder, replace(SETTINGS, limits=limits)))
        public, status = Site(self.platform, main.TEMPLATES), Site(self.platform, inquiries_main.TEMPLATES)
        for part in (api, register_pages, personal_pages, find_pages):
            part.register(public, self.registrations)
        status_pages.register(status, self.inquiries)
        self.visitor = Browser(public, status)

    def find(self, address: str, path: str = "/find") -> Any:
        return self.visitor.send(self.visitor.get(path), email=address)

    def fill_in(self, event: str = "forum", address: str = LINA) -> Any:
        """Register; the receipt."""
        typed = {"given_name": "Lina", "family_name": "Haddad", "email": address, "country": "JO", "consent": "on"}
        sent = self.visitor.send(self.visitor.get(f"/events/{event}/register"), **typed)
        return self.visitor.follow(sent)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.staff()
    return world


# -- /find --


def test_one_mail_has_every_link_of_the_address_and_each_of_them_opens(world: World) -> None:
    world.event("one")
    world.event("two", verify_email=True)
    references = [world.register("one", LINA), world.register("two", LINA), world.ask(LINA), world.ask(LINA)]
    world.register("one", OTHER)
    world.ask(OTHER)
    world.settle()
    done = world.visitor.follow(world.find("LINA@EXAMPLE.ORG"))
    assert "a mail with its links is on its way" in words(done)
    world.settle()
    (mail,) = world.found()
    assert mail["To"] == "LINA@example.org"
    links = links_in(mail)
    assert len(links) == 4
    shown = [words(world.visitor.get(link)) for link in links]
    for reference in references:
        assert sum(reference in page for page in shown) == 1, reference


def test_nothing_that_was_typed_into_a_form_is_in_the_mail(world: World) -> None:
    """Anybody can type anybody's address: a stranger's words must not reach its owner in our name."""
    world.event("one")
    world.register("one", LINA)
    world.ask(LINA)
    world.find(LINA)
    world.settle()
    (mail,) = world.found()
    text = mail.as_string()
    for typed in ("Tester", "Ministry", "Kamau", "Vaccine plant"):
        assert typed not in text


def test_links_that_somebody_has_keep_working(world: World) -> None:
    world.event("one")
    reference, request = world.register("one", LINA), world.ask(LINA)
    tokens = world.platform.tokens
    held = [f"/r/{tokens.sign('manage', reference)}", f"/i/{tokens.sign('inquiry', request)}"]
    world.find(LINA)
    world.settle()
    assert [world.visitor.get(path).status_code for path in held] == [200, 200]


def test_what_is_of_no_use_any_more_is_left_out(world: World) -> None:
    world.event(
        "past", ends_at=world.clock.now().replace(month=12), starts_at=world.clock.now().replace(month=11, day=30)
    )
    world.event("left")
    world.event("kept")
    world.event("late", verify_email=True)
    world.register("past", LINA)
    gone = world.register("left", LINA)
    world.registrations.cancel(world.platform.tokens.sign("manage", gone))
    kept = world.register("kept", LINA)
    world.register("late", LINA)
    world.clock.forward(days=130)  # type: ignore[attr-defined]
    world.registrations.timekeeper().expire_unverified()
    world.settle()
    world.find(LINA)
    world.settle()
    (mail,) = world.found()
    (link,) = links_in(mail)
    assert kept in words(world.visitor.get(link))


def test_an_erased_request_is_not_found(world: World) -> None:
    reference = world.ask(LINA)
    document = world.store.get("inquiries", reference)
    assert document
    inquiry = Inquiry.model_validate(document.data)
    inquiry.requester, inquiry.erased_at = inquiry.requester.emptied(), world.clock.now()
    world.store.commit([Replace("inquiries", reference, inquiry.data(), None)])
    world.settle()
    world.find(LINA)
    world.settle()
    assert world.found() == []


def test_the_answer_is_the_same_for_everybody(world: World) -> None:
    """Status, page, and what the store is asked: there is nothing to measure either."""
    world.event("one")
    world.register("one", LINA)
    world.settle()
    asked: list[str] = []
    answers = []
    for address in (LINA, OTHER, LINA):
        page, before = world.visitor.get("/find"), len(asked)
        with pytest.MonkeyPatch.context() as patch:
            for name in ("get", "query", "count", "get_many"):
                patch.setattr(world.store, name, _noting(asked, getattr(world.store, name)))
            sent = world.visitor.send(page, email=address)
        done = words(world.visitor.follow(sent))
        answers.append((sent.status_code, sent.headers["Location"], done, tuple(asked[before:])))
    assert len(set(answers)) == 1
    assert set(asked) == {"limits"}, "the page looks nothing up"
    api = [world.visitor.post("/api/find", json={"email": address}) for address in (LINA, OTHER)]
    assert [answer.status_code for answer in api] == [202, 202]
    assert api[0].json == api[1].json


def test_a_stranger_to_us_gets_no_mail(world: World) -> None:
    world.find(OTHER)
    world.settle()
    assert world.mailbox.taken == {}


def test_asking_twice_mails_once_an_hour(world: World) -> None:
    world.event("one")
    world.register("one", LINA)
    for _ in range(3):
        assert world.find(LINA).status_code == 303
        world.settle()
    assert len(world.found()) == 1
    world.clock.forward(hours=1)  # type: ignore[attr-defined]
    world.find(LINA)
    world.settle()
    assert len(world.found()) == 2


def test_an_address_gets_no_more_than_a_few_in_a_day_and_they_wait_for_nothing(world: World) -> None:
    """However many other mails a form has brought it: whoever looks for links wants them now."""
    world.event("one")
    world.register("one", LINA)
    for _ in range(2 * MAX_SINGLE):
        world.ask(LINA)
    world.settle()
    for asked in range(MAILS + 2):
        world.find(LINA)
        world.settle()
        assert len(world.found()) == min(asked + 1, MAILS)
        world.clock.forward(hours=1)  # type: ignore[attr-defined]
    world.clock.forward(days=1)  # type: ignore[attr-defined]
    world.find(LINA)
    world.settle()
    assert len(world.found()) == MAILS + 1


def test_the_mail_is_in_the_language_of_the_page(world: World) -> None:
    world.event("one")
    world.register("one", LINA)
    world.find(LINA, "/find?lang=ar")
    world.settle()
    (mail,) = world.found()
    assert mail["Content-Language"] == "ar"
    assert "منتدى one" in str(mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]


def test_of_very_many_the_newest_are_mailed_and_the_mail_says_so(world: World) -> None:
    references = []
    for _ in range(MAX_FOUND + 2):
        references.append(world.ask(LINA))
        world.clock.forward(seconds=1)  # type: ignore[attr-defined]
    for row in world.waiting():
        world.forget(row)
    world.find(LINA)
    world.settle()
    (mail,) = world.found()
    text = str(mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]
    assert len(links_in(mail)) == MAX_FOUND
    assert "these are the newest" in text
    assert references[-1] in text
    assert references[0] not in text


@pytest.mark.parametrize("address", ["", "nobody", "two@example.org, three@example.org"])
def test_a_faulty_address_comes_back_with_what_to_mend(world: World, address: str) -> None:
    page = world.find(address)
    assert page.status_code == 422
    assert 'href="#f-email"' in page.text
    assert world.waiting() == []
    answer = world.visitor.post("/api/find", json={"email": address} if address else {})
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["errors"][0]["field"] == "email"


def test_a_form_that_cannot_be_taken_keeps_the_address(world: World) -> None:
    page = world.visitor.get("/find")
    stale = world.visitor.send(page, email=LINA, csrf_token="old")
    assert stale.status_code == 403
    assert ("email", LINA) in forms(stale)[0].fields
    assert world.waiting() == []
    assert world.visitor.send(stale).status_code == 303
    arabic = world.visitor.send(world.visitor.get("/find"), at="/find?lang=ar", email=LINA, shown_in="en")
    assert ("email", LINA) in forms(arabic)[0].fields
    assert 'lang="ar"' in arabic.text


def test_machines_are_kept_out_as_on_other_forms(tmp_path: Path) -> None:
    world = World(tmp_path, Limits(visitor=2, network=0, origin=0, busy=0, seconds=0))
    answers = [world.find(f"p{number}@example.org").status_code for number in range(4)]
    assert answers == [303, 303, 429, 429]
    filled = world.visitor.send(world.visitor.get("/find"), email=LINA, homepage="https://spam.example")
    assert filled.status_code in (422, 429)


def test_in_busy_times_the_page_asks_for_one_more_step(tmp_path: Path) -> None:
    world = World(tmp_path, Limits(visitor=0, network=0, origin=0, busy=1, seconds=0))
    assert world.find(LINA).status_code == 303
    page = world.find(LINA)
    assert page.status_code == 422
    assert "one more step" in words(page)
    program = world.visitor.post("/api/find", json={"email": LINA})
    assert program.status_code == 429
    assert "challenge" in program.json  # type: ignore[operator]


@pytest.mark.parametrize("path", ["/events/one", "/r/never-ours", "/events/one/registered/never-ours", "/events"])
def test_find_is_linked_from_where_somebody_with_a_lost_mail_looks(world: World, path: str) -> None:
    world.event("one")
    assert 'href="/find"' in world.visitor.get(path).text


# -- send it again --


@pytest.mark.parametrize("verify", [True, False])
def test_the_receipt_of_a_registration_sends_the_mail_again(world: World, verify: bool) -> None:
    world.event("forum", verify_email=verify)
    receipt = world.fill_in()
    world.settle()
    before = len(world.mailbox.taken)
    done = [world.visitor.follow(press(world.visitor, receipt, "/again")) for _ in range(2)]
    assert "once more" in words(done[0])
    assert words(done[0]) == words(done[1])
    world.settle()
    assert len(world.mailbox.taken) == before + 1, "pressed twice, it is mailed once"
    mail = list(world.mailbox.taken.values())[-1]
    assert mail["To"] == LINA or LINA in str(mail["To"])
    assert any(world.visitor.get(link).status_code == 200 for link in links_in(mail) if link.startswith("/r/"))
    world.clock.forward(hours=1)  # type: ignore[attr-defined]
    press(world.visitor, receipt, "/again")
    world.settle()
    assert len(world.mailbox.taken) == before + 2


def test_the_receipt_of_somebody_who_was_registered_before_sends_the_owner_their_link(world: World) -> None:
    world.event("forum", verify_email=True)
    world.fill_in()
    reference = world.registrations.open(_token(world, "forum")).reference
    world.registrations.verify(world.platform.tokens.sign("verify", reference))
    world.settle()
    second = world.fill_in()
    world.settle()
    before = len(world.mailbox.taken)
    again = world.visitor.follow(press(world.visitor, second, "/again"))
    assert reference not in words(again), "whoever typed the address learns nothing"
    world.settle()
    assert len(world.mailbox.taken) == before + 1
    (link,) = [link for link in links_in(list(world.mailbox.taken.values())[-1]) if link.startswith("/r/")]
    assert reference in words(world.visitor.get(link))


def test_nothing_is_sent_again_of_what_is_over(world: World) -> None:
    world.event("forum")
    receipt = world.fill_in()
    world.registrations.cancel(_token(world, "forum"))
    world.settle()
    before = len(world.mailbox.taken)
    assert press(world.visitor, receipt, "/again").status_code == 303
    world.settle()
    assert len(world.mailbox.taken) == before


def test_a_receipt_from_before_shows_all_but_the_button(world: World) -> None:
    world.event("forum", verify_email=True)
    token = world.platform.tokens.sign("receipt", "forum:K7QM-3XHD:unverified")
    page = world.visitor.get(f"/events/forum/registered/{token}")
    assert page.status_code == 200
    assert forms(page) == []
    posted = world.visitor.post(f"/events/forum/registered/{token}/again", {"csrf_token": _csrf(world)})
    assert posted.status_code == 303
    assert world.waiting() == []


def test_the_receipt_of_a_request_sends_its_mail_again_and_keeps_the_link(world: World) -> None:
    path = f"/i/{world.platform.tokens.sign('inquiry', world.ask(LINA))}"
    world.settle()
    before = len(world.mailbox.taken)
    receipt = world.visitor.get(f"{path}?received=1")
    done = [world.visitor.follow(press(world.visitor, receipt, "/again")) for _ in range(2)]
    assert "once more" in words(done[0])
    world.settle()
    assert len(world.mailbox.taken) == before + 1
    assert world.visitor.get(path).status_code == 200
    (link,) = links_in(list(world.mailbox.taken.values())[-1])
    assert world.visitor.get(link).status_code == 200


@pytest.mark.parametrize("kind", ["registration", "request"])
def test_sending_again_is_limited_by_place(tmp_path: Path, kind: str) -> None:
    world = World(tmp_path, Limits(visitor=3, network=0, origin=0, busy=0, seconds=0))
    world.staff()
    world.event("forum")
    if kind == "registration":
        receipt = world.fill_in()
    else:
        receipt = world.visitor.get(f"/i/{world.platform.tokens.sign('inquiry', world.ask(LINA))}?received=1")
    assert [press(world.visitor, receipt, "/again").status_code for _ in range(5)][-1] == 429


def _noting(asked: list[str], real: Callable[..., Any]) -> Callable[..., Any]:
    def call(collection: str, *others: Any, **options: Any) -> Any:
        asked.append(collection)
        return real(collection, *others, **options)

    return call


def _token(world: World, event: str) -> str:
    (found,) = [one for one in world.store.query("registrations", limit=9) if one.data["event"] == event]
    return world.platform.tokens.sign("manage", found.id)


def _csrf(world: World) -> str:
    return dict(forms(world.visitor.get("/find"))[0].fields)["csrf_token"]

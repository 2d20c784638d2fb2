"""Mail to one of the staff that stops: never in silence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from functions.inquiries import main as inquiries_main
from functions.inquiries.desk import home as inquiries_desk
from functions.notification import main as notification_main
from functions.notification.deliveries.service import SUPPRESSIONS, Deliveries
from functions.notification.desk import mails as mail_desk
from infra import catalogues
from shared.adapters.smtp import SmtpMailer
from shared.contracts.bus_events import BusEvent
from shared.contracts.staff import StaffSignInRequested
from shared.formats.addresses import address_key
from shared.ports import Create, Delete, NoSuchMailbox, PermanentMailError, RecipientRefused, Replace, Write
from shared.staff.gate import AUDIT, DeskGate
from shared.staff.unreachable import UNREACHABLE
from shared.web.site import Site
from tests import relays
from tests.functions.browser import Browser, platform, press, words
from tests.functions.find_world import Mailbox, Slices
from tests.functions.signed_in import signed_in
from tests.interruptions import Interrupted

OFFICER, HEAD = "lucas.ferreira@who.example", "amara.diallo@who.example"
GONE, NO = NoSuchMailbox("550 5.1.1 no such user"), RecipientRefused("554 not wanted")
SUBJECT = "We no longer write to {}"


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    catalogues.compile_all()


class Killed(BaseException):
    """As abrupt as a process's end."""


class Relay(Mailbox):
    """Refuses some addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: dict[str, Exception] = {}

    def send(self, message: bytes, sender: str, recipient: str) -> str:
        if recipient in self.refused:
            raise self.refused[recipient]
        return super().send(message, sender, recipient)


class World(Slices):
    def __init__(self, folder: Path) -> None:
        super().__init__(platform(folder))
        self.staff()
        self.relay = Relay()
        self.deliveries = self.process()
        desk = Site(self.platform, inquiries_main.TEMPLATES, DeskGate())
        inquiries_desk.register(desk, self.inquiries, self.inquiries.requests._means)
        mail = Site(self.platform, notification_main.TEMPLATES, DeskGate())
        mail_desk.register(mail, self.deliveries)
        self.sites = (mail, desk)
        self.events = 0

    def process(self, store: Any = None) -> Deliveries:
        here = self.platform
        return Deliveries(
            store or self.store, self.relay, here.clock, here.settings.mail_from, base_url=here.settings.base_url
        )

    def people(self, organisation: str = "who") -> dict[str, str]:
        """Roles by address."""
        found = self.store.query("staff", ("organisation", "==", organisation), limit=100)
        return {one.id: one.data["role"] for one in found}

    def owe(self, address: str) -> tuple[BusEvent, Sequence[Write]]:
        """A link to sign in that is to be mailed."""
        self.events += 1
        payload = StaffSignInRequested(
            name="X", email=address, language="en", link="https://x.example", valid_minutes=9
        )
        event = BusEvent(f"event-{self.events}", self.clock.now(), "", payload)
        owed = self.deliveries.owed(event)
        self.store.commit(owed)
        return event, owed

    def mail(self, address: str) -> None:
        self.deliveries.send_for(*self.owe(address))
        self.deliveries.tick()

    def told(self, about: str) -> list[str]:
        return sorted(str(mail["To"].addresses[0].addr_spec) for mail in self.relay.about(SUBJECT.format(about)))

    def browser(self, email: str) -> Browser:
        return signed_in(self.platform, Browser(*self.sites), email)

    def role(self, email: str, role: str) -> None:
        document = self.store.get("staff", email)
        assert document
        self.store.commit([Replace("staff", email, {**document.data, "role": role}, None)])


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_the_focal_point_gets_a_mail_and_the_desk_a_line(world: World) -> None:
    world.relay.refused[OFFICER] = GONE
    world.mail(OFFICER)
    assert world.told(OFFICER) == [HEAD]
    (mail,) = world.relay.about(SUBJECT.format(OFFICER))
    text = str(mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]
    assert "Lucas Ferreira" in text
    assert "5.1.1 no such user" in text
    assert "/desk" in text
    shown = words(world.browser(HEAD).get("/desk"))
    assert f"Lucas Ferreira gets no mail: {OFFICER} refuses it." in shown


ANSWERS = {
    "550 5.1.1 no such user": True,
    "551 5.1.6 moved away": True,
    "556 5.1.10 takes no mail": True,
    "550 5.2.1 disabled": True,
    "550 5.7.1 blocked by policy": False,
    "554 5.7.26 not authenticated": False,
    "552 5.2.2 mailbox full": False,
    "550 5.4.1 no route": False,
    "550 no": False,
    "450 4.2.1 try later": False,
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_one_answer_stops_the_mail_only_where_it_says_that_there_is_no_mailbox(world: World, answer: str) -> None:
    with relays.running(relays.Relay(recipient=answer)) as url:
        owed, mailer = world.owe(OFFICER), SmtpMailer([url])
        replace(world.deliveries, mailer=mailer).send_for(*owed)
    suppressed = world.store.get(SUPPRESSIONS, address_key(OFFICER))
    assert (suppressed is not None and "once" not in suppressed.data) == ANSWERS[answer]
    world.deliveries.tick()
    assert world.told(OFFICER) == ([HEAD] if ANSWERS[answer] else [])


@pytest.mark.parametrize("refusal", [PermanentMailError("554 spam"), NO])
def test_what_suppresses_nothing_alarms_nobody(world: World, refusal: Exception) -> None:
    world.relay.refused[OFFICER] = refusal
    world.mail(OFFICER)
    assert world.told(OFFICER) == []
    assert "gets no mail" not in words(world.browser(HEAD).get("/desk"))


def test_a_second_refusal_within_days_is_told_too_and_once(world: World) -> None:
    world.relay.refused[OFFICER] = NO
    for _ in range(5):
        world.mail(OFFICER)
    assert world.told(OFFICER) == [HEAD]


def test_of_the_focal_point_all_others_are_told_who_may_mend_it(world: World) -> None:
    world.relay.refused[HEAD] = GONE
    world.mail(HEAD)
    expected = [one for one, role in world.people().items() if role in ("focal_point", "administrator") and one != HEAD]
    assert expected
    assert world.told(HEAD) == sorted(expected)


def test_where_nobody_of_the_organisation_is_left_the_other_administrators_are_told_no_name(world: World) -> None:
    for email in world.people():
        if email != HEAD:
            world.role(email, "officer")
    world.relay.refused[HEAD] = GONE
    world.mail(HEAD)
    elsewhere = [one.id for one in world.store.query("staff", ("role", "==", "administrator"), limit=100)]
    assert elsewhere
    (subject,) = {str(mail["Subject"]) for mail in world.relay.taken.values()}
    assert subject == SUBJECT.format("a***@who.example")
    assert sorted(str(mail["To"].addresses[0].addr_spec) for mail in world.relay.taken.values()) == sorted(elsewhere)
    for mail in world.relay.taken.values():
        assert "Amara" not in mail.as_string()
        assert HEAD not in mail.as_string()


def test_whoever_gets_no_mail_themselves_is_passed_over(world: World) -> None:
    world.relay.refused |= {HEAD: GONE, OFFICER: GONE}
    world.mail(HEAD)
    world.mail(OFFICER)
    others = [one for one, role in world.people().items() if role in ("focal_point", "administrator") and one != HEAD]
    assert world.told(OFFICER) == sorted(others)


def test_a_visitor_is_suppressed_as_before(world: World) -> None:
    world.relay.refused["lina@example.org"] = GONE
    world.mail("lina@example.org")
    assert world.relay.taken == {}
    assert world.store.count(UNREACHABLE) == 0


def test_an_address_that_was_suppressed_before_its_owner_joined_is_told_of(world: World) -> None:
    """Also what was suppressed before there were such lines."""
    person = world.store.get("staff", OFFICER)
    assert person
    world.store.commit([Delete("staff", OFFICER, None)])
    world.relay.refused[OFFICER] = GONE
    world.mail(OFFICER)
    assert world.told(OFFICER) == []
    world.store.commit([Create("staff", OFFICER, person.data)])
    world.mail(OFFICER)
    world.mail(OFFICER)
    assert world.told(OFFICER) == [HEAD]


@pytest.mark.parametrize("role", ["viewer", "officer", "focal_point", "administrator"])
def test_the_line_is_for_those_who_may_mend_it(world: World, role: str) -> None:
    world.relay.refused[OFFICER] = GONE
    world.mail(OFFICER)
    world.role(HEAD, role)
    shown = world.browser(HEAD).get("/desk")
    assert ("gets no mail" in words(shown)) == (role in ("focal_point", "administrator"))


def test_other_organisations_see_no_line_and_can_lift_nothing(world: World) -> None:
    world.relay.refused[OFFICER] = GONE
    world.mail(OFFICER)
    other = next(one for one, role in world.people("wto").items() if role == "administrator")
    browser = world.browser(other)
    page = browser.get("/desk")
    assert OFFICER not in page.text
    token = browser.get("/desk/mail").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    browser.post(f"/desk/mail/resume?line={address_key(OFFICER)}", {"csrf_token": token})
    assert world.store.get(SUPPRESSIONS, address_key(OFFICER))


def test_the_way_out_lets_mail_go_out_again_and_says_who_did_it(world: World) -> None:
    world.relay.refused[OFFICER] = GONE
    world.mail(OFFICER)
    world.relay.refused.clear()
    browser = world.browser(HEAD)
    page = browser.get("/desk")
    done = browser.follow(press(browser, page, f"/desk/mail/resume?line={address_key(OFFICER)}"))
    assert "We write to this address again" in words(done)
    assert "gets no mail" not in words(done)
    before = len(world.relay.taken)
    world.mail(OFFICER)
    assert len(world.relay.taken) == before + 1
    acts = [one.data for one in world.store.query(AUDIT, limit=100) if one.data["action"] == "staff_mail.resume"]
    assert [act["actor"] for act in acts] == [HEAD]
    assert press(browser, page, f"/desk/mail/resume?line={address_key(OFFICER)}").status_code == 303, "pressed twice"


def test_refused_once_more_it_is_told_once_more(world: World) -> None:
    world.relay.refused[OFFICER] = GONE
    world.mail(OFFICER)
    (failed,) = world.deliveries.listed("failed")
    assert world.deliveries.retry(failed.id)
    assert world.store.count(UNREACHABLE) == 0, "trying again takes the line away too"
    world.clock.forward(minutes=5)  # type: ignore[attr-defined]
    world.deliveries.tick()
    world.deliveries.tick()
    assert world.told(OFFICER) == [HEAD, HEAD]


def test_a_line_ends_with_the_suppression(world: World) -> None:
    world.relay.refused[OFFICER] = GONE
    world.mail(OFFICER)
    world.clock.forward(days=91)  # type: ignore[attr-defined]
    assert "gets no mail" not in words(world.browser(HEAD).get("/desk"))


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_loses_neither_the_line_nor_the_mail_and_doubles_none(world: World, moment: Any) -> None:
    world.relay.refused[OFFICER] = GONE
    owed = world.owe(OFFICER)
    store = Interrupted(world.store)

    def die() -> None:
        raise Killed

    store.once("commit", SUPPRESSIONS, moment, die)
    with pytest.raises(Killed):
        world.process(store).send_for(*owed)
    assert store.idle
    for _ in range(3):
        world.clock.forward(minutes=5)  # type: ignore[attr-defined]
        world.deliveries.tick()
    assert world.told(OFFICER) == [HEAD]
    assert world.store.count(UNREACHABLE) == 1


def test_the_crash_test_sees_a_line_that_is_not_in_the_commit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its negative control: told after the commit, a crash between the two would be silence."""
    telling: Callable[..., Any] = Deliveries._telling
    monkeypatch.setattr(Deliveries, "_telling", lambda *arguments: [])
    world.relay.refused[OFFICER] = GONE
    world.mail(OFFICER)
    assert world.told(OFFICER) == []
    monkeypatch.setattr(Deliveries, "_telling", telling)
    world.mail(OFFICER)
    assert world.told(OFFICER) == [HEAD], "the next mail that is held back tells it"

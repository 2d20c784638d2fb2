"""Mail kept aside follows its inquiry from hand to hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from functions.inquiries.casework import case as cases
from functions.inquiries.casework import quarantine
from functions.inquiries.casework.case import Case
from functions.inquiries.errors import NotFound
from shared.contracts.inquiries import InquiryAssigned
from shared.ports import Write
from tests.functions.inquiry_sites import World as Sites
from tests.functions.inquiry_sites import new_world
from tests.functions.inquiry_world import World

WHO_FOCAL, WHO = "amara.diallo@who.example", "lucas.ferreira@who.example"
WIPO_FOCAL, WIPO, WTO_FOCAL, WTO = (
    "helena.brandt@wipo.example",
    "omar.nasser@wipo.example",
    "kenji.mori@wto.example",
    "claire.dubois@wto.example",
)
SHARED = ["local-production", "technology-transfer"]  # WHO leads, WIPO supports


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def send(world: World, reference: str, number: int = 1) -> None:
    """A mail that names the inquiry, from a stranger."""
    head = f"From: stranger@elsewhere.example\r\nTo: info@onestop.example\r\nMessage-ID: <{reference}{number}@x>\r\n"
    raw = f"{head}Subject: About {reference}\r\n\r\nConfidential mail {number}".encode()
    assert world.service.inbound.take(raw).kind == "quarantined"


def seen(world: World, email: str) -> list[str]:
    """Ids of the mails in somebody's list, each of which opens."""
    staff = world.person(email)
    ids = [id for id, _ in world.service.reading.quarantine(staff).rows]
    for id in ids:
        assert b"Confidential mail" in world.service.reading.quarantined_mail(staff, id)[1]
    return ids


def hand_over(world: World, email: str, reference: str, to: str) -> None:
    version = world.view(email, reference).version
    world.service.casework.hand_over(world.person(email), reference, version, to, "Theirs")


def refused(world: World, email: str, id: str, own: str) -> bool:
    """Whether the mail does not exist for somebody, whatever they try; ``own``: an inquiry of theirs."""
    staff, service = world.person(email), world.service
    for act in (
        lambda: service.reading.quarantined_mail(staff, id),
        lambda: service.inbound.thread_by_hand(staff, id, own),
        lambda: service.casework.settle(staff, id),
    ):
        with pytest.raises(NotFound):
            act()
    return id not in seen(world, email)


def test_mail_goes_with_the_inquiry(world: World) -> None:
    reference, own = world.routed(), world.routed()
    send(world, reference)
    (id,) = seen(world, WHO)
    assert seen(world, WTO) == []
    hand_over(world, WHO_FOCAL, reference, "wto")
    assert seen(world, WTO) == [id]
    assert refused(world, WHO, id, own)
    world.clock.pass_(seconds=1)
    world.service.inbound.thread_by_hand(world.person(WTO), id, reference)
    assert world.view(WTO, reference).messages[-1].text == "Confidential mail 1"


def test_mail_goes_with_a_part_that_joins_another(world: World) -> None:
    reference, own = world.routed(topics=SHARED), world.routed()
    send(world, reference)
    (id,) = seen(world, WHO)
    assert seen(world, WIPO) == [id]
    hand_over(world, WHO_FOCAL, reference, "wipo")
    assert seen(world, WIPO) == [id]
    assert refused(world, WHO, id, own)
    hand_over(world, WIPO_FOCAL, reference, "who")
    assert seen(world, WHO) == [id]


def test_mail_about_what_is_not_routed_yet_waits_for_its_organisations(world: World) -> None:
    reference = world.receive(topics=SHARED)
    send(world, reference)
    assert [seen(world, email) for email in (WHO, WIPO, WTO)] == [[], [], []]
    world.route()
    (id,) = seen(world, WHO)
    assert (seen(world, WIPO), seen(world, WTO)) == ([id], [])


def test_mail_about_no_inquiry_is_for_all(world: World) -> None:
    send(world, "ABCD-EFGH")
    (id,) = seen(world, WHO)
    assert seen(world, WTO) == [id]


def test_erasure_takes_all_mail_with_it_and_later_mail_is_for_those_who_had_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "MAX_WRITES", 7)
    reference = world.routed()
    for number in range(20):
        send(world, reference, number)
    files = [document.data["file"] for document in world.store.query("quarantine")]
    world.erase(reference, WHO, WHO_FOCAL)
    assert world.store.count("quarantine") == 0
    assert [world.files.read(file) for file in files] == [None] * 20
    send(world, reference, 99)
    assert len(seen(world, WHO)) == 1
    assert seen(world, WTO) == []


def test_many_mails_are_handed_over_together(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "MAX_WRITES", 7)
    reference = world.routed()
    for number in range(20):
        send(world, reference, number)
    hand_over(world, WHO_FOCAL, reference, "wto")
    assert len(seen(world, WTO)) == 20
    assert seen(world, WHO) == []


def test_a_mail_that_comes_during_the_hand_over_follows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each at the worst moment for the other: after it has looked, before it has written."""
    reference, own = world.routed(), world.routed()
    write = Case.writes

    def writes(case: Case) -> Sequence[Write]:
        made = write(case)
        monkeypatch.setattr(Case, "writes", write)
        send(world, reference)
        return made

    monkeypatch.setattr(Case, "writes", writes)
    hand_over(world, WHO_FOCAL, reference, "wto")
    ((id, _),) = [(document.id, document.data) for document in world.store.query("quarantine")]
    assert refused(world, WHO, id, own), "held to the inquiry itself, whatever the list says"
    (event,) = world.take(InquiryAssigned)
    world.store.commit(quarantine.corrected(world.store, event))
    assert seen(world, WTO) == [id]


def test_a_list_that_was_not_corrected_shows_nothing_to_who_gave_it_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The repeated field alone, as it was before, would show it: this is what holds."""
    reference, own = world.routed(), world.routed()
    send(world, reference)
    monkeypatch.setattr(Case, "_show_kept_aside", lambda case: None)
    hand_over(world, WHO_FOCAL, reference, "wto")
    (document,) = world.store.query("quarantine")
    assert document.data["visible_to"] == ["who"]
    assert refused(world, WHO, document.id, own)


# -- as staff meet it --


def test_the_pages_follow_too(tmp_path: Path) -> None:
    sites: Sites = new_world(tmp_path)
    reference = sites.receive()
    raw = f"From: s@x.example\r\nTo: info@onestop.test\r\nSubject: {reference}\r\n\r\nConfidential".encode()
    sites.service.inbound.take(raw)
    head, other = sites.member(WHO_FOCAL), sites.member("omar.nasser@wipo.example")
    (address,) = {line for line in head.get("/desk/quarantine").text.split('"') if line.startswith("/desk/quarantine/")}
    assert other.get(address).status_code == 404
    person = sites.service.content.person(WHO_FOCAL)
    assert person
    version = sites.service.reading.inquiry(person, reference).version
    sites.service.casework.hand_over(person, reference, version, "wipo", "Theirs")
    for browser, status in ((head, 404), (other, 200)):
        assert browser.get(address).status_code == status
        assert browser.get(f"{address}/mail").status_code == status
        assert (address in browser.get("/desk/quarantine").text) == (status == 200)

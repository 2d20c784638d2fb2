"""How inquiries end: what belongs to the lead, what to a supporting organisation, and erasure by two people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.inquiries.casework import case as cases
from functions.inquiries.errors import NotAllowed, NotFound, Stale
from functions.inquiries.files.attachments import Upload
from shared.contracts.inquiries import (
    InquiryAnswered,
    InquiryErased,
    InquiryEscalated,
    InquiryMessageReceived,
    InquiryReminderDue,
)
from shared.errors import FaultyFields
from shared.keys.links import Link
from shared.ports import Conflict, Create, utc_text
from tests.functions.browser import form_to, press, words
from tests.functions.inquiry_sites import World as Sites
from tests.functions.inquiry_sites import new_world
from tests.functions.inquiry_world import World

FOCAL, OFFICER, OTHER = "amara.diallo@who.example", "lucas.ferreira@who.example", "noor.haddad@who.example"
ADMIN, VIEWER = "admin@who.example", "greta.olsen@who.example"
WIPO, WIPO_FOCAL, WTO = "omar.nasser@wipo.example", "helena.brandt@wipo.example", "claire.dubois@wto.example"
SHARED = ["local-production", "technology-transfer"]  # WHO leads, WIPO supports


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def shared(world: World) -> str:
    reference = world.routed(topics=SHARED)
    assert world.inquiry(reference).visible_to == ["who", "wipo"]
    return reference


def do(world: World, email: str, action: str, reference: str, *arguments: Any, **options: Any) -> None:
    service = world.service
    world.clock.pass_(seconds=1)
    act: Callable[..., None] = getattr(service.endings, action, None) or getattr(service.casework, action)
    act(world.person(email), reference, world.view(email, reference).version, *arguments, **options)


# -- close and reopen --


def test_a_supporting_organisation_cannot_end_it_for_all(world: World, shared: str) -> None:
    for email in (WIPO, WIPO_FOCAL, "admin@wipo.example"):
        for action, arguments in (
            ("close", ()),
            ("propose_erasure", ("why",)),
            ("withdraw_erasure", ()),
            ("erase", ()),
        ):
            with pytest.raises(NotAllowed):
                do(world, email, action, shared, *arguments)
        with pytest.raises(NotAllowed):
            do(world, email, "answer", shared, "Done, and closed.", close=True)
    assert world.inquiry(shared).state == "assigned"
    assert [message.kind for message in world.view(WIPO, shared).messages] == ["request"]
    do(world, OFFICER, "close", shared)
    with pytest.raises(NotAllowed):
        do(world, WIPO, "reopen", shared)
    do(world, OFFICER, "reopen", shared)
    do(world, WIPO, "answer", shared, "Our part of the answer.")
    assert world.inquiry(shared).state == "answered"


def test_a_supporting_organisation_ends_its_own_part_and_takes_it_up_again(world: World, shared: str) -> None:
    do(world, WIPO, "end_part", shared)
    part = world.part(shared, "wipo")
    assert (part.clock, part.assignee, part.backlog, part.next_at) == ("stopped", "", None, None)
    assert part.ended_at == world.clock.now()
    assert (world.inquiry(shared).state, world.part(shared, "who").clock) == ("assigned", "running")
    assert [entry.action for entry in world.view(OFFICER, shared).history][-1] == "end_part"
    for action, arguments in (("take", ()), ("answer", ("x",)), ("assign", (WIPO,)), ("end_part", ())):
        with pytest.raises(NotAllowed):
            do(world, WIPO, action, shared, *arguments)
    do(world, WIPO, "note", shared, "We are here if you need us.")
    do(world, WIPO, "resume_part", shared)
    part = world.part(shared, "wipo")
    assert (part.clock, part.assignee, part.ended_at) == ("running", WIPO, None)
    with pytest.raises(NotAllowed):
        do(world, WIPO, "resume_part", shared)


def test_nobody_is_reminded_of_an_ended_part(world: World, shared: str) -> None:
    do(world, WIPO, "end_part", shared)
    world.clock.pass_(days=30)
    world.service.deadlines.tick()
    assert {event.payload.organisation for event in world.take(InquiryEscalated, InquiryReminderDue)} == {"WHO"}
    world.take()
    do(world, OFFICER, "answer", shared, "Our answer.")
    world.service.requests.add_message(Link(shared), "One more thing", "key")
    assert {event.payload.organisation for event in world.take(InquiryMessageReceived)} == {"WHO"}
    assert (world.part(shared, "wipo").clock, world.part(shared, "who").clock) == ("stopped", "running")


def test_a_part_taken_up_in_its_round_keeps_its_target_and_later_gets_a_new_one(world: World, shared: str) -> None:
    due = world.part(shared, "wipo").due_at
    do(world, WIPO, "end_part", shared)
    world.clock.pass_(hours=1)
    do(world, WIPO, "resume_part", shared)
    assert world.part(shared, "wipo").due_at == due
    do(world, WIPO, "end_part", shared)
    do(world, OFFICER, "answer", shared, "Our answer.")
    do(world, WIPO, "resume_part", shared)
    assert world.part(shared, "wipo").clock == "stopped", "nobody waits for an answer"
    do(world, WIPO, "end_part", shared)
    world.clock.pass_(days=7)
    world.service.requests.add_message(Link(shared), "One more thing", "key")
    do(world, WIPO, "resume_part", shared)
    assert world.part(shared, "wipo").clock == "running"
    assert world.part(shared, "wipo").due_at > world.clock.now()


def test_the_lead_does_not_end_its_part_but_may_hand_it_to_one_that_has(world: World, shared: str) -> None:
    for action in ("end_part", "resume_part"):
        with pytest.raises(NotAllowed):
            do(world, OFFICER, action, shared)
    do(world, WIPO, "end_part", shared)
    do(world, FOCAL, "hand_over", shared, "wipo", "A patent question")
    part = world.part(shared, "wipo")
    assert (part.part, part.ended_at, part.clock) == ("lead", None, "running")


# -- erasure --


def test_erasure_needs_the_persons_request_or_a_reason(world: World, shared: str) -> None:
    with pytest.raises(FaultyFields) as raised:
        do(world, OFFICER, "propose_erasure", shared, "")
    assert set(raised.value.errors) == {"reason"}
    with pytest.raises(FaultyFields):
        do(world, OFFICER, "propose_erasure", shared, "x" * 501)
    world.service.requests.ask_erasure(Link(shared))
    do(world, OFFICER, "propose_erasure", shared, "")
    assert world.inquiry(shared).erasure_proposed is not None


def test_nobody_erases_alone(world: World, shared: str) -> None:
    with pytest.raises(NotAllowed):
        do(world, FOCAL, "erase", shared)
    do(world, FOCAL, "propose_erasure", shared, "Sent to the wrong place")
    with pytest.raises(NotAllowed):
        do(world, FOCAL, "erase", shared)
    with pytest.raises(NotAllowed):
        do(world, ADMIN, "propose_erasure", shared, "Again")
    assert world.inquiry(shared).erased_at is None
    do(world, ADMIN, "erase", shared)
    assert world.inquiry(shared).erased_at == world.clock.now()


def test_a_request_for_erasure_can_be_withdrawn_and_ends_with_the_lead(world: World, shared: str) -> None:
    do(world, OFFICER, "propose_erasure", shared, "Sent to the wrong place")
    do(world, OTHER, "withdraw_erasure", shared)
    with pytest.raises(NotAllowed):
        do(world, FOCAL, "erase", shared)
    do(world, OFFICER, "propose_erasure", shared, "Sent to the wrong place")
    do(world, FOCAL, "hand_over", shared, "wipo", "Theirs")
    assert world.inquiry(shared).erasure_proposed is None
    with pytest.raises(NotAllowed):
        do(world, WIPO_FOCAL, "erase", shared)
    actions = [entry.action for entry in world.view(WIPO, shared).history]
    assert [action for action in actions if "erasure" in action] == [
        "propose_erasure",
        "withdraw_erasure",
        "propose_erasure",
    ]


def test_two_at_once_are_told(world: World, shared: str) -> None:
    endings, seen = world.service.endings, world.view(FOCAL, shared).version
    endings.propose_erasure(world.person(OFFICER), shared, seen, "Sent to the wrong place")
    for step, arguments in ((endings.propose_erasure, ("Also",)), (endings.close, ()), (endings.erase, ())):
        with pytest.raises(Stale):
            step(world.person(FOCAL), shared, seen, *arguments)
    confirmed = world.view(FOCAL, shared).version
    endings.withdraw_erasure(world.person(OFFICER), shared, confirmed)
    with pytest.raises(Stale):
        endings.erase(world.person(FOCAL), shared, confirmed)
    assert world.inquiry(shared).erased_at is None


def test_the_others_are_told_without_personal_data(world: World, shared: str) -> None:
    world.service.requests.ask_erasure(Link(shared))
    world.take()
    do(world, OFFICER, "propose_erasure", shared, "")
    do(world, FOCAL, "erase", shared)
    (event,) = world.take()
    assert isinstance(event.payload, InquiryErased)
    assert [one.email for one in event.payload.recipients] == [WIPO_FOCAL]
    assert event.payload.requested
    said = event.payload.model_dump_json()
    for private in ("Kamau", "kamau", "Vaccine", "begin"):
        assert private not in said


def test_files_go_with_the_event_however_often_it_comes(world: World) -> None:
    reference = world.routed(uploads=[Upload("plan.pdf", b"%PDF-1.7 plan")])
    file = world.view(OFFICER, reference).messages[0].attachments[0].file
    do(world, OFFICER, "propose_erasure", reference, "no longer needed")
    do(world, FOCAL, "erase", reference)
    (event,) = world.take(InquiryErased)
    for _ in range(2):
        assert world.service.endings.on_erased(event) == ()
    assert world.files.read(file) is None


@pytest.mark.parametrize("fails", [False, True])
def test_a_long_inquiry_is_erased_whole(
    world: World, shared: str, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    monkeypatch.setattr(cases, "MAX_WRITES", 7)
    for number in range(40):
        data = {"inquiry": shared, "at": utc_text(world.clock.now()), "kind": "note", "author": "Kamau", "email": "k"}
        world.store.commit([Create("inquiry_messages", f"{shared}:{number}", data | {"text": "Private"})])
    do(world, OFFICER, "propose_erasure", shared, "no longer needed")
    if fails:  # at the commit that decides it; done again, it is whole
        real, calls = world.store.commit, iter([None] * 5 + [Conflict("once")])

        def commit(writes: Any) -> None:
            if error := next(calls, None):
                raise error
            real(writes)

        monkeypatch.setattr(world.store, "commit", commit)
    do(world, FOCAL, "erase", shared)
    kept = str([document.data for document in world.store.query("inquiry_messages", limit=100)])
    assert "Private" not in kept
    assert "Kamau" not in kept


# -- as staff meet it --


@pytest.fixture
def sites(tmp_path: Path) -> Sites:
    return new_world(tmp_path)


def has_form(page: Any, ending: str) -> bool:
    try:
        form_to(page, ending)
    except StopIteration:
        return False
    return True


def test_the_page_offers_only_what_may_be_done(sites: Sites) -> None:
    reference = sites.receive()  # WHO leads, WTO supports
    address = f"/desk/inquiries/{reference}"
    mine, theirs = sites.member(OFFICER).get(address), sites.member(WTO).get(address)
    for action in ("/close", "/propose-erasure"):
        assert has_form(mine, action)
        assert not has_form(theirs, action)
    assert has_form(theirs, "/end-part")
    assert not has_form(mine, "/end-part")
    assert 'value="closed"' in mine.text
    assert 'value="closed"' not in theirs.text
    ended = sites.member(WTO)
    page = ended.follow(press(ended, ended.get(address), "/end-part"))
    assert "Your part has ended." in words(page)
    for action in ("/take", "/assign", "/answer", "/end-part"):
        assert not has_form(page, action)
    assert "has ended its part" in words(sites.member(OFFICER).get(address))
    assert "Our part has ended" in words(sites.member(WTO).get("/desk/inquiries"))
    again = ended.follow(press(ended, page, "/resume-part"))
    assert has_form(again, "/answer")


def test_erasure_passes_through_two_pairs_of_hands(sites: Sites) -> None:
    reference = sites.receive()
    address = f"/desk/inquiries/{reference}"
    officer, focal, viewer, other = (sites.member(email) for email in (OFFICER, FOCAL, VIEWER, WTO))
    faulty = press(officer, officer.get(address), "/propose-erasure")
    assert faulty.status_code == 422
    assert "Say why" in words(faulty)
    page = officer.follow(press(officer, faulty, "/propose-erasure", why="Sent to the wrong place"))
    assert has_form(page, "/withdraw-erasure")
    assert not has_form(page, "/erase")
    for browser in (viewer, other):
        seen = browser.get(address)
        assert "asks for the erasure" in words(seen)
        assert "Sent to the wrong place" in words(seen)
        assert not has_form(seen, "/erase")
        assert not has_form(seen, "/withdraw-erasure")
    confirmed = press(focal, focal.get(address), "/erase")
    assert confirmed.status_code == 303
    assert focal.get(address).status_code == 404
    assert "Kamau" not in focal.get("/desk/inquiries").text


def test_who_asked_sees_no_button_and_cannot_press_it(sites: Sites) -> None:
    reference = sites.receive()
    address = f"/desk/inquiries/{reference}"
    focal = sites.member(FOCAL)
    page = focal.follow(press(focal, focal.get(address), "/propose-erasure", why="Sent to the wrong place"))
    assert not has_form(page, "/erase")
    refused = focal.send(page, form_to(page, "/withdraw-erasure"), at=f"{address}/erase")
    assert refused.status_code == 422
    assert "You asked for it yourself" in words(refused)
    assert sites.announced("inquiry.erased") == []


def test_what_was_written_before_a_colleague_closed_is_kept(sites: Sites) -> None:
    reference = sites.receive()
    address = f"/desk/inquiries/{reference}"
    officer, focal = sites.member(OFFICER), sites.member(FOCAL)
    page = officer.get(address)
    press(focal, focal.get(address), "/close")
    refused = press(officer, page, "/answer", send="1", text="My long answer")
    assert refused.status_code == 409
    assert "My long answer" in refused.text
    assert sites.announced(InquiryAnswered.type) == []


def test_nothing_of_it_exists_for_others(world: World, shared: str) -> None:
    for action, arguments in (("end_part", ()), ("resume_part", ()), ("propose_erasure", ("x",)), ("erase", ())):
        with pytest.raises(NotFound):
            getattr(world.service.endings, action)(world.person(WTO), shared, "1", *arguments)

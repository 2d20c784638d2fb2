"""From the form to the answer: routing, assignment, visibility, conversation, times, erasure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from functions.inquiries.casework.case import Case
from functions.inquiries.casework.queries import Filter
from functions.inquiries.errors import NotAllowed, NotFound, Stale
from functions.inquiries.files.attachments import Upload
from functions.inquiries.reindex import reindex
from shared.contracts.inquiries import (
    InquiryAnswered,
    InquiryAssigned,
    InquiryEscalated,
    InquiryMessageReceived,
    InquiryReceived,
    InquiryReminderDue,
    InquiryRouted,
)
from shared.errors import FaultyFields
from shared.idempotency import KeyReused
from shared.keys.links import Link
from shared.ports import Conflict, Document, Replace
from tests.functions.inquiry_world import MONDAY, World, request

WHO_FOCAL, WHO_A, WHO_B = "amara.diallo@who.example", "lucas.ferreira@who.example", "noor.haddad@who.example"
WIPO, WTO = "omar.nasser@wipo.example", "claire.dubois@wto.example"
PDF = Upload("../../plan.pdf", b"%PDF-1.7 plan")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


# -- coming in --


def test_a_request_is_kept_and_acknowledged(world: World) -> None:
    reference = world.receive(uploads=[PDF])
    (event,) = world.take()
    assert isinstance(event.payload, InquiryReceived)
    (recipient,) = event.payload.recipients
    assert recipient.email == "w.kamau@health.example"
    assert recipient.link.startswith("https://onestop.example/i/")
    assert recipient.reply_to.startswith("reply+")
    assert len(recipient.reply_to.split("@")[0]) <= 64
    status = world.service.requests.status(Link(reference))
    (attachment,) = status.messages[0].attachments
    assert (attachment.name, attachment.media_type) == ("plan.pdf", "application/pdf")
    assert world.service.requests.attachment(Link(reference), attachment.id)[2] == PDF.content


def test_the_same_key_and_request_make_one_inquiry(world: World) -> None:
    assert world.receive(key="k") == world.receive(key="k")
    assert world.receive(key="other") != world.receive(key="k")
    assert world.store.count("inquiries") == 2
    with pytest.raises(KeyReused):
        world.receive(key="k", subject="Something else")


def test_what_does_not_exist_is_told_by_field(world: World) -> None:
    with pytest.raises(FaultyFields) as raised:
        world.receive(topics=["no-such"], share_with="nobody", activity="none")
    assert set(raised.value.errors) == {"topics", "share_with", "activity"}
    with pytest.raises(FaultyFields) as raised:
        world.receive(uploads=[Upload("invoice.pdf", b"MZ\x90\x00 program")])
    assert set(raised.value.errors) == {"attachments"}
    assert world.store.count("inquiries") == 0
    assert not world.outbox()


# -- routing --


def test_lead_and_supporters_each_get_their_part_and_their_mail(world: World) -> None:
    reference = world.receive(topics=["local-production", "technology-transfer"])
    world.route()
    inquiry = world.inquiry(reference)
    assert (inquiry.state, inquiry.lead, inquiry.visible_to) == ("assigned", "who", ["who", "wipo"])
    mails = {event.payload.organisation: event.payload for event in world.take(InquiryRouted)}
    assert mails["WHO"].leads
    assert not mails["WIPO"].leads
    assert mails["WHO"].recipients[0].email == world.part(reference, "who").assignee
    assert mails["WIPO"].explanation.supporting == ["wipo"]


def test_routing_the_same_event_again_changes_nothing(world: World) -> None:
    world.receive()
    (event,) = world.take(InquiryReceived)
    writes = world.service.routing.on_received(event)
    again = world.service.routing.on_received(event)
    world.store.commit(writes)
    with pytest.raises(Conflict):  # decided at the same time by another process
        world.store.commit(again)
    assert world.service.routing.on_received(event) == ()
    assert len(world.take(InquiryRouted)) == 1


def test_the_rota_goes_round_those_who_speak_the_language_and_are_there(world: World) -> None:
    takers = [world.part(world.routed(), "who").assignee for _ in range(4)]
    assert takers == [WHO_A, WHO_B, WHO_A, WHO_B]
    assert world.part(world.routed(language="es"), "who").assignee == WHO_A
    assert world.part(world.routed(language="es-MX"), "who").assignee == WHO_A
    world.absent(WHO_A)
    assert world.part(world.routed(), "who").assignee == WHO_B


def test_a_language_that_nobody_in_the_queue_speaks_does_not_stop_a_request(world: World) -> None:
    assert world.part(world.routed(language="ja"), "who").assignee in (WHO_A, WHO_B)


def test_what_nobody_can_take_goes_to_the_focal_point_and_then_to_the_one_who_returns(world: World) -> None:
    world.absent(WHO_A, WHO_B, days=1)
    references = []
    for _ in range(2):
        references.append(world.receive())
        world.clock.pass_(minutes=1)
    world.route()
    mails = [event.payload for event in world.take(InquiryRouted)]
    assert [mail.recipients[0].email for mail in mails] == [WHO_FOCAL, WHO_FOCAL]
    world.service.deadlines.tick()
    assert world.inquiry(references[0]).state == "routed"
    world.clock.pass_(days=1)
    world.service.deadlines.tick()
    world.service.deadlines.tick()
    assert [world.part(reference, "who").assignee for reference in references] == [WHO_A, WHO_B]
    assert len(world.take(InquiryAssigned)) == 2
    assert world.inquiry(references[0]).state == "assigned"


# -- who sees what --


def test_a_confined_request_does_not_exist_for_other_organisations(world: World) -> None:
    secret = world.routed(share_with="wipo", topics=["local-production", "trips-flexibilities"], subject="Zebrafish")
    reading = world.service.reading
    assert world.inquiry(secret).visible_to == ["wipo"]
    assert [row.inquiry for row in reading.page(world.person(WIPO), Filter(search="zebrafish")).rows] == [secret]
    for email in (WHO_A, "admin@who.example", WTO):
        staff = world.person(email)
        assert reading.page(staff, Filter()).rows == []
        assert reading.page(staff, Filter(search="zebrafish")).rows == []
        assert list(reading.export(staff, Filter())) == []
        assert reading.overview(staff).waiting == 0
        with pytest.raises(NotFound):
            reading.inquiry(staff, secret)
        with pytest.raises(NotFound):
            world.service.casework.note(staff, secret, "1", "curious")


def test_the_requesters_choice_binds_hand_overs_too(world: World) -> None:
    reference = world.routed(share_with="wipo", topics=["ip-capacity-building"])
    view = world.view(WIPO, reference)
    with pytest.raises(NotAllowed):
        world.service.casework.hand_over(world.person(WIPO), reference, view.version, "who", "theirs")


def test_who_reads_an_inquiry_while_it_changes_hands_sees_one_of_the_two(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the reading of the inquiry and that of its parts, another process hands it over."""
    reference = world.routed(topics=["local-production"])
    version, read = world.view(WHO_A, reference).version, world.store.get_many

    def handed_over(collection: str, ids: Iterable[str]) -> list[Document]:
        monkeypatch.undo()
        other = world.new_service().casework
        other.hand_over(world.person(WHO_A), reference, version, "wto", "A question of trade")
        return read(collection, ids)

    monkeypatch.setattr(world.store, "get_many", handed_over)
    case = Case.load(world.store, reference, world.clock.now())
    assert sorted(case.assignments) == case.inquiry.visible_to
    assert "who" not in case.assignments


def test_a_hand_over_moves_the_part_and_the_sight_of_it(world: World) -> None:
    reference = world.routed()
    world.clock.pass_(minutes=1)
    view = world.view(WHO_A, reference)
    world.service.casework.hand_over(world.person(WHO_A), reference, view.version, "wto", "A question of trade")
    inquiry = world.inquiry(reference)
    assert (inquiry.lead, inquiry.visible_to) == ("wto", ["wto"])
    with pytest.raises(NotFound):
        world.view(WHO_A, reference)
    (event,) = world.take(InquiryAssigned)
    assert (event.payload.given_by, event.payload.reason) == ("Lucas Ferreira", "A question of trade")
    assert world.view(WTO, reference).history[-1].action == "hand_over"
    assert world.service.reading.page(world.person(WTO), Filter(search="vaccine")).rows


def test_lists_filter_search_sort_and_page(world: World) -> None:
    for number in range(7):
        world.routed(subject=f"Plant {number}", country="KE" if number % 2 else "SN", language="es")
        world.clock.pass_(minutes=1)
    staff = world.person(WHO_A)
    page = world.service.reading.page(staff, Filter(), limit=3)
    rows = list(page.rows)
    while page.next:
        page = world.service.reading.page(staff, Filter(), page.next, limit=3)
        rows += page.rows
    assert [row.subject for row in rows] == [f"Plant {number}" for number in reversed(range(7))]
    some = world.service.reading.page(staff, Filter(country="KE", assignee=WHO_A, state="assigned", order="due_at"))
    assert len(some.rows) == 3
    searched = world.service.reading.page(staff, Filter(search="plant kamau", country="SN"), limit=3)
    assert [row.subject for row in searched.rows] == ["Plant 6", "Plant 4", "Plant 2"]
    last = world.service.reading.page(staff, Filter(search="plant kamau", country="SN"), searched.next, limit=3)
    assert [row.subject for row in last.rows] == ["Plant 0"]
    assert world.service.reading.page(staff, Filter(search="Wanj")).rows
    assert len(world.service.reading.page(staff, Filter(topic="local-production", search="plant")).rows) == 7


def test_chinese_text_is_found_by_any_part_of_it(world: World) -> None:
    reference = world.routed(
        subject="关于药品集中采购的咨询", message="出口限制导致疫苗短缺。", given_name="小明", family_name="王"
    )
    staff = world.person(WHO_A)
    for searched in ("采购", "集中采购", "疫苗短缺", "王小明", "王 咨询"):
        assert [row.inquiry for row in world.service.reading.page(staff, Filter(search=searched)).rows] == [reference]
    assert not world.service.reading.page(staff, Filter(search="专利")).rows


def test_what_was_listed_before_is_read_and_listed_afresh(world: World) -> None:
    staff = world.person(WHO_A)
    old, erased = world.routed(subject="药品采购"), world.routed(subject="药品")
    world.erase(erased, WHO_A, WHO_FOCAL)
    part = world.part(old, "who")
    part.terms = ["药品采购"]  # as it was made before pairs
    world.store.commit([Replace("assignments", f"{old}:who", part.data(), None)])
    assert not world.service.reading.page(staff, Filter(search="采购")).rows
    assert reindex(world.store) == 1
    assert [row.inquiry for row in world.service.reading.page(staff, Filter(search="采购")).rows] == [old]
    assert world.part(erased, "who").terms == []
    assert reindex(world.store) == 0


# -- working on it --


def test_an_answer_goes_out_in_the_thread_and_stops_the_clock(world: World) -> None:
    reference = world.routed()
    view = world.view(WHO_A, reference)
    world.service.casework.answer(world.person(WHO_A), reference, view.version, "Begin with a plan.", [PDF])
    (event,) = world.take(InquiryAnswered)
    assert event.payload.text == "Begin with a plan."
    assert event.payload.recipients[0].references
    assert [file.name for file in event.payload.attachments] == ["plan.pdf"]
    inquiry = world.inquiry(reference)
    assert (inquiry.state, inquiry.answered_at) == ("answered", MONDAY)
    world.clock.pass_(days=30)
    world.service.deadlines.tick()
    assert world.take() == []


def test_notes_stay_with_the_staff(world: World) -> None:
    reference = world.routed(topics=["local-production", "technology-transfer"])
    world.clock.pass_(minutes=1)
    world.service.casework.note(world.person(WHO_A), reference, world.view(WHO_A, reference).version, "Careful here")
    assert [message.text for message in world.view(WIPO, reference).messages][-1] == "Careful here"
    assert "Careful here" not in [message.text for message in world.service.requests.status(Link(reference)).messages]
    assert world.take() == []


def test_the_second_of_two_people_is_told_and_overwrites_nothing(world: World) -> None:
    reference = world.routed()
    seen = world.view(WHO_A, reference).version
    world.service.casework.answer(world.person(WHO_B), reference, seen, "Mine")
    with pytest.raises(Stale):
        world.service.casework.answer(world.person(WHO_A), reference, seen, "Also mine")
    assert [m.text for m in world.view(WHO_A, reference).messages if m.kind == "answer"] == ["Mine"]


def test_a_reminder_does_not_make_stale_what_somebody_is_writing(world: World) -> None:
    reference = world.routed()
    seen = world.view(WHO_A, reference).version
    world.clock.instant = world.part(reference, "who").remind_at
    world.service.deadlines.tick()
    assert world.take(InquiryReminderDue)
    world.service.casework.answer(world.person(WHO_A), reference, seen, "In time")


def test_a_message_reopens_and_starts_the_clock_anew(world: World) -> None:
    reference = world.routed()
    view = world.view(WHO_A, reference)
    world.service.casework.answer(world.person(WHO_A), reference, view.version, "Done.", close=True)
    assert world.inquiry(reference).state == "closed"
    world.take()
    world.clock.pass_(days=7)
    world.service.requests.add_message(Link(reference), "One more thing", "key")
    assert world.inquiry(reference).state == "reopened"
    part = world.part(reference, "who")
    assert (part.clock, part.round) == ("running", 2)
    assert part.due_at > world.clock.now()
    (event,) = world.take(InquiryMessageReceived)
    assert event.payload.reopened


def test_a_message_sent_twice_is_added_once(world: World) -> None:
    reference = world.routed()
    for _ in range(2):
        world.service.requests.add_message(Link(reference), "One more thing", "the form's own key")
    assert [m.text for m in world.view(WHO_A, reference).messages if m.kind == "reply"] == ["One more thing"]
    world.service.requests.add_message(Link(reference), "One more thing", "another form")
    assert len([m for m in world.view(WHO_A, reference).messages if m.kind == "reply"]) == 2


def test_closed_inquiries_are_left_alone_until_reopened(world: World) -> None:
    reference, staff = world.routed(), world.person(WHO_A)
    casework, endings = world.service.casework, world.service.endings
    endings.close(staff, reference, world.view(WHO_A, reference).version)
    for act in (casework.take, endings.close):
        with pytest.raises(NotAllowed):
            act(staff, reference, world.view(WHO_A, reference).version)
    endings.reopen(staff, reference, world.view(WHO_A, reference).version)
    casework.take(staff, reference, world.view(WHO_A, reference).version)
    assert world.inquiry(reference).state == "assigned"


def test_only_colleagues_who_answer_can_be_given_a_part(world: World) -> None:
    reference, staff = world.routed(), world.person(WHO_A)
    for address in (WTO, "greta.olsen@who.example", "nobody@who.example"):
        with pytest.raises(FaultyFields):
            world.service.casework.assign(staff, reference, world.view(WHO_A, reference).version, address)
    world.service.casework.assign(staff, reference, world.view(WHO_A, reference).version, WHO_FOCAL, "hers")
    assert world.part(reference, "who").assignee == WHO_FOCAL
    assert world.take(InquiryAssigned)[0].payload.recipients[0].email == WHO_FOCAL


def test_erasure_leaves_no_name_text_or_file(world: World) -> None:
    reference = world.routed(uploads=[PDF], message="Private matter", subject="Very private")
    world.service.requests.ask_erasure(Link(reference))
    world.service.requests.ask_erasure(Link(reference))
    assert len(world.take()) == 1
    file = world.view(WHO_A, reference).messages[0].attachments[0].file
    world.erase(reference, WHO_A, WHO_FOCAL)
    kept = "".join(
        str(document.data)
        for collection in ("inquiries", "assignments", "inquiry_messages", "audit", "idempotency")
        for document in world.store.query(collection)
    )
    for private in ("Kamau", "kamau", "Private", "private", "plan.pdf"):
        assert private not in kept
    assert world.files.read(file) is None
    with pytest.raises(NotFound):
        world.service.requests.status(Link(reference))


# -- time --


def test_reminder_then_escalation_each_exactly_once(world: World) -> None:
    reference = world.routed()
    part = world.part(reference, "who")
    assert part.due_at == datetime(2026, 3, 4, 9, 0, tzinfo=UTC)  # 16 hours of a 7.5-hour day: Wednesday, ten o'clock
    for step in range(80):
        world.clock.instant = MONDAY + timedelta(hours=step)
        world.service.deadlines.tick()
        world.new_service().deadlines.tick()
    reminders, escalations = world.take(InquiryReminderDue), world.take(InquiryEscalated)
    assert [event.payload.recipients[0].email for event in reminders] == [part.assignee]
    assert [event.payload.recipients[0].email for event in escalations] == [WHO_FOCAL]
    assert reminders[0].time < part.due_at <= escalations[0].time
    assert world.service.reading.page(world.person(WHO_A), Filter(late=True)).rows


def test_a_clock_that_stood_still_escalates_without_a_reminder_after_the_fact(world: World) -> None:
    world.routed()
    world.clock.pass_(days=10)
    world.service.deadlines.tick()
    assert [type(event.payload) for event in world.take()] == [InquiryEscalated]


def test_many_targets_are_all_met_in_one_tick(world: World) -> None:
    references = {world.routed() for _ in range(7)}
    from functions.inquiries.casework import deadlines

    deadlines.PAGE, page = 3, deadlines.PAGE
    try:
        world.clock.pass_(days=10)
        world.service.deadlines.tick()
    finally:
        deadlines.PAGE = page
    assert {event.payload.reference for event in world.take(InquiryEscalated)} == references


def test_the_first_page_counts_what_waits(world: World) -> None:
    references = [world.routed() for _ in range(3)]
    staff = world.person(WHO_A)
    world.clock.pass_(hours=2)
    world.service.casework.answer(staff, references[0], world.view(WHO_A, references[0]).version, "Done", close=True)
    overview = world.service.reading.overview(staff)
    assert (overview.waiting, overview.unassigned, len(overview.mine)) == (2, 0, 1)
    assert overview.by_week[-1] == ("2026-03-02", 3)
    assert overview.hours_to_answer == [("2026-03-02", 2.0)]


def test_a_week_begins_at_midnight_of_the_organisation(world: World) -> None:
    world.clock.instant = MONDAY.replace(day=8, hour=23, minute=30)  # a Sunday; half past midnight in Geneva
    world.receive()
    world.route()
    assert world.service.reading.overview(world.person(WHO_A)).by_week[-1] == ("2026-03-09", 1)


def test_a_subject_cannot_become_a_header() -> None:
    with pytest.raises(ValidationError, match=r"subject\n.*Write this in one line"):
        request(subject="Hello\r\nBcc: everyone@example.org")

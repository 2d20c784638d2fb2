"""The raw mail behind a message: kept as long as its inquiry needs it, saved from its page, gone when it is erased."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from functions.inquiries.casework.models import MessageDoc
from functions.inquiries.errors import NotFound
from functions.inquiries.inbound_mail import parse, receive
from shared.ports import Write
from tests.functions.browser import Browser
from tests.functions.inquiry_sites import REQUEST, WHO_OFFICER, new_world
from tests.functions.test_inbound_mail import WHO_A, WHO_FOCAL, WIPO, Postbox, verified

LONG = "And another thing, which needs saying. " * 20_000  # 780 kB, more than a document should hold
LONGER = f"{LONG}\n> " + "и" * 1_500_000  # more than is read at all


@pytest.fixture
def box(tmp_path: Path) -> Postbox:
    return Postbox(tmp_path)


def whole(box: Postbox, message: MessageDoc) -> bytes:
    return box.service.reading.mail(box.person(WHO_A), box.reference, message.mail_key)


def mail(box: Postbox, text: str, sender: str = "w.kamau@health.example") -> bytes:
    head = f"From: {sender}\nTo: {box.requester}\nSubject: Long\nMessage-ID: <{len(text)}@mail.example>\n"
    return verified(f"{head}Content-Type: text/plain; charset=utf-8\n\n{text}".encode())


@pytest.mark.parametrize("name", ["gmail-html", "with-attachment", "auto-reply-exchange", "staff-answer"])
def test_the_whole_mail_is_kept_with_its_message(box: Postbox, name: str) -> None:
    box.send(name)
    assert whole(box, box.thread()[-1]) == box.mail(name)


def test_others_and_other_inquiries_have_no_part_in_it(box: Postbox) -> None:
    box.send("gmail-en")
    key = box.thread()[-1].mail_key
    assert box.service.reading.mail(box.person(WHO_A), box.reference, key)
    other = box.routed(share_with="wipo", topics=["ip-capacity-building"])
    for email, reference in ((WIPO, box.reference), (WIPO, other), (WHO_A, other)):
        with pytest.raises(NotFound):
            box.service.reading.mail(box.person(email), reference, key)


def test_it_goes_when_the_inquiry_is_erased(box: Postbox) -> None:
    box.send("with-attachment")
    box.send("unknown-sender")
    ((id, _),) = box.service.reading.quarantine(box.person(WHO_A)).rows
    box.service.inbound.thread_by_hand(box.person(WHO_A), id, box.reference)
    files = [name for message in box.thread() for name in message.files]
    assert len(files) == 3
    box.erase(box.reference, WHO_A, WHO_FOCAL)
    assert [box.files.read(name) for name in files] == [None] * 3


def test_one_that_comes_while_the_inquiry_is_erased_leaves_no_file(
    box: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    write = box.files.write

    def erase_after(name: str, content: bytes, media_type: str) -> None:
        write(name, content, media_type)
        written.append(name)
        if name.startswith("mails/"):
            monkeypatch.undo()
            box.erase(box.reference, WHO_A, WHO_FOCAL)

    monkeypatch.setattr(box.files, "write", erase_after)
    assert box.send("with-attachment").reason == "expired_address"
    assert len(written) == 2
    assert [box.files.read(name) for name in written] == [None, None]


def test_the_second_of_two_deliveries_at_once_leaves_no_file(box: Postbox, monkeypatch: pytest.MonkeyPatch) -> None:
    commit, written, write = box.store.commit, [], box.files.write

    def after_the_other(writes: list[Write]) -> None:
        monkeypatch.setattr(box.store, "commit", commit)
        assert box.send("with-attachment").kind == "threaded"
        commit(writes)

    def note(name: str, content: bytes, media_type: str) -> None:
        written.append(name)
        write(name, content, media_type)

    monkeypatch.setattr(box.store, "commit", after_the_other)
    monkeypatch.setattr(box.files, "write", note)
    assert box.send("with-attachment").kind == "duplicate"
    kept = {name for name in written if box.files.read(name)}
    assert kept == set(box.thread()[-1].files)
    assert len(written) == 4  # two deliveries, each with its file and the mail


@pytest.mark.parametrize("text", [LONG, LONGER])
def test_a_long_mail_says_that_it_goes_on(box: Postbox, text: str) -> None:
    assert box.service.inbound.take(mail(box, text)).kind == "threaded"
    message = box.thread()[-1]
    assert message.is_cut
    assert len(message.text.encode()) <= receive.MAX_TEXT
    assert text.startswith(message.text[:1000])
    assert whole(box, message) == mail(box, text)


@pytest.mark.parametrize("text", [LONG, LONGER])
def test_a_long_mail_threaded_by_hand_says_so_too(box: Postbox, text: str) -> None:
    raw = mail(box, text, "a.colleague@health.example")
    assert box.service.inbound.take(raw).reason == "unknown_sender"
    ((id, _),) = box.service.reading.quarantine(box.person(WHO_A)).rows
    box.service.inbound.thread_by_hand(box.person(WHO_A), id, box.reference)
    message = box.thread()[-1]
    assert message.is_cut
    assert len(message.data()["text"].encode()) + len(message.quoted.encode()) < 2**19
    assert whole(box, message) == raw


def test_a_long_answer_of_the_staff_is_not_sent_on_in_part(box: Postbox) -> None:
    raw = box.mail("staff-answer").replace(b"Here is the guide.", LONG.encode())
    assert box.service.inbound.take(raw).reason == "too_large"
    assert box.outbox() == []


def test_a_short_one_does_not(box: Postbox) -> None:
    box.send("gmail-en")
    assert not box.thread()[-1].is_cut


def test_what_is_not_for_us_is_not_read(box: Postbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def unwanted(raw: bytes) -> None:
        raise AssertionError

    monkeypatch.setattr(parse, "read_content", unwanted)
    for name in ("no-reply-address", "forged-address", "expired-address", "unknown-sender"):
        assert box.send(name).kind == "quarantined"
    with pytest.raises(AssertionError):
        box.send("gmail-en")


def test_staff_save_it_from_the_page_and_the_requester_reads_that_it_goes_on(tmp_path: Path) -> None:
    world = new_world(tmp_path)
    reference = world.receive()
    (received,) = world.announced("inquiry.received")
    to, link = received["recipients"][0]["reply_to"], received["recipients"][0]["link"]
    raw = f"From: {REQUEST['email']}\nTo: {to}\nMessage-ID: <long@mail.example>\n\n{LONG}".encode()
    assert world.service.inbound.take(raw).kind == "threaded"
    staff = world.member(WHO_OFFICER)
    page = staff.get(f"/desk/inquiries/{reference}").text
    assert "The mail goes on" in page
    (found,) = re.findall(r'href="(/desk/inquiries/[^"]+/mails/\w+)"', page)
    saved = staff.get(found)
    assert saved.get_data() == raw
    assert saved.headers["Content-Disposition"].startswith(f'attachment; filename="{reference}-')
    assert staff.get(f"{found}x").status_code == 404
    theirs = Browser(world.web).get(link.removeprefix(world.platform.settings.base_url)).text
    assert "The mail goes on" in theirs
    assert "mails/" not in theirs

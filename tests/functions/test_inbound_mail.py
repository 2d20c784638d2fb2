"""Mails that come back, as real programs write them; each is a file in ``mails/``, with its outcome beside it."""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.inquiries.casework.models import MessageDoc
from functions.inquiries.errors import NotFound
from functions.inquiries.inbound_mail.quotations import split
from functions.inquiries.inbound_mail.receive import Outcome
from shared.adapters.embedded.files import FolderFiles
from shared.contracts.inquiries import InquiryAnswered, InquiryMessageReceived, InquiryReceived, InquiryRouted
from shared.keys.links import Link
from tests.functions import inquiry_sites
from tests.functions.browser import Browser
from tests.functions.inquiry_world import AUTHSERV, MONDAY, World

PIECES = [
    "",
    "Thank you.",
    "> marked",
    "On 2 March 2026, onestop <reply+x@onestop.example> wrote:",
    "From: onestop <noreply@onestop.example>",
    "From: Nairobi",
    "Sent: Monday",
    "To: Geneva",
    "-----Original Message-----",
    "____________",
    "our minister wrote:",
]
MAILS = Path(__file__).with_name("mails")
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((MAILS / "expected.toml").read_text("utf-8"))
WHO_FOCAL, WHO_A, WIPO = "amara.diallo@who.example", "lucas.ferreira@who.example", "omar.nasser@wipo.example"


class Postbox(World):
    """A world with one routed inquiry, and the addresses that its mails can be answered to."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.reference, self.requester, self.who = self._inquiry()
        _, self.other, _ = self._inquiry()
        self.clock.instant = MONDAY - timedelta(days=400)
        _, self.expired, _ = self._inquiry()
        self.clock.instant = MONDAY + timedelta(minutes=1)

    def _inquiry(self) -> tuple[str, str, str]:
        reference = self.receive(language="en")
        (received,) = (event.payload for event in self.outbox() if isinstance(event.payload, InquiryReceived))
        self.route()
        (routed,) = (event.payload for event in self.take() if isinstance(event.payload, InquiryRouted))
        return reference, received.recipients[0].reply_to, routed.recipients[0].reply_to

    def mail(self, name: str) -> bytes:
        content = (MAILS / f"{name}.eml").read_bytes()
        values = {
            "@REFERENCE@": self.reference,
            "@REQUESTER@": self.requester,
            "@REQUESTER_UPPER@": self.requester.upper(),
            "@WHO@": self.who,
            "@OTHER@": self.other,
            "@EXPIRED@": self.expired,
            "@FORGED@": self.requester.replace("@", "x@", 1),
        }
        for mark, value in values.items():
            content = content.replace(mark.encode(), value.encode())
        return content if b"Authentication-Results" in content else verified(content)

    def send(self, name: str, **options: Any) -> Outcome:
        return self.service.inbound.take(self.mail(name), **options)

    def thread(self) -> list[MessageDoc]:
        return self.view(WHO_A, self.reference).messages


def verified(raw: bytes) -> bytes:
    """As the provider delivers a mail whose sender's domain it has verified."""
    return f"Authentication-Results: {AUTHSERV}; dmarc=pass\r\n".encode() + raw


@pytest.fixture
def box(tmp_path: Path) -> Postbox:
    return Postbox(tmp_path)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_mail_goes_where_it_belongs(box: Postbox, name: str) -> None:
    expected = EXPECTED[name]
    outcome = box.send(name)
    assert (outcome.kind, outcome.reason) == (expected["outcome"], expected.get("reason", ""))
    told = [type(event.payload) for event in box.outbox()]
    if expected["outcome"] != "threaded":
        assert told == [], "only people's mails make mails"
    match expected["outcome"]:
        case "threaded":
            message = box.thread()[-1]
            by_staff = expected["by"] == "staff"
            assert message.kind == ("answer" if by_staff else "reply")
            assert told == [InquiryAnswered if by_staff else InquiryMessageReceived]
            assert message.text == expected["text"].replace("@REFERENCE@", box.reference)
            assert expected.get("quoted", "") in message.quoted
            assert [file.name for file in message.attachments] == expected.get("files", [])
        case "recorded":
            assert box.thread()[-1].kind == "auto_reply"
            assert box.inquiry(box.reference).state == "assigned"
            assert "auto_reply" not in [m.kind for m in box.service.requests.status(Link(box.reference)).messages]
        case "quarantined":
            assert len(box.thread()) == 1
            ((id, kept),) = box.service.reading.quarantine(box.person(WHO_A)).rows
            assert kept.reason == expected["reason"]
            assert box.service.reading.quarantined_mail(box.person(WHO_A), id)[1] == box.mail(name)


def test_every_mail_has_its_outcome() -> None:
    assert {path.stem for path in MAILS.glob("*.eml")} == set(EXPECTED)
    assert len(EXPECTED) >= 30


@pytest.mark.parametrize("name", EXPECTED)
def test_the_same_mail_delivered_again_changes_nothing(box: Postbox, name: str) -> None:
    box.send(name)
    thread, told = box.thread(), len(box.outbox())
    assert box.send(name).kind == "duplicate"
    assert (box.thread(), len(box.outbox())) == (thread, told)
    assert len(box.service.reading.quarantine(box.person(WHO_A)).rows) == (EXPECTED[name]["outcome"] == "quarantined")


def test_an_answer_by_mail_to_a_mail_names_it_in_the_thread(box: Postbox) -> None:
    box.send("gmail-en")
    box.take()
    box.clock.pass_(minutes=1)
    box.send("staff-answer")
    (event,) = box.take(InquiryAnswered)
    assert event.payload.recipients[0].references[-1] == "<gmail-en@mail.example>"


def test_the_envelope_tells_where_a_blind_copy_goes(box: Postbox) -> None:
    assert box.send("no-reply-address", recipients=[box.requester]).kind == "threaded"


def test_the_null_path_of_the_envelope_marks_a_bounce(box: Postbox) -> None:
    assert box.send("no-quotation", envelope_sender="").kind == "recorded"


def test_a_mail_about_a_confined_request_is_seen_by_its_organisation_only(box: Postbox) -> None:
    box.reference = box.routed(share_with="wipo", topics=["ip-capacity-building"])
    mail = box.mail("no-reply-address").replace(b"A question", f"About {box.reference}".encode())
    assert box.service.inbound.take(mail).kind == "quarantined"
    assert box.service.reading.quarantine(box.person(WHO_A)).rows == []
    ((id, _),) = box.service.reading.quarantine(box.person(WIPO)).rows
    with pytest.raises(NotFound):
        box.service.reading.quarantined_mail(box.person(WHO_A), id)


def test_too_large_a_mail_is_kept_aside_whole(box: Postbox) -> None:
    raw = box.mail("no-quotation") + b"x" * (26 * 2**20)
    assert box.service.inbound.take(raw).reason == "too_large"
    ((id, _),) = box.service.reading.quarantine(box.person(WHO_A)).rows
    assert box.service.reading.quarantined_mail(box.person(WHO_A), id)[1] == raw


def test_an_answer_that_comes_as_the_inquiry_is_handed_over_is_kept_aside(
    box: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = FolderFiles.write

    def overtaken(self: FolderFiles, *file: Any) -> None:
        """Files are written when the sender is known and before anything is decided."""
        write(self, *file)
        monkeypatch.setattr(FolderFiles, "write", write)
        version = box.view(WHO_A, box.reference).version
        box.service.casework.hand_over(box.person(WHO_A), box.reference, version, "wto", "It is theirs.")

    monkeypatch.setattr(FolderFiles, "write", overtaken)
    outcome = box.send("staff-answer")
    assert (outcome.kind, outcome.reason) == ("quarantined", "unknown_sender")


def test_staff_put_a_mail_where_it_belongs(box: Postbox) -> None:
    box.send("unknown-sender")
    ((id, _),) = box.service.reading.quarantine(box.person(WHO_A)).rows
    box.service.inbound.thread_by_hand(box.person(WHO_A), id, box.reference)
    assert [message.text for message in box.thread()][-1] == "I am her colleague."
    assert box.thread()[-1].author == "Somebody Else"
    assert box.service.reading.quarantine(box.person(WHO_A)).rows == []
    with pytest.raises(NotFound):
        box.service.inbound.thread_by_hand(box.person(WHO_A), id, box.reference)


def test_staff_cannot_put_a_mail_where_they_see_nothing(box: Postbox) -> None:
    box.send("no-reply-address")
    ((id, _),) = box.service.reading.quarantine(box.person(WIPO)).rows
    with pytest.raises(NotFound):
        box.service.inbound.thread_by_hand(box.person(WIPO), id, box.reference)


def test_a_reply_to_an_erased_inquiry_is_kept_aside(box: Postbox) -> None:
    box.erase(box.reference, WHO_A, WHO_FOCAL)
    assert box.send("gmail-en").reason == "expired_address"


def test_every_word_is_shown_to_the_writer_and_to_staff(tmp_path: Path) -> None:
    sites = inquiry_sites.new_world(tmp_path)
    reference = sites.receive()
    recipient = sites.announced("inquiry.received")[0]["recipients"][0]
    head = f"From: w.kamau@health.example\r\nTo: {recipient['reply_to']}\r\nMessage-ID: <a@b>\r\n\r\n"
    body = "Tuesday is fine.\n\nOn 2 March 2026 at 10:00, onestop wrote:\n> Would Tuesday suit you?\n"
    assert sites.service.inbound.take(f"{head}{body}".encode()).kind == "threaded"
    address = recipient["link"].removeprefix("https://onestop.test")
    for page in (Browser(sites.web).get(address), sites.member(WHO_A).get(f"/desk/inquiries/{reference}")):
        folded = re.search(r"<details><summary[^>]*>Quoted text</summary>(.*?)</details>", page.text, re.DOTALL)
        assert folded
        assert "onestop wrote:" in folded[1]
        assert "Would Tuesday suit you?" in folded[1]
        assert "Tuesday is fine." in page.text


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("\n".join))
def test_no_word_is_lost_however_a_mail_is_made(text: str) -> None:
    new, quoted = split(text, ["onestop.example"])
    assert sorted(f"{new}\n{quoted}".split()) == sorted(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "a " * 15_000,
        "> " * 15_000,
        "On " * 10_000,
        "\n" * 30_000,
        "x: y\n" * 6_000,
        "a" * 200_000 + ":\n> b",
        "<a@onestop.example> x\n" * 8_000,
        "a@onestop.example:\n\n" * 8_000,
    ],
)
def test_hostile_texts_are_split_in_reasonable_time(text: str) -> None:
    new, quoted = split(text, ["onestop.example"])
    assert new or quoted or not text.strip()

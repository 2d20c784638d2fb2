"""Mail whose sender nobody has verified: kept aside with the reason, sent on by nobody but a person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from functions.inquiries.casework.models import Quarantined
from functions.inquiries.errors import NotAllowed
from functions.inquiries.inbound_mail.receive import Outcome
from functions.inquiries.services import Service
from shared.contracts.inquiries import InquiryAnswered, InquiryMessageReceived
from shared.settings import from_environment
from tests.functions.browser import forms, press, words
from tests.functions.inquiry_sites import new_world
from tests.functions.inquiry_world import AUTHSERV
from tests.functions.test_inbound_mail import WHO_A, Postbox

WHO_B = "noor.haddad@who.example"
FORGED = f"{AUTHSERV}; spf=fail smtp.mailfrom=evil.example; dmarc=fail header.from=who.example"
REQUESTER = "w.kamau@health.example"


@pytest.fixture
def box(tmp_path: Path) -> Postbox:
    return Postbox(tmp_path)


def mail(box: Postbox, sender: str, results: str | None, **headers: str) -> bytes:
    to = box.requester if sender == REQUESTER else box.who
    fields = {"From": sender, "To": to, "Message-ID": "<m@x>", "Subject": "Re: Your request"} | headers
    lines = [f"{name}: {value}" for name, value in fields.items()]
    if results is not None:
        lines.insert(0, f"Authentication-Results: {results}")
    return ("\r\n".join(lines) + "\r\n\r\nPlease pay to this account.\r\n").encode()


def take(box: Postbox, raw: bytes) -> Outcome:
    return box.service.inbound.take(raw)


def kept(box: Postbox) -> tuple[str, Quarantined]:
    ((id, found),) = box.service.reading.quarantine(box.person(WHO_A)).rows
    return id, found


@pytest.mark.parametrize("sender", [WHO_A, REQUESTER])
@pytest.mark.parametrize(
    ("results", "says"),
    [
        (FORGED, "spf=fail dmarc=fail"),
        (f"{AUTHSERV}; none", ""),
        (f"{AUTHSERV}; spf=none; dkim=none", "spf=none dkim=none"),
        ("mx.evil.example; dmarc=pass", ""),
        (None, ""),
    ],
)
def test_a_forged_sender_reaches_nobody(box: Postbox, sender: str, results: str | None, says: str) -> None:
    assert take(box, mail(box, sender, results)) == Outcome("quarantined", "unverified_sender", box.reference)
    assert box.outbox() == []
    assert len(box.thread()) == 1
    _, found = kept(box)
    assert (found.reason, found.detail, found.sender) == ("unverified_sender", says, sender)


@pytest.mark.parametrize("sender", [WHO_A, REQUESTER])
def test_the_guard_is_what_keeps_it_out(box: Postbox, sender: str) -> None:
    """Negative control: where senders are taken at their word, the same mail goes through."""
    means = replace(box.service.inbound._means, trusts_senders=True)
    raw = mail(box, sender, FORGED)
    assert Service(means).inbound.take(raw).kind == "threaded"
    told = InquiryMessageReceived if sender == REQUESTER else InquiryAnswered
    assert [type(event.payload) for event in box.outbox()] == [told]


def test_without_a_provider_all_replies_wait(box: Postbox) -> None:
    strict = Service(replace(box.service.inbound._means, authserv=""))
    raw = mail(box, WHO_A, f"{AUTHSERV}; dmarc=pass")
    assert strict.inbound.take(raw).reason == "unverified_sender"


def test_a_forged_header_below_the_providers_is_hearsay(box: Postbox) -> None:
    raw = b"Authentication-Results: " + FORGED.encode() + b"\r\n" + mail(box, WHO_A, f"{AUTHSERV}; dmarc=pass")
    assert take(box, raw).reason == "unverified_sender"


def test_a_second_sender_does_not_lend_its_pass(box: Postbox) -> None:
    raw = mail(box, f"{WHO_A}, x@evil.example", f"{AUTHSERV}; dmarc=pass header.from=evil.example")
    assert take(box, raw).kind == "quarantined"
    assert box.outbox() == []


def test_only_the_local_mailbox_takes_senders_at_their_word() -> None:
    keys = {"ONESTOP_SECRET_KEYS": "k" * 40}
    for environ, trusts in (
        ({}, True),
        ({"ONESTOP_INBOUND_AUTHSERV": AUTHSERV}, False),
        ({"ONESTOP_SMTP_RELAYS": "smtp://relay.example:25"}, False),
        ({"ONESTOP_ENGINE": "cloud"}, False),
    ):
        assert from_environment(keys | environ).trusts_senders is trusts, environ


# -- what staff do with it --


def test_staff_place_it_as_the_requesters_message(box: Postbox) -> None:
    take(box, mail(box, REQUESTER, None))
    box.service.inbound.thread_by_hand(box.person(WHO_B), kept(box)[0], box.reference)
    message = box.thread()[-1]
    assert (message.kind, message.email, message.organisation) == ("reply", REQUESTER, None)
    assert [type(event.payload) for event in box.take()] == [InquiryMessageReceived]


def test_staff_send_it_as_an_answer_in_their_own_name(box: Postbox) -> None:
    take(box, mail(box, WHO_A, None))
    box.service.inbound.thread_by_hand(box.person(WHO_B), kept(box)[0], box.reference, as_answer=True)
    message = box.thread()[-1]
    assert (message.kind, message.email, message.organisation) == ("answer", WHO_B, "who")
    (event,) = box.take()
    assert isinstance(event.payload, InquiryAnswered)
    assert event.payload.author == box.person(WHO_B).name
    assert box.inquiry(box.reference).state == "answered"
    assert [entry.actor for entry in box.view(WHO_A, box.reference).history if entry.action == "thread_mail"] == [WHO_B]


def test_an_answer_by_hand_needs_what_an_answer_at_the_desk_needs(box: Postbox) -> None:
    take(box, mail(box, WHO_A, None))
    id, _ = kept(box)
    box.service.endings.close(box.person(WHO_A), box.reference, box.view(WHO_A, box.reference).version)
    box.take()
    with pytest.raises(NotAllowed):
        box.service.inbound.thread_by_hand(box.person(WHO_B), id, box.reference, as_answer=True)
    assert box.outbox() == []


def test_a_supporting_organisation_does_not_open_by_mail_what_was_closed(tmp_path: Path) -> None:
    box = Postbox(tmp_path)
    reference = box.receive(topics=["local-production", "technology-transfer"])
    box.route()
    (to,) = (
        event.payload.recipients[0] for event in box.take() if getattr(event.payload, "organisation", "") == "WIPO"
    )
    box.service.endings.close(box.person(WHO_A), reference, box.view(WHO_A, reference).version)
    box.take()
    raw = mail(box, to.email, f"{AUTHSERV}; dmarc=pass", To=to.reply_to)
    assert take(box, raw) == Outcome("quarantined", "closed", reference)
    assert (box.inquiry(reference).state, box.outbox()) == ("closed", [])


def test_the_page_says_why_and_offers_both(tmp_path: Path) -> None:
    sites = new_world(tmp_path)
    reference = sites.receive()
    strict = Service(replace(sites.service.inbound._means, trusts_senders=False, authserv=AUTHSERV))
    to = sites.announced("inquiry.routed")[0]["recipients"][0]["reply_to"]
    head = f"Authentication-Results: {FORGED}\r\nFrom: {WHO_A}\r\nTo: {to}\r\nSubject: Re\r\n\r\n"
    assert strict.inbound.take(f"{head}Our answer by mail.".encode()).reason == "unverified_sender"
    officer = sites.member(WHO_A)
    (address,) = {
        part for part in officer.get("/desk/quarantine").text.split('"') if part.startswith("/desk/quarantine/")
    }
    page = officer.get(address)
    assert "could not verify" in words(page)
    assert "spf=fail dmarc=fail" in words(page)
    chosen = dict(next(form for form in forms(page) if form.action.endswith("/thread")).fields)
    assert (chosen["reference"], chosen["as"]) == (reference, "answer")
    done = officer.follow(press(officer, page, "/thread"))
    assert "Our answer by mail." in words(done)
    assert len(sites.announced(InquiryAnswered.type)) == 1

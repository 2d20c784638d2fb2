"""Mails about inquiries: what they say, to whom, and how they hang together in a conversation."""

from __future__ import annotations

import pytest

from functions.notification.mails.composers import mails_for
from shared.contracts.bus_events import BusEvent, Payload
from shared.contracts.inquiries import InquiryClosed, InquiryReceived, InquiryRouted
from tests.payloads import EXPLANATION, NOW, every_inquiry_payload
from tests.unit.test_mails import names, sent, text_of


@pytest.mark.parametrize("payload", every_inquiry_payload(), ids=names)
def test_a_mail_takes_its_place_in_the_conversation(payload: Payload) -> None:
    message = sent(payload)
    assert message["Message-ID"] == "<second@onestop.example>"
    assert message["In-Reply-To"] == "<theirs@mail.example>"
    assert message["References"] == "<first@onestop.example> <theirs@mail.example>"
    assert message["Reply-To"].addresses[0].addr_spec.startswith("reply+k7qm3xhd.r.")
    assert "K7QM-3XHD" in message["Subject"]


@pytest.mark.parametrize("payload", every_inquiry_payload("ar"), ids=names)
def test_arabic_mails_run_from_right_to_left(payload: Payload) -> None:
    assert 'dir="rtl"' in text_of(sent(payload), "html")


def test_the_acknowledgement_repeats_nothing_that_was_typed_into_the_form() -> None:
    """The address is whatever the sender of the form typed: it must not carry a stranger's words to anybody."""
    facts = every_inquiry_payload()[0].model_dump()
    payload = InquiryReceived(**{**facts, "subject": "Buy spam", "message": "spam.example"})
    payload = payload.model_copy(update={"recipients": [payload.recipients[0].model_copy(update={"name": "Spam"})]})
    assert "spam" not in sent(payload).as_string().lower()


def test_an_answer_carries_the_text_as_it_was_written() -> None:
    answered = next(p for p in every_inquiry_payload() if p.type == "inquiry.answered")
    assert "Begin with <a plan>." in text_of(sent(answered))
    assert "Begin with &lt;a plan&gt;." in text_of(sent(answered), "html")
    assert "plan.pdf" in text_of(sent(answered))


def test_staff_are_told_why() -> None:
    routed = next(p for p in every_inquiry_payload() if isinstance(p, InquiryRouted))
    text = text_of(sent(routed))
    assert "WTO leads, with the support of WHO." in text
    assert "TRIPS questions" in text
    assert "Supply" not in text, "rules that did not match are for the desk"
    alone = routed.model_copy(update={"explanation": EXPLANATION.model_copy(update={"confined_to": "wto"})})
    assert "WTO answers alone" in text_of(sent(alone))


def test_an_event_without_recipients_mails_nobody() -> None:
    closed = InquiryClosed(reference="K7QM-3XHD", subject="", recipients=[])
    assert mails_for(BusEvent("e", NOW, "", closed)) == []

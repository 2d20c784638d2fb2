"""What a stranger writes like an encoded word (RFC 2047) is read as it was written."""

from __future__ import annotations

import email.policy
from email import message_from_bytes

from functions.notification.mails.composers import mails_for
from functions.notification.mails.render import render
from shared.contracts.bus_events import BusEvent
from shared.contracts.registration import RegistrationCancelled
from tests.payloads import FACTS, NOW, common, person

TRICK = "=?utf-8?q?Director-General?="


def test_names_and_titles_are_not_decoded() -> None:
    facts = FACTS.model_copy(update={"title": {"en": TRICK}, "organiser": TRICK})
    payload = RegistrationCancelled(
        **common(registrant=person(given=TRICK), event=facts), was_confirmed=False, sequence=1
    )
    (mail,) = mails_for(BusEvent("e1", NOW, "", payload))
    read = message_from_bytes(render(mail, "e1", "onestop <a@example.org>", NOW).content, policy=email.policy.default)
    assert read["To"].addresses[0].display_name == f"{TRICK} Diallo"
    assert read["Reply-To"].addresses[0].display_name == TRICK
    assert read["Subject"] == f"Your registration is cancelled: {TRICK}"
    assert not read["To"].defects

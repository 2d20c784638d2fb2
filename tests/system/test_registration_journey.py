"""The whole way of one registration by HTTP: form, mail, link, seat, calendar, correction, cancellation, waitlist."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import icalendar
import pytest

from tests.system.harness import Onestop, wait_for
from tests.system.people import register
from tests.system.visitor import Visitor, link_in, text_of

pytestmark = pytest.mark.system
EVENT = """
[[events]]
id = "{id}"
title = {{ en = "Small hall", ar = "قاعة صغيرة" }}
summary = "One seat."
organiser = "WHO"
organisations = ["who"]
contact_email = "forum@onestop.example"
mode = "hybrid"
location = "Geneva"
join_link = "https://meet.onestop.example/small"
timezone = "Europe/Zurich"
starts_at = "+40d 09:00"
ends_at = "+40d 17:00"
seats = 1
categories = [{{ id = "participant", name = "Participant" }}]
"""


def calendar_of(mail: EmailMessage) -> icalendar.Calendar:
    part = next(part for part in mail.walk() if part.get_content_type() == "text/calendar")
    return icalendar.Calendar.from_ical(part.get_content())


def import_event(onestop: Onestop, folder: Path, id: str) -> None:
    (folder / "event.toml").write_text(EVENT.format(id=id))
    onestop.run_tool("functions.registration.toml_files", "import", str(folder / "event.toml"))


FIELDS = {"country": "EG", "organisation": "Ministry", "category": "participant", "consent": "on"}


def test_from_the_form_to_the_waitlist_and_back(onestop: Onestop, tmp_path: Path) -> None:
    import_event(onestop, tmp_path, "small-hall")
    form = "/events/small-hall/register"

    amina = Visitor(onestop.url)
    names = {"given_name": "Amina", "family_name": "Hassan", "email": "amina@journey.example", "language": "ar"}
    receipt = amina.send(form, **FIELDS, **names)
    [verify] = onestop.wait_for_mail("amina@journey.example")
    reference = re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}", text_of(verify))
    assert reference
    assert reference[0] not in receipt, "for the owner of the mailbox alone"
    assert "https://meet" not in text_of(verify)
    assert not any(part.get_content_type() == "text/calendar" for part in verify.walk())
    amina.send(link_in(verify, "/verify"))

    _, confirmed = onestop.wait_for_mail("amina@journey.example", 2)
    assert "https://meet.onestop.example/small" in text_of(confirmed)
    assert 'dir="rtl"' in confirmed.get_body(("html",)).get_content()  # type: ignore[union-attr]
    invitation = calendar_of(confirmed)
    assert invitation["method"] == "REQUEST"
    uid = next(iter(invitation.walk("VEVENT")))["uid"]

    bob = register(onestop.url, "small-hall", "bob@journey.example")
    assert (bob.status, bob.body["state"]) == (201, "unverified")
    [verify] = onestop.wait_for_mail("bob@journey.example")
    Visitor(onestop.url).send(link_in(verify, "/verify"))
    _, waiting = onestop.wait_for_mail("bob@journey.example", 2)
    assert "https://meet" not in text_of(waiting)

    personal = link_in(confirmed, "/r/")
    corrected = {
        "given_name": "Amina",
        "family_name": "Hassan-Ali",
        "country": "EG",
        "organisation": "",
        "language": "ar",
    }
    amina.send(f"{personal}/correct", **corrected)
    update = calendar_of(onestop.wait_for_mail("amina@journey.example", 3)[2])
    [entry] = update.walk("VEVENT")
    assert (entry["uid"], int(entry["sequence"])) == (uid, 1)

    amina.send(f"{personal}/cancel")
    cancellation = calendar_of(onestop.wait_for_mail("amina@journey.example", 4)[3])
    assert cancellation["method"] == "CANCEL"
    assert next(iter(cancellation.walk("VEVENT")))["uid"] == uid

    promoted = onestop.wait_for_mail("bob@journey.example", 3)[2]
    assert "https://meet.onestop.example/small" in text_of(promoted)


def test_the_mailbox_page_shows_what_was_sent(onestop: Onestop) -> None:
    register(onestop.url, "open-briefing", "mailbox@journey.example")
    onestop.wait_for_mail("mailbox@journey.example")
    assert "mailbox@journey.example" in Visitor(onestop.url).get("/mailbox")


def test_reminders_follow_the_clock(new_onestop: Callable[..., Onestop]) -> None:
    """On Firestore ``tests/functions/test_fan_out.py`` looks at reminders, in one process."""
    onestop = new_onestop()
    onestop.start()
    event = json.loads(Visitor(onestop.url).get("/api/events/open-briefing"))
    until_start = datetime.fromisoformat(event["starts_at"]) - datetime.now(UTC)
    email = "early@journey.example"
    register(onestop.url, "open-briefing", email)
    onestop.wait_for_mail(email)
    for before, count in ((timedelta(days=6), 2), (timedelta(hours=12), 3)):
        onestop.set_clock(until_start - before)
        onestop.wait_for_mail(email, count)
    late = "late@journey.example"
    register(onestop.url, "open-briefing", late)
    onestop.wait_for_mail(late)
    onestop.set_clock(until_start - timedelta(hours=11))
    wait_for(lambda: onestop.mails(email), "the mails")
    assert len({mail["Message-ID"] for mail in onestop.mails(email)}) == len(onestop.mails(email))
    assert len(onestop.mails(late)) == 1, "its reminder times lay before the registration"

"""Mails as people's programs read them: headers, parts, calendar entries, languages."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from datetime import datetime, timedelta
from email.header import decode_header, make_header
from email.message import EmailMessage

import icalendar
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from functions.notification.mails.composers import MAILS, mails_for
from functions.notification.mails.mail import Attachment, Mail, Person
from functions.notification.mails.own_notices import MailsMerged
from functions.notification.mails.render import render
from shared import languages
from shared.calendar import calendar_file, invitation
from shared.contracts.bus_events import BusEvent, Payload
from shared.contracts.registration import (
    RegistrationCancelled,
    RegistrationConfirmed,
    RegistrationCorrected,
    RegistrationExpired,
    RegistrationPayload,
    RegistrationReceived,
    RegistrationRepeated,
    ReminderDue,
)
from shared.contracts.visitors import AddressCodeRequested
from tests.payloads import FACTS, JOIN, MANAGE, NOW, common, every_inquiry_payload, every_payload, person

FROM = "onestop <noreply@onestop.example>"


def sent(payload: Payload, id: str = "event-1") -> EmailMessage:
    """The one mail of an event, as its receiver parses it."""
    (mail,) = mails_for(BusEvent(id, NOW, "", payload))
    return received(render(mail, f"{id}:key", FROM, NOW).content)


def received(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def calendar_of(message: EmailMessage) -> icalendar.Calendar | None:
    for part in message.walk():
        if part.get_content_type() == "text/calendar":
            calendar = icalendar.Calendar.from_ical(part.get_content())
            assert part.get_param("method") == calendar["METHOD"]
            return calendar
    return None


def names(payload: Payload) -> str:
    return payload.type


def test_every_mail_has_its_line_and_its_sample_here() -> None:
    assert {type(payload) for payload in [*every_payload(), *every_inquiry_payload()]} == set(MAILS)


@pytest.mark.parametrize("payload", [*every_payload(), *every_inquiry_payload()], ids=names)
def test_every_mail_has_text_html_and_the_headers_of_a_machine(payload: Payload) -> None:
    message = sent(payload)
    assert message["From"] == FROM
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == NOW
    assert message["Message-ID"].endswith("@onestop.example>")
    assert message["Content-Language"] == "en"
    assert not message.defects
    text, html = text_of(message), text_of(message, "html")
    assert "\n\n\n" not in text
    assert "<html lang=" in html
    assert "{" not in message["Subject"]
    for link in (word for word in text.split() if word.startswith("https://onestop.example/")):
        assert link.replace("&", "&amp;") in html, "what the text links to, the HTML links to"


@pytest.mark.parametrize("payload", every_payload(), ids=names)
def test_the_same_mail_gives_the_same_bytes(payload: Payload) -> None:
    assert sent(payload).as_bytes() == sent(payload).as_bytes()
    assert sent(payload)["Message-ID"] != sent(payload, "event-2")["Message-ID"]


@pytest.mark.parametrize("payload", [*every_payload(), *every_inquiry_payload()], ids=names)
def test_lines_are_short_enough_and_seven_bit(payload: Payload) -> None:
    (mail,) = mails_for(BusEvent("e", NOW, "", payload))
    lines = render(mail, "e", FROM, NOW).content.split(b"\r\n")
    assert max(len(line) for line in lines) <= 998  # RFC 5322, section 2.1.1
    assert all(line.isascii() for line in lines)


def test_only_confirmed_people_get_the_join_link() -> None:
    with_link = {p.type for p in every_payload() if JOIN in text_of(sent(p)) or JOIN in sent(p).as_string()}
    assert with_link == {"registration.confirmed", "registration.corrected", "registration.reminder_due"}
    waiting = RegistrationCorrected(**common(), state="waitlisted", sequence=1)
    assert JOIN not in text_of(sent(waiting))
    assert calendar_of(sent(waiting)) is None


def test_what_a_mail_is_about_stands_in_it() -> None:
    texts = {payload.type: text_of(sent(payload)) for payload in every_payload()}
    received_, confirmed, waitlisted, reminder = (
        texts[f"registration.{kind}"] for kind in ("received", "confirmed", "waitlisted", "reminder_due")
    )
    assert "https://onestop.example/v/token" in received_
    assert "Sunday" in received_
    assert "19:00 (UTC+01:00, Zurich)" in received_
    assert MANAGE in confirmed
    assert "K7QM-3XHD" in confirmed
    assert "position 17" in waitlisted
    assert "one day" in reminder
    assert "15 minutes" in texts["staff.sign_in_requested"]
    assert "AB2C-DE3F" in texts["inquiry.address_code_requested"]


@pytest.mark.parametrize(("before", "subject"), [("7d", "In one week"), ("1d", "Tomorrow"), ("1h", "In one hour")])
def test_reminders_say_how_soon(before: str, subject: str) -> None:
    assert sent(ReminderDue(**common(), before=before))["Subject"].startswith(subject)


@pytest.mark.parametrize("payload", [*every_payload(), *every_inquiry_payload()], ids=names)
@pytest.mark.parametrize("address", ["amina@example.org", "jürgen@exämple.org"])
def test_headers_are_written_as_the_library_writes_them(payload: Payload, address: str) -> None:
    (mail,) = mails_for(BusEvent("e", NOW, "", payload))
    same_as_the_librarys(replace(mail, to=mail.to._replace(email=address)))


@settings(deadline=None)
@given(
    subject=st.text(max_size=100),
    file=st.text(st.sampled_from("a/ .\"\\;=?%'*é語"), max_size=90),
    references=st.lists(st.text(st.sampled_from("ab.=?"), min_size=1, max_size=90), max_size=4),
)
@example("", "=?utf-8?q?x?=", ["=?utf-8?q?x?="])
def test_long_and_odd_headers_too(subject: str, file: str, references: list[str]) -> None:
    mail = Mail(
        "address_code",
        subject,
        Person("", "ana@example.org"),
        "en",
        {"name": "", "code": "1"},
        attachments=[Attachment(file, "application/pdf", b"%PDF-")],
        references=[f"<{reference}@example.org>" for reference in references],
    )
    same_as_the_librarys(mail)


def same_as_the_librarys(mail: Mail) -> None:
    ours = render(mail, "key", FROM, NOW).content
    with pytest.MonkeyPatch.context() as patch:
        library = email.policy.SMTP.clone(cte_type="7bit")
        patch.setattr("functions.notification.mails.render.POLICY", library)
        patch.setattr("functions.notification.mails.render.UTF8", library.clone(utf8=True))
        assert ours == render(mail, "key", FROM, NOW).content


# -- calendar --

INVITATION = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//onestop//registration//EN
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:Africa/Nairobi
BEGIN:STANDARD
DTSTART:20270101T000000
TZNAME:EAT
TZOFFSETFROM:+0300
TZOFFSETTO:+0300
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
SUMMARY:A talk about UID:person
DTSTART;TZID=Africa/Nairobi:20270326T110000
DTEND;TZID=Africa/Nairobi:20270329T180000
DTSTAMP:20261121T180000Z
UID:registration-{reference}@onestop.example
SEQUENCE:{sequence}
ATTENDEE;CN="{guest} Diallo";PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT;RSVP=FAL
 SE:mailto:amina@example.org
DESCRIPTION:Join here: https://meet.example.org/room?a=1&b=2
LOCATION:Genève\\, Salle A
ORGANIZER;CN="The secretariat; WHO, LPA":mailto:forum@example.org
STATUS:CONFIRMED
URL:https://meet.example.org/room?a=1&b=2
END:VEVENT
END:VCALENDAR
"""


@pytest.mark.parametrize(
    ("reference", "guest", "sequence"),
    [("K7QM-3XHD", "Amina", 0), ("2345-6BCD", "Omara", 3), ("K7QM-3XHD", "Amina", 1)],
)
def test_each_has_an_invitation_of_their_own(reference: str, guest: str, sequence: int) -> None:
    event = FACTS.model_copy(update={"timezone": "Africa/Nairobi", "title": {"en": "A talk about UID:person"}})
    confirmed = RegistrationConfirmed(
        **common(event=event, registrant=person(given=guest), reference=reference), sequence=sequence
    )
    content = calendar_file(invitation(confirmed, "REQUEST", sequence, "en", "onestop.example", NOW)).decode()
    assert content == INVITATION.format(reference=reference, guest=guest, sequence=sequence).replace("\n", "\r\n")


def test_the_invitation_has_the_zone_of_the_event() -> None:
    calendar = calendar_of(sent(RegistrationConfirmed(**common(), sequence=0)))
    assert calendar is not None
    assert calendar["METHOD"] == "REQUEST"
    (entry,) = calendar.events
    assert entry["DTSTART"].params["TZID"] == "Europe/Zurich"
    assert (entry.start, entry.end) == (FACTS.starts_at, FACTS.ends_at)
    (zone,) = calendar.timezones
    assert zone["TZID"] == "Europe/Zurich"
    summer = next(part for part in zone.subcomponents if part.name == "DAYLIGHT")
    onset, shift = summer.DTSTART, (summer.TZOFFSETFROM, summer.TZOFFSETTO)
    assert onset == datetime(2027, 3, 28, 2, 0), "RFC 5545, section 3.6.5: as the clock showed before it went forward"
    assert shift == (timedelta(hours=1), timedelta(hours=2))


def test_a_correction_and_a_cancellation_speak_of_the_same_entry() -> None:
    first, second, third = (
        calendar_of(sent(payload))
        for payload in (
            RegistrationConfirmed(**common(), sequence=0),
            RegistrationCorrected(**common(), state="confirmed", sequence=1),
            RegistrationCancelled(**common(), was_confirmed=True, sequence=2),
        )
    )
    assert first is not None
    assert second is not None
    assert third is not None
    entries = [calendar.events[0] for calendar in (first, second, third)]
    assert len({entry["UID"] for entry in entries}) == 1
    assert [entry["SEQUENCE"] for entry in entries] == [0, 1, 2]
    assert [calendar["METHOD"] for calendar in (first, second, third)] == ["REQUEST", "REQUEST", "CANCEL"]
    assert entries[2]["STATUS"] == "CANCELLED"


def test_cancelling_what_was_never_confirmed_touches_no_calendar() -> None:
    assert calendar_of(sent(RegistrationCancelled(**common(), was_confirmed=False, sequence=1))) is None


def test_the_invitation_is_also_a_file() -> None:
    (file,) = sent(RegistrationConfirmed(**common(), sequence=0)).iter_attachments()
    assert file.get_filename() == "invite.ics"
    assert icalendar.Calendar.from_ical(file.get_content()).events[0]["ORGANIZER"] == "mailto:forum@example.org"


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/Sao_Paulo", "Australia/Sydney", "Africa/Casablanca"])
def test_other_zones_are_told_rightly(zone: str) -> None:
    event = FACTS.model_copy(update={"timezone": zone})
    calendar = calendar_of(sent(RegistrationConfirmed(**common(event=event), sequence=0)))
    assert calendar is not None
    assert calendar.events[0].start == FACTS.starts_at
    assert [part["TZID"] for part in calendar.timezones] == ([] if zone == "UTC" else [zone])


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_time_in_a_mail_names_its_zone(language: str) -> None:
    told = 0
    for payload in every_payload():
        changed = (
            payload.model_copy(update={"registrant": person(language)}) if "registrant" in vars(payload) else payload
        )
        for mail in mails_for(BusEvent("event-1", NOW, "", changed)):
            text = text_of(received(render(replace(mail, language=language), "key", FROM, NOW).content))
            found = re.findall(r"(?<![-+\d:])\d\d:\d\d(.*–\n.*|.*)", text.replace("\r", ""))
            told += len(found)
            assert all("UTC" in rest for rest in found), text
    assert told > 10


# -- languages --


def test_an_arabic_mail_reads_from_right_to_left() -> None:
    message = sent(RegistrationConfirmed(**common(registrant=person("ar-EG")), sequence=0))
    assert message["Content-Language"] == "ar"
    assert "المنتدى العالمي للإنتاج المحلي" in message["Subject"]
    assert '<html lang="ar" dir="rtl">' in text_of(message, "html")
    assert "مارس" in text_of(message), "dates are in the reader's language"
    assert "\u206617:00\u2069 (\u2066UTC+02:00\u2069، زيورخ)" in text_of(message), "digits keep their order"


@pytest.mark.parametrize("length", [8, 22, 29, 45, 65])
def test_words_in_headers_keep_their_spaces(length: int) -> None:
    text = "أنت على قائمة الانتظار: حلقة عمل إقليمية بشأن المشتريات في نيروبي"[:length].strip()
    mail = Mail(
        "sign_in", text, Person(text, "noor@health.example"), "ar", {"link": "", "valid_minutes": 1, "name": ""}
    )
    message = email.message_from_bytes(render(mail, "key", FROM, NOW).content)
    subject, to = (str(make_header(decode_header(message[name]))) for name in ("Subject", "To"))
    assert (subject, " ".join(to.split())) == (text, f"{text} <noor@health.example>")


def test_an_unknown_language_is_english() -> None:
    message = sent(RegistrationConfirmed(**common(registrant=person("tlh")), sequence=0))
    assert message["Content-Language"] == languages.SOURCE
    assert message["Subject"] == "Your registration is confirmed: World Local Production Forum"


@pytest.mark.parametrize("payload", [*every_payload(), *every_inquiry_payload("ar")], ids=names)
def test_a_reference_keeps_its_order_in_arabic(payload: Payload) -> None:
    """ "2345-6BCD" after an Arabic word reads "6BCD-2345" (UAX #9, W2 and N1), unless it is isolated."""
    if isinstance(payload, RegistrationPayload):
        payload = payload.model_copy(update={"registrant": person("ar")})
    elif isinstance(payload, AddressCodeRequested):
        payload = payload.model_copy(update={"language": "ar", "code": "2345-6BCD"})
    elif isinstance(payload, MailsMerged):
        payload = payload.model_copy(update={"language": "ar"})
    message = sent(payload.model_copy(update={"reference": "2345-6BCD"}))
    shown = f"{message['Subject']}\n{text_of(message)}"
    assert len(re.findall("2345-6BCD", shown)) == len(re.findall("\u20662345-6BCD\u2069", shown))


# -- hostile input --

HOSTILE = st.text(
    st.sampled_from("\r\n\0\t\x0b\x0c\x1c\x85\u2028\u2029\u202e\u2066:;,<>\"'\\@^=?%{}&é語 aBcc"),
    min_size=1,
    max_size=40,
)


@settings(deadline=None)
@given(given_name=HOSTILE, family=HOSTILE, title=HOSTILE, organiser=HOSTILE)
def test_no_name_can_add_a_header_or_a_calendar_line(given_name: str, family: str, title: str, organiser: str) -> None:
    event = FACTS.model_copy(update={"title": {"en": title}, "organiser": organiser})
    payload = RegistrationConfirmed(**common(registrant=person("en", given_name, family), event=event), sequence=0)
    message = sent(payload)
    plain = sent(RegistrationConfirmed(**common(), sequence=0))
    assert sorted(message.keys()) == sorted(plain.keys())
    assert [address.addr_spec for address in message["To"].addresses] == ["amina@example.org"]
    calendar = calendar_of(message)
    assert calendar is not None
    assert len(calendar.events) == 1
    assert set(calendar.events[0]) == set(calendar_of(plain).events[0])  # type: ignore[union-attr]


def test_a_classic_header_injection_stays_in_the_name() -> None:
    registrant = person("en", "Eve\r\nBcc: victim@example.org\r\n\r\nBuy now", "X")
    message = sent(RegistrationConfirmed(**common(registrant=registrant), sequence=0))
    assert message["Bcc"] is None
    assert message["To"].addresses[0].display_name == "Eve Bcc: victim@example.org Buy now X"


def test_a_name_that_is_a_link_is_not_mailed_as_a_greeting() -> None:
    registrant = person("en", "Win www.evil.example", "now")
    assert "evil" not in text_of(sent(RegistrationConfirmed(**common(registrant=registrant), sequence=0)))
    assert "Dear" not in text_of(sent(RegistrationConfirmed(**common(registrant=registrant), sequence=0)))


def test_a_mail_to_an_unverified_address_repeats_nothing_of_the_form() -> None:
    for payload in every_payload(registrant=person("en", "Spam", "Spammer")):
        if isinstance(payload, RegistrationReceived | RegistrationRepeated | RegistrationExpired):
            assert "Spam" not in sent(payload).as_string()


def test_markup_in_a_name_is_text_in_the_html() -> None:
    html = text_of(sent(RegistrationConfirmed(**common(registrant=person("en", "<b>A</b>", "B")), sequence=0)), "html")
    assert "<b>" not in html


# -- what later mails need --


def test_a_conversation_is_threaded_and_carries_files() -> None:
    mail = Mail(
        "sign_in",
        "Re: your question",
        Person("Ana", "ana@example.org"),
        "en",
        {"name": "", "link": "x", "valid_minutes": 1},
        reply_to=Person("", "case+k7qm@onestop.example"),
        attachments=[Attachment("Überblick.pdf", "application/pdf", b"%PDF-")],
        message_id="<b@onestop.example>",
        references=["<root@example.org>", "<a@onestop.example>"],
    )
    message = received(render(mail, "key", FROM, NOW).content)
    assert message["Message-ID"] == "<b@onestop.example>"
    assert message["In-Reply-To"] == "<a@onestop.example>"
    assert message["References"] == "<root@example.org> <a@onestop.example>"
    assert message["Reply-To"] == "case+k7qm@onestop.example"
    (file,) = message.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("Überblick.pdf", b"%PDF-")


@pytest.mark.parametrize(
    ("kept", "says"),
    [
        (timedelta(days=1), "until then a seat is kept for you"),
        (timedelta(hours=2), "You can confirm later too, by"),
        (None, "no seat is kept for you until then"),
    ],
)
def test_whoever_must_verify_is_told_until_when_a_seat_is_kept(kept: timedelta | None, says: str) -> None:
    verify_by, kept_until = NOW + timedelta(days=1), NOW + kept if kept else None
    payload = RegistrationReceived(
        **common(), verify_link="https://x.example/v", verify_by=verify_by, kept_until=kept_until
    )
    message = sent(payload)
    assert says in " ".join(text_of(message).split())
    assert says in " ".join(text_of(message, "html").split())

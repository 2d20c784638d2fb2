"""One payload of every kind that is mailed, about one forum and one person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from functions.notification.mails.own_notices import Item, MailsMerged, MailToStaffStopped, Told
from shared.contracts.bus_events import Payload
from shared.contracts.inquiries import (
    AttachedFile,
    Explanation,
    Finding,
    InquiryAnswered,
    InquiryAssigned,
    InquiryClosed,
    InquiryErased,
    InquiryErasureRequested,
    InquiryEscalated,
    InquiryLinkMailed,
    InquiryMessageReceived,
    InquiryReceived,
    InquiryReminderDue,
    InquiryReopened,
    InquiryRouted,
    Recipient,
)
from shared.contracts.links import FoundLink, LinksFound
from shared.contracts.registration import (
    EventFacts,
    Registrant,
    RegistrationCancelled,
    RegistrationConfirmed,
    RegistrationCorrected,
    RegistrationExpired,
    RegistrationLinkMailed,
    RegistrationReceived,
    RegistrationRepeated,
    RegistrationWaitlisted,
    ReminderDue,
)
from shared.contracts.staff import StaffSignInRequested
from shared.contracts.visitors import InquiryCodeRequested, RegistrationCodeRequested

NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
JOIN = "https://meet.example.org/room?a=1&b=2"
FACTS = EventFacts(
    id="forum",
    title={"en": "World Local Production Forum", "ar": "المنتدى العالمي للإنتاج المحلي"},
    starts_at=datetime(2027, 3, 26, 8, 0, tzinfo=UTC),  # Friday, in winter time
    ends_at=datetime(2027, 3, 29, 15, 0, tzinfo=UTC),  # Monday, in summer time
    timezone="Europe/Zurich",
    mode="hybrid",
    location={"en": "Genève, Salle A"},
    organiser="The secretariat; WHO, LPA",
    contact_email="forum@example.org",
    join_link=JOIN,
    page="https://onestop.example/events/forum",
)
MANAGE = "https://onestop.example/r/K7QM-3XHD/secret"


def person(language: str = "en", given: str = "Amina", family: str = "Diallo") -> Registrant:
    return Registrant(given_name=given, family_name=family, email="amina@example.org", language=language)


def common(**changes: object) -> dict[str, object]:
    return {
        "reference": "K7QM-3XHD",
        "registrant": person(),
        "event": FACTS,
        "manage_link": MANAGE,
        **changes,
    }


def every_payload(**changes: object) -> list[Payload]:
    facts = common(**changes)
    return [
        RegistrationReceived(**facts, verify_link="https://onestop.example/v/token", verify_by=NOW + timedelta(days=1)),
        RegistrationRepeated(**facts),
        RegistrationLinkMailed(**facts),
        RegistrationConfirmed(**facts, sequence=0),
        RegistrationWaitlisted(**facts, position=17),
        RegistrationCorrected(**facts, state="confirmed", sequence=1),
        RegistrationCancelled(**facts, was_confirmed=True, sequence=2),
        RegistrationExpired(**facts),
        ReminderDue(**facts, before="1d"),
        StaffSignInRequested(
            name="Ana", email="ana@example.org", language="en", link="https://onestop.example/in/x", valid_minutes=15
        ),
        RegistrationCodeRequested(email="ana@example.org", language="en", code="AB2C-DE3F"),
        InquiryCodeRequested(email="ana@example.org", language="en", code="AB2C-DE3F"),
        MailToStaffStopped(
            recipients=[Told(name="Ana", email="ana@example.org", language="en")],
            person="Amina Diallo",
            address="amina@who.example",
            organisation="WHO",
            reason="relay:587: 550 5.1.1 <no such user>",
            link="https://onestop.example/desk",
        ),
        merged(),
        found(),
    ]


def merged(language: str = "en") -> MailsMerged:
    event: dict[str, Any] = {"reference": "K7QM-3XHD", "title": FACTS.title, "timezone": FACTS.timezone}
    items = [
        Item(kind="verify", link="https://onestop.example/v/token", until=NOW + timedelta(days=1), **event),
        Item(kind="repeated", link=MANAGE, **event),
        Item(kind="expired", link=FACTS.page, **event),
        Item(kind="link", link=MANAGE, **event),
        Item(kind="request", link="https://onestop.example/i/token", reference="2345-6BCD"),
    ]
    return MailsMerged(email="ana@example.org", language=language, items=items, more=12)


def found(language: str = "en", requests: int = 1) -> LinksFound:
    event: dict[str, Any] = {"reference": "K7QM-3XHD", "title": FACTS.title, "timezone": FACTS.timezone}
    links = [
        FoundLink(kind="verify", link="https://onestop.example/v/token", until=NOW + timedelta(days=1), **event),
        FoundLink(kind="link", link=MANAGE, **{**event, "reference": "ABCD-EFGH"}),
        *(
            FoundLink(
                kind="request", link=f"https://onestop.example/i/{number}", reference=f"REQU-{number}", received_at=NOW
            )
            for number in range(requests)
        ),
    ]
    return LinksFound(email="amina@example.org", language=language, found=links, more=True)


def recipient(language: str = "en") -> Recipient:
    return Recipient(
        name="Amina Diallo",
        email="amina@example.org",
        language=language,
        link="https://onestop.example/i/token?a=1&b=2",
        reply_to="reply+k7qm3xhd.r.5081.abcdefghijklmnopqrstuvwxyz@onestop.example",
        message_id="<second@onestop.example>",
        references=["<first@onestop.example>", "<theirs@mail.example>"],
    )


EXPLANATION = Explanation(
    rules_version="v1",
    lead="wto",
    supporting=["who"],
    queue="trips",
    target_hours=16,
    findings=[
        Finding(rule="trips", title="TRIPS questions", outcome="leads", adds=["wto", "who"]),
        Finding(rule="supply", title="Supply", outcome="failed", condition="topics", wanted=["procurement-supply"]),
    ],
    names={"who": "WHO", "wto": "WTO"},
)


def every_inquiry_payload(language: str = "en", **changes: object) -> list[Payload]:
    facts: dict[str, Any] = {
        "reference": "K7QM-3XHD",
        "subject": "Vaccine plant",
        "recipients": [recipient(language)],
        **changes,
    }
    staff: dict[str, Any] = {
        **facts,
        "organisation": "WTO",
        "requester": "Wanjiru Kamau",
        "requester_organisation": "Ministry of Health",
        "country": "KE",
        "message": "How do we begin?\n\nWe have a site.",
        "due_at": NOW + timedelta(days=2),
        "timezone": "Europe/Zurich",
    }
    files = [AttachedFile(name="plan.pdf", size=2048)]
    return [
        InquiryReceived(**facts, message="How do we begin?", topics=["Local production"]),
        InquiryAnswered(
            **facts,
            author="Kenji Mori",
            organisation="World Trade Organization",
            text="Dear Ms Kamau,\n\nBegin with <a plan>.",
            awaits_reply=False,
            attachments=files,
        ),
        InquiryClosed(**facts),
        InquiryReopened(**facts),
        InquiryLinkMailed(**facts),
        InquiryRouted(**staff, leads=True, assigned=True, explanation=EXPLANATION, attachments=files),
        InquiryAssigned(**staff, given_by="Kenji Mori", reason="Your field"),
        InquiryReminderDue(**staff),
        InquiryEscalated(**staff, assignee="Claire Dubois"),
        InquiryMessageReceived(**staff, reopened=True, attachments=files),
        InquiryErasureRequested(**staff),
        InquiryErased(**{**facts, "subject": ""}, organisation="WHO", requested=True, files=["inquiries/a"]),
    ]

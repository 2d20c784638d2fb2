"""One payload of every kind that is mailed, about one forum and one person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.contracts.events import Payload
from shared.contracts.registration import (
    EventFacts,
    Registrant,
    RegistrationCancelled,
    RegistrationConfirmed,
    RegistrationCorrected,
    RegistrationExpired,
    RegistrationReceived,
    RegistrationRepeated,
    RegistrationWaitlisted,
    ReminderDue,
)
from shared.contracts.staff import StaffSignInRequested

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
        RegistrationConfirmed(**facts, sequence=0),
        RegistrationWaitlisted(**facts, position=17),
        RegistrationCorrected(**facts, state="confirmed", sequence=1),
        RegistrationCancelled(**facts, was_confirmed=True, sequence=2),
        RegistrationExpired(**facts),
        ReminderDue(**facts, before="1d"),
        StaffSignInRequested(
            name="Ana", email="ana@example.org", language="en", link="https://onestop.example/in/x", valid_minutes=15
        ),
    ]

"""What a world begins with: three organisations of two people each, and an event that its seed draws."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from functions.inquiries import toml_files
from functions.inquiries.content.models import Rule, Topic
from functions.registration.events.models import EventDefinition
from shared import topology
from shared.staff.models import Organisation, Staff
from tests.simulation.memory import MemoryStore

BEGINNING = datetime(2026, 3, 2, 8, tzinfo=UTC)  # a Monday, nine o'clock in Geneva
EVENT = "forum"
ORGANISATIONS = ("who", "wipo", "wto")
TOPICS = ("vaccines", "patents", "tariffs")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
REMINDERS = ["2d", "1d", "12h", "6h", "3h", "1h", "30m"]
ROLES = ("focal_point", "administrator", "officer")


@cache
def staff() -> tuple[Staff, ...]:
    return tuple(
        Staff.model_validate(
            {
                "email": f"{role.replace('_', '')}@{organisation}.example",
                "name": f"{role} of {organisation}",
                "organisation": organisation,
                "role": role,
                "languages": ["en", "fr"] if role == "officer" else ["en"],
                "queues": ["general"],
            }
        )
        for organisation in ORGANISATIONS
        for role in ROLES
    )


@cache
def imported() -> MemoryStore:
    collected = toml_files.Collected()
    for id, topic in zip(ORGANISATIONS, TOPICS, strict=True):
        collected.add("organisations", Organisation.model_validate(_organisation(id)), "a file")
        collected.add("topics", Topic.model_validate({"id": topic, "name": {"en": topic}}), "a file")
        collected.add("rules", Rule.model_validate(_rule(id, topic)), "a file")
    collected.add("rules", Rule.model_validate(_rule("who", "") | {"id": "otherwise", "default": True}), "a file")
    for person in staff():
        collected.add("staff", person, "a file")
    store = MemoryStore(topology.load().store)
    toml_files.import_into(store, collected, BEGINNING)
    return store


def _organisation(id: str) -> dict[str, Any]:
    return {
        "id": id,
        "name": {"en": id.upper()},
        "short_name": id.upper(),
        "timezone": "Europe/Zurich",
        "focal_point": f"focalpoint@{id}.example",
        "queues": [{"id": "general", "name": {"en": "General"}}],
        "working_hours": {day: [{"from": "09:00", "to": "17:00"}] for day in DAYS},
    }


def _rule(organisation: str, topic: str) -> dict[str, Any]:
    lead = {"lead": organisation, "queue": "general", "target_hours": 8}
    example = {"topics": [topic] if topic else [], "lead": organisation}
    when = {"when": {"topics": [topic]}} if topic else {}
    return {"id": topic or "otherwise", "title": topic or "Otherwise", **lead, **when, "examples": [example]}


def event(chance: random.Random, starts_at: datetime, theme: str) -> EventDefinition:
    """The forum as its organiser wants it now: seats and quotas that rise and fall, categories that come and go.

    Where a world is about seats, there are one or two, for everybody, so that many meet at them; where it is about the
    clock or about forms that are sent again, there are plenty.
    """
    ids, total, quota, verify = (
        chance.choice(("ab", "ab", "abc", "a", "ca")),
        [None, 1, 1, 2, 3],
        [None, None, 1, 2],
        0.5,
    )
    if theme == "seats":
        ids, total, quota, verify = "a", [1, 1, 2], [None], 0.0
    if theme in ("clock", "forms"):
        total, quota = [None, 8], [None]
    if theme == "forms":
        verify = 1.0
    if theme == "imports":
        ids, verify = chance.choice(("ab", "b", "ca", "a")), 0.0
    return EventDefinition.model_validate(
        {
            "id": EVENT,
            "title": {"en": "Forum"},
            "summary": {"en": "A forum."},
            "organiser": "WHO",
            "organisations": ["who"],
            "contact_email": "forum@example.org",
            "mode": "in_person",
            "location": {"en": "Geneva"},
            "timezone": "UTC",
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(hours=3),
            "seats": chance.choice(total),
            "categories": [{"id": id, "name": {"en": id}, "seats": chance.choice(quota)} for id in ids],
            "verify_email": chance.random() < verify,
            "verify_within_hours": 1,
            "reminders": REMINDERS,
        }
    )

"""Calendar entries for mails and for the personal page: iCalendar and iTIP (RFC 5545, RFC 5546, RFC 6047)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

import icalendar
from icalendar.parser import Contentline, Contentlines

from shared import languages
from shared.contracts.registration import RegistrationPayload
from shared.formats.addresses import ascii_address
from shared.text import one_line

Method = Literal["REQUEST", "CANCEL", "PUBLISH"]
"""A request and its cancellation go by mail to their attendee; what is published is a file to import."""


@dataclass(frozen=True)
class Invitation:
    """One person's entry for one event. ``uid`` stays the same for the life of a registration."""

    method: Method
    uid: str
    sequence: int
    stamp: datetime
    starts_at: datetime
    ends_at: datetime
    timezone: str  # IANA
    summary: str
    description: str
    location: str
    url: str
    organizer: tuple[str, str]  # name, address
    attendee: tuple[str, str]


def invitation(
    registration: RegistrationPayload, method: Method, sequence: int, language: str, domain: str, stamp: datetime
) -> Invitation:
    """The entry of one registration, in the person's language.

    Args:
        domain: ours; with the reference it makes the UID, the same in every mail and file.
    """
    facts, person = registration.event, registration.registrant
    join_link = None if method == "CANCEL" else facts.join_link
    _ = languages.translations(language).gettext
    return Invitation(
        method=method,
        uid=f"registration-{registration.reference}@{domain}",
        sequence=sequence,
        stamp=stamp,
        starts_at=facts.starts_at,
        ends_at=facts.ends_at,
        timezone=facts.timezone,
        summary=one_line(languages.text(facts.title, language)),
        description=_("Join here: {link}").format(link=join_link) if join_link else facts.page,
        location=one_line(languages.text(facts.location, language)) or join_link or "",
        url=join_link or facts.page,
        organizer=(one_line(facts.organiser), facts.contact_email),
        attendee=(one_line(f"{person.given_name} {person.family_name}"), person.email),
    )


def calendar_file(invitation: Invitation) -> bytes:
    """An iCalendar stream with the event in its own zone, VTIMEZONE included, so that no client has to guess."""
    before, after = _around_person(
        invitation.method,
        invitation.starts_at,
        invitation.ends_at,
        invitation.timezone,
        invitation.summary,
        invitation.description,
        invitation.location,
        invitation.url,
        *invitation.organizer,
    )
    return before + _of_person(invitation) + after


def _of_person(invitation: Invitation) -> bytes:
    """The content lines that each person has of their own. In the order of properties they stand together."""
    properties: list[tuple[str, Any]] = [
        ("DTSTAMP", icalendar.vDatetime(invitation.stamp.astimezone(UTC))),
        ("UID", icalendar.vText(invitation.uid)),
        ("SEQUENCE", icalendar.vInt(invitation.sequence)),
    ]
    if invitation.method != "PUBLISH":  # RFC 5546, section 3.2.1: it has no attendee
        guest, mailbox = invitation.attendee
        # The registration was the answer already: no client need send one to the organiser.
        attendee = icalendar.vCalAddress.new(
            ascii_address(mailbox), cn=guest, role="REQ-PARTICIPANT", partstat="ACCEPTED", rsvp=False
        )
        properties.append(("ATTENDEE", attendee))
    lines = [Contentline.from_parts(name, value.params, value) for name, value in properties]
    return bytes(Contentlines(lines).to_ical())  # type: ignore[no-untyped-call]


@lru_cache(maxsize=64)
def _around_person(
    method: Method,
    starts_at: datetime,
    ends_at: datetime,
    timezone: str,
    summary: str,
    description: str,
    location: str,
    url: str,
    organizer: str,
    organizer_address: str,
) -> tuple[bytes, bytes]:
    """What stands before and after ``_of_person``: the same for all who read of an event in one language."""
    zone = ZoneInfo(timezone)
    starts, ends = starts_at.astimezone(zone), ends_at.astimezone(zone)
    entry = icalendar.Event.new(
        uid="person",
        start=starts,
        end=ends,
        summary=summary,
        description=description or None,
        location=location or None,
        url=url,
        status=icalendar.enums.STATUS.CANCELLED if method == "CANCEL" else icalendar.enums.STATUS.CONFIRMED,
        organizer=icalendar.vCalAddress.new(ascii_address(organizer_address), cn=organizer),
    )
    del entry["DTSTAMP"]
    calendar = icalendar.Calendar()
    calendar.add("VERSION", "2.0")
    calendar.add("PRODID", "-//onestop//registration//EN")
    calendar.add("METHOD", method)
    if timezone != "UTC":
        calendar.add_component(_timezone(timezone, starts.year, ends.year))
    calendar.add_component(entry)
    before, _, after = bytes(calendar.to_ical()).partition(b"\r\nUID:person\r\n")
    return before + b"\r\n", after


@lru_cache(maxsize=64)
def _timezone(name: str, first: int, last: int) -> icalendar.Timezone:
    """VTIMEZONE for the years ``first`` to ``last``.

    icalendar 7.3 gives the onset of summer time in the new local time; RFC 5545, section 3.6.5, wants the time that
    the clock showed before it went forward.
    """
    timezone = icalendar.Timezone.from_tzinfo(ZoneInfo(name), name, date(first, 1, 1), date(last, 12, 31))
    del timezone["COMMENT"]
    for part in timezone.subcomponents:
        jump = part.TZOFFSETTO - part.TZOFFSETFROM
        if jump > timedelta(0):
            onsets = [part.DTSTART, *(onset for onset, _ in part.rdates)]
            part.DTSTART = onsets[0] - jump
            part.pop("RDATE", None)
            for onset in onsets[1:]:
                part.add("RDATE", onset - jump)
    return timezone

"""Calendar entries for mails and for the personal page: iCalendar and iTIP (RFC 5545, RFC 5546, RFC 6047)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

import icalendar
from icalendar.parser import Contentline, Contentlines

from shared import languages
from shared.contracts.registration import EventDay, EventFacts, RegistrationPayload
from shared.formats.addresses import ascii_address
from shared.text import one_line

Method = Literal["REQUEST", "CANCEL", "PUBLISH"]
"""A request and its cancellation go by mail to their attendee; what is published is a file to import."""


@dataclass(frozen=True)
class Day:
    """From when to when people are there on one day, and its programme in words."""

    starts_at: datetime
    ends_at: datetime
    programme: str = ""


@dataclass(frozen=True)
class Entry:
    """What a calendar shows of an event. ``days``: each by itself, where it is not one stretch of time."""

    starts_at: datetime
    ends_at: datetime
    timezone: str  # IANA
    summary: str
    description: str
    location: str
    url: str
    organizer: tuple[str, str]  # name, address
    days: tuple[Day, ...] = ()


@dataclass(frozen=True)
class Invitation:
    """One person's entry for one event. ``uid`` stays the same for the life of a registration."""

    method: Method
    uid: str
    sequence: int
    stamp: datetime
    entry: Entry
    attendee: tuple[str, str]  # name, address


def invitation(
    registration: RegistrationPayload, method: Method, sequence: int, language: str, domain: str, stamp: datetime
) -> Invitation:
    """The entry of one registration, in the person's language.

    Args:
        domain: ours; with the reference it makes the UID, the same in every mail and file.
    """
    person = registration.registrant
    return Invitation(
        method=method,
        uid=f"registration-{registration.reference}@{domain}",
        sequence=sequence,
        stamp=stamp,
        entry=entry_of(registration.event, language, attends=method != "CANCEL"),
        attendee=(one_line(person.name), person.email),
    )


def entry_of(facts: EventFacts, language: str, attends: bool = True) -> Entry:
    """What the calendar of somebody who reads ``language`` shows: all that is known, for whoever ``attends``."""
    join_link = facts.join_link if attends else None
    _ = languages.translations(language).gettext
    return Entry(
        starts_at=facts.starts_at,
        ends_at=facts.ends_at,
        timezone=facts.timezone,
        summary=one_line(languages.text(facts.title, language)),
        description=_("Join here: {link}").format(link=join_link) if join_link else facts.page,
        location=one_line(languages.text(facts.location, language)) or join_link or "",
        url=join_link or facts.page,
        organizer=(one_line(facts.organiser), facts.contact_email),
        days=tuple(_day(day, facts.timezone, language) for day in facts.days) if attends else (),
    )


def _day(day: EventDay, timezone: str, language: str) -> Day:
    zone = ZoneInfo(timezone)
    lines = []
    for session in day.sessions:
        hours = "–".join(f"{at.astimezone(zone):%H:%M}" for at in (session.starts_at, session.ends_at))
        parts = [languages.text(session.title, language), languages.text(session.room, language), *session.speakers]
        lines.append(f"{hours} {' · '.join(one_line(part) for part in parts if part)}")
    return Day(day.starts_at, day.ends_at, "\n".join(lines))


def calendar_file(invitation: Invitation, name: str = "") -> bytes:
    """An iCalendar stream with the event in its own zone, VTIMEZONE included, so that no client has to guess.

    Args:
        name: of the calendar (RFC 7986, section 5.1), in a file to import. A mail has none, nor is it given as
            ``X-WR-CALNAME``: Outlook would open the event as a new calendar.
    """
    return (b"\r\n" + _of_person(invitation)).join(_around_person(invitation.method, invitation.entry, name))


def published(entries: Sequence[tuple[str, Entry]], name: str, stamp: datetime) -> bytes:
    """One calendar of several events, to subscribe to.

    Args:
        entries: each with its UID, which stays.
        name: what programs call the calendar (RFC 7986, section 5.1).
        stamp: when it was made.
    """
    calendar = _calendar("PUBLISH")
    calendar.add("NAME", name)
    calendar.add("X-WR-CALNAME", name)
    calendar.add("REFRESH-INTERVAL", timedelta(hours=6), parameters={"VALUE": "DURATION"})
    years: dict[str, list[int]] = {}
    for _uid, entry in entries:
        years.setdefault(entry.timezone, []).extend((entry.starts_at.year, entry.ends_at.year))
    for timezone, found in years.items():
        if timezone != "UTC":
            calendar.add_component(_timezone(timezone, min(found) - 1, max(found) + 1))
    for uid, entry in entries:
        for component in _components(entry, "PUBLISH"):
            component["UID"] = icalendar.vText(uid)
            component.add("DTSTAMP", stamp.astimezone(UTC))
            calendar.add_component(component)
    return bytes(calendar.to_ical())


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
def _around_person(method: Method, entry: Entry, name: str = "") -> list[bytes]:
    """What stands before, between and after ``_of_person``: the same for all who read of an event in one language."""
    zone = ZoneInfo(entry.timezone)
    calendar = _calendar(method)
    if name:
        calendar.add("NAME", name)
    if entry.timezone != "UTC":
        years = [at.astimezone(zone).year for at in (entry.starts_at, entry.ends_at)]
        calendar.add_component(_timezone(entry.timezone, *years))
    for component in _components(entry, method):
        calendar.add_component(component)
    return bytes(calendar.to_ical()).split(b"\r\nUID:person\r\n")


def _calendar(method: Method) -> icalendar.Calendar:
    calendar = icalendar.Calendar()
    calendar.add("VERSION", "2.0")
    calendar.add("PRODID", "-//onestop//registration//EN")
    calendar.add("METHOD", method)
    return calendar


def _components(entry: Entry, method: Method) -> list[icalendar.Event]:
    """Of several days the first one, which comes again daily, and each other day as an exception to it.

    A request may hold several components of one UID only (RFC 5546, section 3.2.2), and this way all that a program
    knows of an event changes and goes with it.
    """
    if not entry.days:
        return [_component(entry, method, entry.starts_at, entry.ends_at)]
    zone = ZoneInfo(entry.timezone)
    first, *others = entry.days
    begins = first.starts_at.astimezone(zone)
    master = _component(entry, method, first.starts_at, first.ends_at, first.programme)
    if not others:
        return [master]
    dates = {day.starts_at.astimezone(zone).date(): day for day in entry.days}
    count = (max(dates) - begins.date()).days + 1
    master.add("RRULE", {"FREQ": "DAILY", "COUNT": count})
    each = [begins + timedelta(days=number) for number in range(count)]  # as the clocks of the zone show it
    if free := [at for at in each if at.date() not in dates]:
        master.add("EXDATE", free)
    found = [master]
    for at in each[1:]:
        if day := dates.get(at.date()):
            exception = _component(entry, method, day.starts_at, day.ends_at, day.programme)
            exception.add("RECURRENCE-ID", at)
            found.append(exception)
    return found


def _component(
    entry: Entry, method: Method, starts_at: datetime, ends_at: datetime, programme: str = ""
) -> icalendar.Event:
    zone, (organizer, address) = ZoneInfo(entry.timezone), entry.organizer
    made = icalendar.Event.new(
        uid="person",
        start=starts_at.astimezone(zone),
        end=ends_at.astimezone(zone),
        summary=entry.summary,
        description="\n\n".join(part for part in (programme, entry.description) if part) or None,
        location=entry.location or None,
        url=entry.url,
        status=icalendar.enums.STATUS.CANCELLED if method == "CANCEL" else icalendar.enums.STATUS.CONFIRMED,
        organizer=icalendar.vCalAddress.new(ascii_address(address), cn=organizer),
    )
    del made["DTSTAMP"]
    return made


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

"""The slice's events, composed from what it knows: complete, so that no consumer needs to ask."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from functions.registration.events.models import EventDefinition
from functions.registration.events.programme import Part
from functions.registration.registrations.models import Place, Registration
from shared.contracts.bus_events import Payload
from shared.contracts.links import FoundLink
from shared.contracts.registration import (
    EventDay,
    EventFacts,
    EventSession,
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
from shared.keys.links import RENEWED_LIFE, Link
from shared.keys.tokens import Tokens
from shared.ports import from_utc_text

MANAGE, VERIFY = "manage", "verify"  # purposes of personal links


class Composer:
    """Builds payloads; links are signed tokens below ``base_url``."""

    def __init__(self, tokens: Tokens, base_url: str) -> None:
        self._tokens = tokens
        self._base_url = base_url
        self._known: dict[tuple[str, bool], tuple[EventDefinition, EventFacts]] = {}

    def manage_token(self, reference: str, generation: int = 0) -> str:
        """Of the personal page ``/r/<token>``; void once the registration has another ``generation``."""
        return Link(reference, generation).token(self._tokens, MANAGE)

    def received(self, event: EventDefinition, registration: Registration, full: bool = False) -> RegistrationReceived:
        """Asks to verify the address by ``verify_by``, which is set. ``full``: the person would have to wait."""
        assert registration.verify_by
        verify_by = from_utc_text(registration.verify_by)
        token = Link(registration.reference, registration.link_version).token(self._tokens, VERIFY)
        link = f"{self._base_url}/r/{token}/verify"
        limited = event.pools(event.category_of(registration.category))
        held = from_utc_text(registration.held_until) if registration.held_until else None
        return RegistrationReceived(
            **self.base(event, registration),
            verify_link=link,
            verify_by=verify_by,
            kept_until=held if limited else verify_by,
            full=full,
        )

    def repeated(self, event: EventDefinition, registration: Registration) -> Payload:
        """Somebody has registered again who is registered already."""
        return RegistrationRepeated(**self.base(event, registration), waits=registration.state == "waitlisted")

    def confirmed(
        self, event: EventDefinition, registration: Registration, from_waitlist: bool = False
    ) -> RegistrationConfirmed:
        """``from_waitlist``: the seat is one that came back."""
        base = self.base(event, registration)
        return RegistrationConfirmed(
            **base, sequence=registration.sequence, from_waitlist=from_waitlist, verified=event.verify_email
        )

    def waitlisted(self, event: EventDefinition, registration: Registration, place: Place) -> Payload:
        """With the ``place`` in the line."""
        base = self.base(event, registration)
        return RegistrationWaitlisted(**base, position=place.number, exact=place.exact, verified=event.verify_email)

    def corrected(self, event: EventDefinition, registration: Registration) -> Payload:
        """With the state that it has after it, and the calendar entry's ``sequence`` (RFC 5545, 3.8.7.4)."""
        base = self.base(event, registration)
        return RegistrationCorrected(**base, state=registration.state, sequence=registration.sequence)

    def cancelled(self, event: EventDefinition, registration: Registration, was_confirmed: bool) -> Payload:
        """``was_confirmed``: there is a calendar entry to take back, by its ``sequence`` (RFC 5545, 3.8.7.4)."""
        base = self.base(event, registration)
        return RegistrationCancelled(**base, was_confirmed=was_confirmed, sequence=registration.sequence)

    def expired(self, event: EventDefinition, registration: Registration) -> Payload:
        """The address was not verified in time."""
        return RegistrationExpired(**self.base(event, registration))

    def reminder(self, event: EventDefinition, registration: Registration, before: str) -> Payload:
        """``before`` is how long before the start: ``7d``, ``1d``, ``1h``."""
        return ReminderDue(**self.base(event, registration), before=before)

    def link(self, event: EventDefinition, registration: Registration, now: datetime) -> RegistrationLinkMailed:
        """The link that holds; it does so for some time even where the event was long ago."""
        token = Link(registration.reference, registration.link_version, now + RENEWED_LIFE).token(self._tokens, MANAGE)
        facts = self.base(event, registration) | {"manage_link": f"{self._base_url}/r/{token}"}
        return RegistrationLinkMailed(**facts)

    def found(self, event: EventDefinition, registration: Registration, now: datetime) -> FoundLink:
        """The link that is of use now: to verify, or to what was verified."""
        facts = {"reference": registration.reference, "title": event.title, "timezone": event.timezone}
        if registration.state == "unverified":
            payload = self.received(event, registration)
            return FoundLink(kind="verify", link=payload.verify_link, until=payload.verify_by, **facts)
        return FoundLink(kind="link", link=self.link(event, registration, now).manage_link, **facts)

    def base(self, event: EventDefinition, registration: Registration) -> dict[str, Any]:
        """What every payload has. The join link is in what goes to confirmed people, and nowhere else."""
        facts = self._facts(event, joins=registration.state == "confirmed")
        registrant = Registrant(
            given_name=registration.given_name,
            family_name=registration.family_name,
            full_name=registration.full_name,
            email=registration.email,
            language=registration.language,
        )
        link = f"{self._base_url}/r/{self.manage_token(registration.reference, registration.link_version)}"
        return {"reference": registration.reference, "registrant": registrant, "event": facts, "manage_link": link}

    def _facts(self, event: EventDefinition, joins: bool) -> EventFacts:
        """The same for all registrations of an event; made once for each reading of its definition."""
        made_from, facts = self._known.get((event.id, joins), (None, None))
        if facts is None or made_from is not event:
            facts = event_facts(event, self._base_url, joins)
            self._known[event.id, joins] = event, facts
        return facts


def public_facts(event: EventDefinition, base_url: str) -> EventFacts:
    """What anybody may know, the programme included."""
    return event_facts(event, base_url, joins=False).model_copy(update={"days": days_told(event)})


def event_facts(event: EventDefinition, base_url: str, joins: bool) -> EventFacts:
    """What others are told of an event; ``joins``: with the join link, which is for confirmed people, and its days."""
    return EventFacts(
        id=event.id,
        title=event.title,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        timezone=event.timezone,
        mode=event.mode,
        location=event.location,
        organiser=event.organiser,
        contact_email=event.contact_email,
        join_link=event.join_link if joins else None,
        page=f"{base_url}/events/{event.id}",
        days=days_told(event) if joins else [],
        theme=event.theme or "",
    )


def days_told(event: EventDefinition) -> list[EventDay]:
    """The days of an event that has several, or a programme."""
    days = event.days
    if len(days) == 1 and not days[0].parts:
        return []
    return [EventDay(starts_at=d.starts_at, ends_at=d.ends_at, sessions=list(map(_session, d.parts))) for d in days]


def _session(part: Part) -> EventSession:
    told = part.session
    names = [speaker.name for speaker in told.speakers]
    return EventSession(
        starts_at=part.starts_at, ends_at=part.ends_at, title=told.title, room=told.room, speakers=names
    )

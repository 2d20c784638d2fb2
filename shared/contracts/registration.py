"""Events of the registration slice."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from shared.contracts.bus_events import Payload
from shared.fields import Zone

State = Literal["unverified", "confirmed", "waitlisted", "cancelled", "expired"]
Texts = dict[str, str]
"""A text by language (BCP 47); English is always there."""


class EventSession(Payload):
    """One part of a day's programme."""

    starts_at: datetime
    ends_at: datetime
    title: Texts
    room: Texts = {}
    speakers: list[str] = []  # their names


class EventDay(Payload):
    """From when to when people are there on one day, and what is on."""

    starts_at: datetime
    ends_at: datetime
    sessions: list[EventSession] = []


class EventFacts(Payload):
    """What a mail says of an event. ``join_link`` and ``days`` are there only in what goes to confirmed people."""

    id: str
    title: Texts
    starts_at: datetime
    ends_at: datetime
    timezone: Zone
    mode: Literal["in_person", "virtual", "hybrid"]
    location: Texts
    organiser: str
    contact_email: str
    join_link: str | None = None
    page: str  # URL of the public page
    days: list[EventDay] = []  # where there is more to tell than from when to when
    theme: str = ""  # id of its look (shared.institution), where it has one of its own


class Registrant(Payload):
    """Whom the mail goes to."""

    given_name: str
    family_name: str
    full_name: str = ""  # where it is not given name and family name in this order
    email: str
    language: str  # BCP 47

    @property
    def name(self) -> str:
        """As people read it."""
        return self.full_name or f"{self.given_name} {self.family_name}".strip()


class RegistrationPayload(Payload):
    """What every event about a registration says: complete, so that no consumer needs to ask."""

    topic: ClassVar[str] = "registrations"

    reference: str
    registrant: Registrant
    event: EventFacts
    manage_link: str


class RegistrationReceived(RegistrationPayload):
    """Somebody registered; the address waits to be verified by ``verify_by``.

    A seat is kept until ``kept_until``; None where none is: then whoever verifies gets one if one is free. ``full``:
    none was free, so whoever verifies joins the waitlist, unless one is by then.
    """

    type: ClassVar[str] = "registration.received"
    verify_link: str
    verify_by: datetime
    kept_until: datetime | None = None
    full: bool = False


class RegistrationRepeated(RegistrationPayload):
    """Somebody registered once more with an address that is registered: tell its owner, and only its owner.

    The mail is in the language of that form. ``waits``: the registration is in the waitlist.
    """

    type: ClassVar[str] = "registration.repeated"
    waits: bool = False


class RegistrationConfirmed(RegistrationPayload):
    """A seat is taken. ``sequence`` is the calendar entry's (RFC 5545 SEQUENCE)."""

    type: ClassVar[str] = "registration.confirmed"
    sequence: int
    from_waitlist: bool = False
    verified: bool = False  # the person followed a link that went to this address


class RegistrationWaitlisted(RegistrationPayload):
    """No seat is free: the person waits, at ``position``."""

    type: ClassVar[str] = "registration.waitlisted"
    position: int  # from 1
    exact: bool = True  # else the position is the least that it can be
    verified: bool = False  # as above


class RegistrationCorrected(RegistrationPayload):
    """The person changed what they had told us; a confirmed one gets the calendar entry again."""

    type: ClassVar[str] = "registration.corrected"
    state: State
    sequence: int


class RegistrationCancelled(RegistrationPayload):
    """The registration is off; ``was_confirmed``: there is a calendar entry to take back (RFC 5545, 3.8.7.4)."""

    type: ClassVar[str] = "registration.cancelled"
    was_confirmed: bool
    sequence: int


class RegistrationExpired(RegistrationPayload):
    """The address was not verified in time; the seat is free again."""

    type: ClassVar[str] = "registration.expired"


class RegistrationLinkMailed(RegistrationPayload):
    """The person asked for the link: the one that holds, or a new one, which makes those before void."""

    type: ClassVar[str] = "registration.link_mailed"


class ReminderDue(RegistrationPayload):
    """Its outbox id is ``reminder:{event}:{before}:{reference}``, so a person is reminded once."""

    type: ClassVar[str] = "registration.reminder_due"
    before: str  # "7d", "1d", "1h": how long before the start


class RegisteredAgain(Payload):
    """A form came with an address that is registered. Its slice finds out what the owner is to be told."""

    type: ClassVar[str] = "registration.registered_again"
    topic: ClassVar[str] = "registrations"
    event: str
    person: str  # id of the claim of this address at the event
    language: str  # BCP 47, of the form


class MailWanted(Payload):
    """Somebody asks from a receipt for the mail once more. Its slice finds out which one there is to send."""

    type: ClassVar[str] = "registration.mail_wanted"
    topic: ClassVar[str] = "registrations"
    event: str
    person: str  # as above


class SeatsReleased(Payload):
    """Seats of this event came back and wait to be given on."""

    type: ClassVar[str] = "registration.seats_released"
    topic: ClassVar[str] = "registrations"
    event: str

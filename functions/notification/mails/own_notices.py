"""What the slice tells of itself by mail. Never published: a delivery keeps such a notice until the mail is out, as
others keep the bus event that calls for them.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel

from shared.contracts.bus_events import Payload
from shared.contracts.registration import Texts

Kind = Literal["verify", "repeated", "expired", "link", "request"]


class Item(BaseModel, defer_build=True):
    """One mail in a merged one. Nothing in it was typed into a form."""

    kind: Kind
    link: str
    reference: str
    title: Texts = {}  # of the event
    timezone: str = "UTC"  # IANA, of the event
    until: datetime | None = None  # when the link ends
    received_at: datetime | None = None  # of a request, where several are listed


class MailsMerged(Payload):
    """Several mails to one address, as one that lists them."""

    type: ClassVar[str] = "notification.mails_merged"
    topic: ClassVar[str] = ""

    email: str
    language: str  # of the latest form
    items: list[Item]  # oldest first
    more: int  # not listed


class Told(Payload):
    """One of those who may mend it."""

    name: str
    email: str
    language: str  # BCP 47


class MailToStaffStopped(Payload):
    """A colleague gets no mail any more: told to those who may mend it."""

    type: ClassVar[str] = "notification.mail_to_staff_stopped"
    topic: ClassVar[str] = ""

    recipients: list[Told]
    person: str  # empty where they are of another organisation
    address: str
    organisation: str  # short name
    reason: str  # the words of the relay
    link: str  # to the desk

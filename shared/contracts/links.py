"""Events of the search for lost links: from the page to each slice in turn, so that one mail has what all found.

The page itself looks nothing up: its answer and the time that it takes are the same for every address.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from shared.contracts.bus_events import Payload
from shared.contracts.registration import Texts
from shared.fields import Zone

MAX_FOUND = 50  # links that one slice adds, the newest


class FoundLink(Payload):
    """A personal link that holds, and what it leads to. Nothing in it was typed into a form."""

    kind: Literal["verify", "link", "request"]
    link: str
    reference: str
    title: Texts = {}  # of the event
    timezone: Zone = "UTC"
    until: datetime | None = None  # when a link to verify ends
    received_at: datetime | None = None  # of a request


class LinksWanted(Payload):
    """Somebody gave this address to have its links mailed to it. Its outbox id has the address and the hour, so that
    asking twice mails once."""

    type: ClassVar[str] = "links.wanted"
    topic: ClassVar[str] = "registrations"

    email: str
    language: str  # BCP 47, of the page


class LinksGathered(LinksWanted):
    """On its way to the next slice, ``found`` so far; ``more``: some have no room."""

    type: ClassVar[str] = "links.gathered"
    topic: ClassVar[str] = "links"

    found: list[FoundLink]
    more: bool = False


class LinksFound(LinksGathered):
    """All slices have looked, and there is something to mail."""

    type: ClassVar[str] = "links.found"
    topic: ClassVar[str] = "inquiries"

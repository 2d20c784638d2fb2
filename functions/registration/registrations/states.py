"""The states of a registration, and every way from one to another: nothing else sets ``Registration.state``.

    (new) -----------> unverified --verified--> confirmed --end--> cancelled
      |                    |                        ^
      |                    '------end--> expired    | promoted
      '--> confirmed, or --joined_line--> waitlisted --end--> cancelled

Whoever calls writes ``documents.tallied`` into the same commit. A verified registration that finds no seat joins the
line before anything is stored.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from functions.registration.registrations.models import Registration
from shared.contracts.registration import State
from shared.ports import utc_text

OVER: tuple[State, ...] = ("cancelled", "expired")


def first(verifies: bool) -> State:
    """That of a new registration. ``verifies``: whether the event has addresses verified."""
    return "unverified" if verifies else "confirmed"


def verified(registration: Registration) -> None:
    """The address is proven: a seat is its owner's, once there is one (``seated`` or ``joined_line``)."""
    registration.state, registration.verify_by = "confirmed", None


def seated(registration: Registration, now: datetime) -> None:
    """It has the seats of its ``pools``; while it is unverified, they are only kept."""
    if registration.state == "confirmed":
        registration.confirmed_at = utc_text(now)


def joined_line(registration: Registration) -> None:
    """There is no seat: it waits, since it was made."""
    registration.state, registration.waitlisted_at = "waitlisted", registration.created_at


def promoted(registration: Registration, pools: list[str], now: datetime) -> None:
    """It was the first in line, and gets a seat of each of ``pools``."""
    registration.state, registration.confirmed_at, registration.pools = "confirmed", utc_text(now), pools


def end(registration: Registration, state: Literal["cancelled", "expired"], now: datetime) -> None:
    """It is over, for good."""
    registration.state, registration.ended_at = state, utc_text(now)

"""Events about staff of the organisations."""

from __future__ import annotations

from typing import ClassVar

from shared.contracts.bus_events import Payload


class StaffSignInRequested(Payload):
    """A member of staff asked to sign in; whoever holds ``link`` is signed in, once and for ``valid_minutes``."""

    type: ClassVar[str] = "staff.sign_in_requested"
    topic: ClassVar[str] = "staff"

    name: str
    email: str
    language: str  # BCP 47
    link: str
    valid_minutes: int

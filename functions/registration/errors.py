"""Why a registration is not taken, or not changed."""

from __future__ import annotations

from functions.registration.events.models import EventDefinition
from shared.fields import FaultyFields


class Refusal(Exception):
    """A registration that could have been taken at another time, or from another person."""


class Closed(Refusal):
    """Registration is not open; ``phase`` says why: soon, closed or past."""

    def __init__(self, event: EventDefinition, phase: str) -> None:
        super().__init__(phase)
        self.event = event
        self.phase = phase


class Full(Refusal):
    """No seat, and no line to wait in."""


class BadRequest(FaultyFields):
    """Faulty fields that only the event can tell."""


class KeyReused(Exception):
    """The idempotency key was used before, with another request."""


class NotPossible(Exception):
    """The registration's state does not allow this any more."""

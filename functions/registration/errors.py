"""Why a registration is not taken, or not changed."""

from __future__ import annotations

from shared.errors import DomainError
from shared.text import N_


class EventNotFound(DomainError):
    """None of this id, or none of the organisation that asks."""

    status, type, title = 404, "event-not-found", N_("There is no such event.")


class SeriesNotFound(DomainError):
    """None of this id."""

    status, type, title = 404, "series-not-found", N_("There is no such series of events.")


class RegistrationNotFound(DomainError):
    """None of this reference at the event."""

    status, type, title = 404, "not-found", N_("There is no such registration.")


class Refusal(DomainError):
    """A registration that could have been taken at another time, or from another person."""

    status = 410


class Closed(Refusal):
    """Registration is not open; ``phase`` says why: soon, closed or past."""

    type, title = "registration-closed", N_("Registration is closed.")

    def __init__(self, phase: str) -> None:
        super().__init__(phase)
        self.phase = phase
        if phase == "soon":
            self.title = N_("Registration is not open yet.")


class EventOver(Closed):
    """Nobody can verify any more."""

    type, title = "event-over", N_("This event is over, so nobody can register any more.")

    def __init__(self) -> None:
        super().__init__("past")


class Full(Refusal):
    """No seat, and no line to wait in."""

    type, title = "event-full", N_("All seats are taken, and there is no waiting list.")


class NoSeatKept(Full):
    """The same for somebody who registered when there was a seat, and verifies now."""

    title = N_("All seats are taken.")
    detail = N_("No seat was kept for you. Should one be given back, this link works until it lapses.")


class NotPossible(DomainError):
    """The registration's state does not allow this any more."""

    status, type, title = 410, "registration-over", N_("This registration can no longer be changed.")


class NotVerifiable(NotPossible):
    """It ended before its address was verified."""

    title = N_("This registration is over.")
    detail = N_("It was cancelled, or not verified in time. You can register again on the event's page.")

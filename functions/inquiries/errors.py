"""Why something is not done with an inquiry, or not shown."""

from __future__ import annotations

from shared.errors import DomainError
from shared.text import N_


class NotFound(DomainError):
    """No such inquiry, file or colleague, or none that this person may see: the two look the same."""

    status, type, title = 404, "inquiry-not-found", N_("There is no such inquiry.")
    detail = N_("Your organisation has no such inquiry. It may have been handed over.")


class Gone(NotFound):
    """The same for the requester: what a link of ours led to is erased."""

    type, title, detail = "gone", N_("This request is not kept here any more."), N_("It may have been erased.")


class DraftEnded(DomainError):
    """What was written step by step is over: not touched for a day, or begun anew."""

    status, type, title = 410, "draft-ended", N_("What you wrote is not kept any more.")
    detail = N_("It is kept for a day after your last step. Please begin again.")


class MailNotFound(NotFound):
    """No such mail kept aside."""

    type, title, detail = "mail-not-found", N_("There is no such mail."), N_("A colleague may have seen to it.")


class PersonNotFound(NotFound):
    """Nobody of this address is of the organisation of whoever acts."""

    type, title, detail = "no-such-person", N_("Your organisation has no such member of staff."), ""


class ActivityNotFound(NotFound):
    """None of this id, or none any more."""

    type, title, detail = "activity-not-found", N_("There is no such activity."), N_("It may have ended.")


class Stale(DomainError):
    """Somebody changed the inquiry since this person saw it; nothing was written. Show it again, then decide."""

    status, type = 409, "changed-meanwhile"
    title = N_("Somebody changed this while you were working on it, so nothing was sent.")


class NotAllowed(DomainError):
    """The inquiry's state or the requester's choice forbids it. ``title`` says why."""

    status, type = 409, "not-possible"

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self.title = title

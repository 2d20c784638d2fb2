"""The one table of rights: which role has which permission.

A route of a desk names the permission that it needs (``site.route(..., may="inquiries.close")``), templates and rules
ask for one, and nobody asks for a role. Whose thing it is (the inquiry's organisations, the event's) is asked where the
thing is read: what is not an organisation's does not exist for its staff, whatever their role.
"""

from __future__ import annotations

from shared.text import N_

ADDED = {
    "viewer": {
        "desk.view",  # what waits, the lists and their search
        "lists.watch",  # how many of a list are new: a number
        "views.save",  # of a list, for oneself
        "inquiries.view",
        "quarantine.view",
        "routing.try",
        "people.view",
        "settings.view",
        "events.view",
        "registrations.view",
    },
    "officer": {
        "inquiries.answer",
        "inquiries.note",
        "inquiries.take",
        "inquiries.assign",
        "inquiries.renew_link",  # void the link to the requester's page, and have a new one mailed
        "inquiries.close",  # with the next ones: where the organisation leads
        "inquiries.reopen",
        "inquiries.erase.ask",  # or withdraw that
        "inquiries.part",  # of a supporting organisation: end it, take it up again
        "inquiries.export",
        "quarantine.settle",  # put a mail into its inquiry, or dismiss it
        "absences.own",
        "registrations.export",
        "registrations.renew_link",
    },
    "focal_point": {
        "inquiries.hand_over",
        "views.share",  # save for the organisation, and change or remove what it has
        "inquiries.erase.confirm",  # what a colleague has asked for
        "absences.others",
        "staff_mail.resume",  # see which colleagues get no mail any more, and have it go out again
    },
    "administrator": {
        "deliveries.view",
        "deliveries.retry",
        "dead_letters.replay",
        "components.view",  # the page for those who design: every component in every state
    },
}
"""What each role may do besides what the roles before it may."""

ROLES = tuple(ADDED)
ROLE_NAMES = {
    "viewer": N_("Viewer"),
    "officer": N_("Officer"),
    "focal_point": N_("Focal point"),
    "administrator": N_("Administrator"),
}
GRANTED = {role: set[str]().union(*list(ADDED.values())[: place + 1]) for place, role in enumerate(ROLES)}
"""All that each role may do."""
PERMISSIONS = GRANTED[ROLES[-1]]

UNRECORDED = {
    "lists.watch",
    "routing.try",
    "people.view",  # names and work addresses of colleagues: of staff, not of whom they serve
    "settings.view",
    "absences.own",
    "absences.others",
    "events.view",
    "staff_mail.resume",
    "deliveries.retry",
    "dead_letters.replay",
    "components.view",
}
RECORDED = PERMISSIONS - UNRECORDED
"""Whoever is shown something under one of these sees a person's data, which leaves an audit entry (``gate.py``)."""


def allowed(role: str, permission: str) -> bool:
    """Whether the role has the permission. Raises ``KeyError`` for a permission that is not in the table."""
    if permission not in PERMISSIONS:
        raise KeyError(f"no role has {permission!r}: add it to shared/staff/permissions.py")
    return permission in GRANTED.get(role, ())

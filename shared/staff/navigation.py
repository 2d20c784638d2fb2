"""The desk's navigation: one list for all desks, of which everybody sees what the table of rights lets them open."""

from __future__ import annotations

from typing import NamedTuple

from shared.text import N_


class Part(NamedTuple):
    """A part of the desk: its first page, what it is called, and the permission that the page's route names."""

    path: str
    label: str
    may: str


PARTS = (
    Part("/desk", N_("Today"), "desk.view"),
    Part("/desk/inquiries", N_("Inquiries"), "desk.view"),
    Part("/desk/events", N_("Events"), "events.view"),
    Part("/desk/mail", N_("Mail"), "deliveries.view"),
    Part("/desk/quarantine", N_("Held mail"), "quarantine.view"),
    Part("/desk/routing", N_("Rules"), "routing.try"),
    Part("/desk/people", N_("People"), "people.view"),
    Part("/desk/settings", N_("Settings"), "settings.view"),
)

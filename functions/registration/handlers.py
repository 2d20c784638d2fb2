"""What the slice does when an event arrives, and once a minute."""

from __future__ import annotations

from collections.abc import Sequence

from functions.registration.registrations.service import Registrations
from shared.contracts.bus_events import BusEvent
from shared.contracts.links import LinksWanted
from shared.contracts.registration import MailWanted, RegisteredAgain, SeatsReleased
from shared.intake import Intake
from shared.ports import Write
from shared.wiring import Platform


def intake(platform: Platform, service: Registrations) -> Intake:
    """Settling keeps its own books (each promotion is one commit), so it runs after the claim, duplicates included."""

    keeper = service.timekeeper()

    def settle(event: BusEvent, _: Sequence[Write]) -> None:
        if isinstance(event.payload, SeatsReleased):
            keeper.settle(event.payload.event)

    return Intake(
        platform,
        consumer="registration",
        handlers={
            SeatsReleased: lambda event: (),
            RegisteredAgain: service.on_registered_again,
            MailWanted: service.on_mail_wanted,
            LinksWanted: service.on_links_wanted,
        },
        after=settle,
        on_tick=keeper.tick,
    )

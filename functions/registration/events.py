"""What the slice does when an event arrives, and once a minute."""

from __future__ import annotations

from functions.registration.timekeeping import Timekeeper
from shared.contracts.events import Event
from shared.contracts.registration import SeatsReleased
from shared.intake import Intake
from shared.wiring import Platform


def intake(platform: Platform, keeper: Timekeeper) -> Intake:
    """Settling keeps its own books (each promotion is one commit), so it runs after the claim, duplicates included."""

    def settle(event: Event) -> None:
        if isinstance(event.payload, SeatsReleased):
            keeper.settle(event.payload.event)

    return Intake(
        platform,
        consumer="registration",
        handlers={SeatsReleased: lambda event: ()},
        after=settle,
        on_tick=keeper.tick,
    )

"""The tick that makes time pass."""

from __future__ import annotations

from typing import ClassVar

from shared.contracts.bus_events import Payload


class Tick(Payload):
    """Once a minute, to every slice. Says nothing: what is due is read from the store at the clock's present."""

    type: ClassVar[str] = "clock.tick"
    topic: ClassVar[str] = "clock"

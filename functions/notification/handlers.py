"""What the notification slice does with events: owe the mails they call for, then send them."""

from __future__ import annotations

from functions.notification.deliveries.service import Deliveries
from functions.notification.mails.composers import MAILS
from shared.intake import Intake
from shared.wiring import Platform


def intake(platform: Platform, deliveries: Deliveries) -> Intake:
    """Mails leave within the push that calls for them; the clock tick sends what was put off, left behind or merged."""
    return Intake(
        platform,
        consumer="notification",
        handlers=dict.fromkeys(MAILS, deliveries.owed),
        after=deliveries.send_for,
        on_tick=deliveries.tick,
    )

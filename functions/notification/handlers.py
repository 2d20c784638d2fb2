"""What the notification slice does with events: owe the mails they call for, then send them."""

from __future__ import annotations

from functions.notification.deliveries.service import Deliveries
from functions.notification.mails.composers import MAILS
from shared.intake import DEAD_LETTERS, Intake
from shared.ports import MAX_COUNTED, Store, having
from shared.staff import waiting
from shared.wiring import Platform


def intake(platform: Platform, deliveries: Deliveries) -> Intake:
    """Mails leave within the push that calls for them; the clock tick sends what was put off, left behind or merged."""

    def tick() -> None:
        deliveries.tick()
        waiting.restate(platform.store, "notification", waiting_of(platform.store, deliveries))

    return Intake(
        platform,
        consumer="notification",
        handlers=dict.fromkeys(MAILS, deliveries.owed),
        after=deliveries.send_for,
        on_tick=tick,
    )


def waiting_of(store: Store, deliveries: Deliveries) -> list[waiting.Entry]:
    """What an administrator has to see to."""
    letters = store.count(DEAD_LETTERS, ("state", "==", "open"), having("time"), at_most=MAX_COUNTED)
    found = [
        waiting.Entry(kind="mails_failed", path="/desk/mail?state=failed", count=deliveries.count("failed")),
        waiting.Entry(kind="not_handled", path="/desk/mail?state=dead", count=letters),
    ]
    return [entry for entry in found if entry.count]

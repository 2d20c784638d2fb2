"""What the slice does when an event arrives, and once a minute."""

from __future__ import annotations

from functools import partial

from functions.inquiries.casework import quarantine
from functions.inquiries.services import Service
from shared.contracts.inquiries import InquiryAssigned, InquiryErased, InquiryReceived, InquiryRouted
from shared.contracts.links import LinksGathered
from shared.intake import Intake
from shared.wiring import Platform


def intake(platform: Platform, service: Service) -> Intake:
    """What the ``events`` target does with each bus event it takes, and with the clock's tick."""
    return Intake(
        platform,
        consumer="inquiries",
        handlers={
            InquiryReceived: service.routing.on_received,
            InquiryRouted: partial(quarantine.corrected, platform.store),
            InquiryAssigned: partial(quarantine.corrected, platform.store),
            InquiryErased: service.endings.on_erased,
            LinksGathered: service.finding.on_links_gathered,
        },
        on_tick=service.deadlines.tick,
    )

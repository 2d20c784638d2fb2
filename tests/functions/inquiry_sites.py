"""The inquiries slice with the sample content on a store of its own, and its sites as a visitor meets them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from functions.inquiries import toml_files
from functions.inquiries.casework.models import InquiryRequest
from functions.inquiries.desk import home
from functions.inquiries.files.attachments import Upload
from functions.inquiries.means import Means
from functions.inquiries.services import Service
from functions.inquiries.web import contact_pages, contact_steps, status_pages
from shared.contracts.bus_events import BusEvent
from shared.contracts.inquiries import InquiryReceived
from shared.staff.gate import DeskGate
from shared.web.site import Site
from shared.wiring import Platform
from tests.functions import inquiry_world
from tests.functions.browser import Browser, platform
from tests.functions.signed_in import signed_in

TEMPLATES = Path(toml_files.__file__).with_name("templates")
REQUEST = inquiry_world.REQUEST | {
    "topics": ["government-procurement"],
    "subject": "A national procurement policy",
    "message": "We are drafting a procurement policy and would like advice.",
}
WHO_OFFICER, WHO_HEAD = "lucas.ferreira@who.example", "amara.diallo@who.example"


@dataclass
class World:
    platform: Platform
    service: Service
    web: Site
    desk: Site

    def receive(self, uploads: tuple[Upload, ...] = (), **others: Any) -> str:
        """A request that is routed at once; returns its reference."""
        request = InquiryRequest.model_validate(REQUEST | others)
        reference = self.service.requests.receive(request, uploads).reference
        self.route()
        return reference

    def route(self) -> None:
        """Handle what ``inquiry.received`` asks for, and forget the events so far."""
        for row in self.platform.store.query("outbox", limit=1000):
            if row.data["type"] == InquiryReceived.type:
                payload = InquiryReceived.model_validate(row.data["data"])
                event = BusEvent(row.id, datetime.fromisoformat(row.data["time"]), "", payload)
                self.platform.store.commit(self.service.routing.on_received(event))

    def announced(self, kind: str) -> list[dict[str, Any]]:
        """The payloads of events of one type."""
        rows = self.platform.store.query("outbox", limit=1000)
        return [row.data["data"] for row in rows if row.data["type"] == kind]

    def member(self, email: str) -> Browser:
        """A browser that is signed in as ``email``."""
        return signed_in(self.platform, Browser(self.desk, self.web), email)


def new_world(folder: Path) -> World:
    here = platform(folder)
    toml_files.import_into(here.store, toml_files.read(toml_files.sample_files()), here.clock.now())
    means = Means(
        here.store, here.files, here.clock, here.tokens, here.settings.base_url, "onestop.test", trusts_senders=True
    )
    service = Service(means)
    web, staffed = Site(here, TEMPLATES), Site(here, TEMPLATES, DeskGate())
    contact_pages.register(web, service)
    contact_steps.register(web, service)
    status_pages.register(web, service)
    home.register(staffed, service, means)
    return World(here, service, web, staffed)

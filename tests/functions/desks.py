"""All desks on one origin and one store, with the sample content: staff of every role of every organisation, and
inquiries, mails, events and deliveries that some of them may see and others not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from flask import Request, Response

from functions.inquiries import main as inquiries_main
from functions.inquiries import toml_files
from functions.inquiries.casework.models import InquiryRequest
from functions.inquiries.desk import home
from functions.inquiries.files.attachments import Upload
from functions.inquiries.means import Means
from functions.inquiries.services import Service
from functions.notification import main as notification_main
from functions.notification.deliveries.service import Deliveries
from functions.notification.desk import mailbox
from functions.notification.desk import mails as mail_desk
from functions.registration import main as registration_main
from functions.registration.desk import events as event_desk
from shared import topology
from shared.adapters.embedded.bus import SqliteBus
from shared.adapters.embedded.mailer import MaildirMailer
from shared.contracts.bus_events import BusEvent
from shared.contracts.inquiries import InquiryReceived
from shared.contracts.staff import StaffSignInRequested
from shared.staff.gate import DeskGate
from shared.staff.models import Staff
from shared.web.site import Site
from shared.wiring import Platform
from tests.functions import inquiry_world, registration_world
from tests.functions.browser import SETTINGS, Browser, platform
from tests.functions.signed_in import signed_in
from tests.payloads import NOW

WORD = "zanzibar"  # stands in everything that can be searched for
ALL = frozenset({"who", "wipo", "wto"})


@dataclass(frozen=True)
class Thing:
    """Something at the desk that belongs to organisations.

    Args:
        kind: how its address begins, in the words of the URL map.
        parts: of that address, by name.
        mark: what tells it on a page.
        person: what tells the person behind it.
    """

    kind: str
    name: str
    organisations: frozenset[str]
    parts: dict[str, str] = field(compare=False)
    mark: str
    person: str


INQUIRY, MAIL, EVENT = "/desk/inquiries/<reference>", "/desk/quarantine/<id>", "/desk/events/<event_id>"


class Desks:
    def __init__(self, folder: Path) -> None:
        bus = SqliteBus(folder / "bus.db", topology.load())
        self.platform = replace(
            platform(folder, replace(SETTINGS, mailbox_open=True)), mailer=MaildirMailer(folder / "mail"), bus=bus
        )
        here = self.platform
        toml_files.import_into(here.store, toml_files.read(toml_files.sample_files()), here.clock.now())
        self.inquiries, means = _inquiries(here)
        self.registrations = registration_world.World(folder)
        self.deliveries = Deliveries(here.store, here.mailer, here.clock, here.settings.mail_from)
        self.sites = {
            "/desk": Site(here, inquiries_main.TEMPLATES, DeskGate()),
            "/desk/events": Site(here, registration_main.TEMPLATES, DeskGate()),
            "/desk/mail": Site(here, notification_main.TEMPLATES, DeskGate()),
        }
        self.sites["/mailbox"] = self.sites["/desk/mail"]
        home.register(self.sites["/desk"], self.inquiries, means)
        event_desk.register(self.sites["/desk/events"], self.registrations.service)
        mail_desk.register(self.sites["/desk/mail"], self.deliveries)
        assert isinstance(here.mailer, MaildirMailer)
        mailbox.register(self.sites["/mailbox"], here.mailer)
        self.things = [*self._inquiry_things(), *self._event_things()]
        self.things += [self._mail_about(thing) for thing in self.things if thing.kind == INQUIRY]
        self.things.append(self._mail_about(None))
        self.failed = self._failed_delivery()

    def __call__(self, request: Request) -> Response:
        """As the load balancer does: the longest prefix wins."""
        prefixes = [prefix for prefix in self.sites if f"{request.path}/".startswith(f"{prefix}/")]
        return self.sites[max(prefixes, key=len, default="/desk")](request)

    def browser(self, email: str | None) -> Browser:
        browser = Browser(self)  # type: ignore[arg-type]
        return signed_in(self.platform, browser, email) if email else browser

    @cached_property
    def staff(self) -> dict[tuple[str, str], str]:
        """One address for each organisation and role."""
        everybody = self.platform.store.query("staff", limit=1000)
        return {(one.data["organisation"], one.data["role"]): one.id for one in everybody}

    # -- what there is --

    def _inquiry_things(self) -> Iterable[Thing]:
        for owner in sorted(ALL):
            yield self._received(f"own of {owner}", {owner}, share_with=owner)
        shared = {"topics": ["trips-flexibilities"], "country": "UG"}  # a sample rule sends these to all three
        yield self._received("shared", ALL, **shared)
        given = self._received("handed over by who to wipo", {"wipo"}, topics=["local-production"])
        yield self._mail_about(given, "before it was handed over")
        reference = given.parts["reference"]
        head = self._person("who", "focal_point")
        version = self.inquiries.reading.inquiry(head, reference).version
        self.inquiries.casework.hand_over(head, reference, version, "wipo", "It is about patents.")
        yield given

    def _received(self, name: str, organisations: Iterable[str], **others: Any) -> Thing:
        person = f"Of-{name.replace(' ', '-')}"
        request = inquiry_world.REQUEST | {"subject": f"{WORD} {name}", "family_name": person} | others
        files = (Upload("plan.txt", b"our plan"),)
        reference = self.inquiries.requests.receive(InquiryRequest.model_validate(request), files).reference
        store = self.platform.store
        for row in store.query("outbox", limit=1000):
            if row.data["type"] == InquiryReceived.type and row.data["data"]["reference"] == reference:
                event = BusEvent(row.id, NOW, "", InquiryReceived.model_validate(row.data["data"]))
                store.commit(self.inquiries.routing.on_received(event))
                reply_to = event.payload.recipients[0].reply_to
        mail = f"From: {request['email']}\nTo: {reply_to}\nMessage-ID: <{reference}@mail.example>\n\nOne more thing."
        assert self.inquiries.inbound.take(mail.encode()).kind == "threaded"
        messages = [one.data for one in store.query("inquiry_messages", ("inquiry", "==", reference), order="at")]
        (file,) = (file["id"] for message in messages for file in message["attachments"])
        (key,) = (message["mail"].partition("/")[2] for message in messages if message["mail"])
        parts = {"reference": reference, "id": file, "key": key}
        return Thing(INQUIRY, f"inquiry {name}", frozenset(organisations), parts, reference, person)

    def _event_things(self) -> Iterable[Thing]:
        for owners in (["who"], ["wipo"], ["wto"], ["wto", "who"], sorted(ALL)):
            id = "event-of-" + "-and-".join(owners) + "-alone"
            self.registrations.event(id, organisations=owners, title=f"{WORD} {id}")
            person = f"Of{'and'.join(owners)}alone"
            reference = self.registrations.register(person, event=id).reference
            parts = {"event_id": id, "reference": reference}
            yield Thing(EVENT, id, frozenset(owners), parts, f"{WORD} {id}", person)

    def _mail_about(self, thing: Thing | None, when: str = "now") -> Thing:
        name = f"mail {when} about {thing.name if thing else 'nothing'}"
        subject = f"{WORD} {name} {thing.mark if thing else ''}"
        sender = f"{name.replace(' ', '-')}@strangers.example"
        raw = f"From: {sender}\nTo: anybody@onestop.test\nSubject: {subject}\nMessage-ID: <{sender}>\n\nHello."
        before = {one.id for one in self.platform.store.query("quarantine", limit=1000)}
        assert self.inquiries.inbound.take(raw.encode()).kind == "quarantined"
        (id,) = {one.id for one in self.platform.store.query("quarantine", limit=1000)} - before
        return Thing(MAIL, name, thing.organisations if thing else ALL, {"id": id}, sender, sender)

    def _failed_delivery(self) -> str:
        payload = StaffSignInRequested(
            name="x", email="perm-fail@simulate.invalid", language="en", link="https://onestop.test/x", valid_minutes=15
        )
        event = BusEvent("failed", NOW, "", payload)
        owed = self.deliveries.owed(event)
        self.platform.store.commit(owed)
        self.deliveries.send_for(event, owed)
        (delivery,) = self.platform.store.query("deliveries", limit=2)
        return delivery.id

    def _person(self, organisation: str, role: str) -> Staff:
        found = self.inquiries.content.person(self.staff[organisation, role])
        assert found
        return found


def _inquiries(here: Platform) -> tuple[Service, Means]:
    base_url = here.settings.base_url
    means = Means(here.store, here.files, here.clock, here.tokens, base_url, "onestop.test", trusts_senders=True)
    return Service(means), means

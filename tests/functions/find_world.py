"""All three slices on one store, and a bus in the test's hand: what was announced goes where the topology sends it."""

from __future__ import annotations

import base64
import email
import email.policy
import json
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

from flask import Flask, request

from functions.inquiries import handlers as inquiry_events
from functions.inquiries import toml_files
from functions.inquiries.casework.models import InquiryRequest
from functions.inquiries.means import Means
from functions.inquiries.services import Service
from functions.notification import handlers as notification_events
from functions.notification.deliveries.service import Deliveries
from functions.registration import handlers as registration_events
from functions.registration.events.models import EventDefinition
from functions.registration.registrations.documents import PERSONS, person_id
from functions.registration.registrations.service import Registrations
from functions.registration.toml_files import save
from shared import topology
from shared.contracts.bus_events import OUTBOX, message
from shared.intake import Intake
from shared.ports import Delete, Document, Store, decide
from shared.wiring import Platform
from tests.functions import inquiry_world, registration_world
from tests.functions.browser import SETTINGS


class Mailbox:
    """A mailer that keeps what it takes, by Message-ID, as receivers do."""

    def __init__(self) -> None:
        self.taken: dict[str, EmailMessage] = {}

    def send(self, message: bytes, sender: str, recipient: str) -> str:
        parsed = email.message_from_bytes(message, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.taken[str(parsed["Message-ID"])] = parsed
        return "here"

    def about(self, subject: str) -> list[EmailMessage]:
        return [mail for mail in self.taken.values() if str(mail["Subject"]) == subject]


def links_in(mail: EmailMessage) -> list[str]:
    """Paths of the links that stand alone on a line of the plain text."""
    part = mail.get_body(("plain",))
    assert part is not None
    lines = [line.strip() for line in str(part.get_content()).splitlines()]
    return [line.removeprefix(SETTINGS.base_url) for line in lines if line.startswith(f"{SETTINGS.base_url}/")]


class Slices:
    """
    Args:
        around: wraps the store that the functions get; the test itself looks at the plain one.
    """

    def __init__(self, here: Platform, around: Callable[[Store], Store] = lambda store: store) -> None:
        self.platform, self.store, self.clock = here, here.store, here.clock
        self.mailbox = Mailbox()
        self._around = around
        plan = topology.load()
        self._receivers = {topic: [s.function for s in plan.subscriptions_of(topic)] for topic in plan.topics}
        self.start()

    def start(self) -> None:
        """As new processes have them."""
        here, store = self.platform, self._around(self.store)
        settings = here.settings
        self.registrations = Registrations(store, here.clock, here.tokens, settings.base_url)
        means = Means(store, here.files, here.clock, here.tokens, settings.base_url, "onestop.test")
        self.inquiries = Service(means)
        self.deliveries = Deliveries(store, self.mailbox, here.clock, settings.mail_from)
        wrapped = Platform(**{**vars(here), "store": store})
        intakes = {
            "registration": registration_events.intake(wrapped, self.registrations),
            "inquiries": inquiry_events.intake(wrapped, self.inquiries),
            "notification": notification_events.intake(wrapped, self.deliveries),
        }
        self._functions = {name: _client(take) for name, take in intakes.items()}

    # -- content and people --

    def event(self, id: str, **changes: Any) -> None:
        defaults = {
            "id": id,
            "title": {"en": f"Forum {id}", "ar": f"منتدى {id}"},
            "summary": "A forum.",
            "organiser": "WHO",
            "organisations": ["who"],
            "contact_email": "forum@example.org",
            "mode": "virtual",
            "location": "Geneva",
            "timezone": "Europe/Zurich",
            "starts_at": self.clock.now().replace(year=2027, month=3),
            "ends_at": self.clock.now().replace(year=2027, month=4),
            "categories": [{"id": "participant", "name": "Participant"}],
            "verify_email": False,
        }
        save(self.store, self.clock, [EventDefinition.model_validate({**defaults, **changes})])

    def staff(self) -> None:
        toml_files.import_into(self.store, inquiry_world.samples(), self.clock.now())

    def register(self, event: str, address: str) -> str:
        asked = registration_world.request("Lina", email=address)
        self.registrations.register(event, asked)
        claim = self.store.get(PERSONS, person_id(event, address))
        assert claim
        return str(claim.data["reference"])

    def ask(self, address: str) -> str:
        asked = InquiryRequest.model_validate(inquiry_world.REQUEST | {"topics": [], "email": address})
        return self.inquiries.requests.receive(asked).reference

    # -- the bus --

    def waiting(self) -> list[Document]:
        return self.store.query(OUTBOX, order="time", limit=1000)

    def deliver(self, row: Document) -> bool:
        """Push it to all who subscribe to its topic, as often as a test likes; whether all of them took it."""
        sent = message(row.id, row.data)
        body = {
            "message": {"data": base64.b64encode(sent.data).decode(), "attributes": sent.attributes},
            "subscription": "projects/p/subscriptions/s",
            "deliveryAttempt": 1,
        }
        taken = [self._push(name, body) for name in self._receivers[sent.topic]]
        return all(taken)

    def _push(self, name: str, body: dict[str, Any]) -> bool:
        return bool(self._functions[name].post("/", data=json.dumps(body)).status_code == 204)

    def forget(self, row: Document) -> None:
        self.store.commit([Delete(OUTBOX, row.id, None)])

    def settle(self) -> None:
        """Deliver what is announced, and what that announces, until there is nothing more."""
        while rows := self.waiting():
            for row in rows:
                assert decide(lambda row=row: self.deliver(row))  # type: ignore[misc]
                self.forget(row)

    def found(self) -> list[EmailMessage]:
        return [*self.mailbox.about("Your links"), *self.mailbox.about("روابطك")]


def _client(take: Intake) -> Any:
    app = Flask("push")
    app.add_url_rule("/", view_func=lambda: take(request), methods=["POST"])
    app.testing = True
    return app.test_client()

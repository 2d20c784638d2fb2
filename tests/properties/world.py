"""Drawn values in a whole house: they come in as strangers send them, and everything that shows them is opened."""

from __future__ import annotations

import base64
import functools
import importlib
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask import Request
from werkzeug.test import TestResponse

from functions.inquiries.casework.models import InquiryRequest
from functions.inquiries.content.models import Activity, CannedReply, Topic
from functions.notification.mails.composers import mails_for
from functions.notification.mails.render import render
from functions.registration import toml_files
from functions.registration.events.models import EventDefinition
from functions.registration.registrations.documents import PERSONS, person_id
from functions.registration.registrations.models import RegistrationRequest
from shared import topology
from shared.contracts.bus_events import OUTBOX, BusEvent, Payload, message, parse
from shared.ports import Create, Delete, Document, Replace, Write, every
from shared.staff.models import Organisation, Staff
from tests.functions.browser import SETTINGS, Browser, form_to, forms
from tests.functions.signed_in import signed_in
from tests.house import House
from tests.payloads import NOW
from tests.properties import inspect_answers

BASE = SETTINGS.base_url
LANGUAGES = ("en", "ar")
PUBLIC = ("/", "/events", "/activities", "/contact", "/api/events", "/api/activities", "/api/openapi.json", "/mailbox")
DESK = ("/desk", "/desk/inquiries", "/desk/events", "/desk/mail", "/desk/routing", "/desk/quarantine")
DESK += ("/desk/people", "/desk/settings")


@dataclass
class Case:
    """One drawing: what stands in content, and what strangers and staff write."""

    event: EventDefinition  # id "drawn", open now
    shown: EventDefinition  # id "shown", at any time
    people: list[RegistrationRequest]
    answers: dict[str, Any]
    inquiry: InquiryRequest
    staff: Staff
    activity: Activity
    topic: Topic
    canned: CannedReply
    names: dict[str, Any]  # of the organisation
    prose: str
    reason: str


@dataclass(repr=False)
class World:
    house: House
    known: dict[tuple[str, str], Document] = field(default_factory=dict)
    seen_before: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.store: Any = self.house.platform.store
        self.renew()
        visitor, staff, *_ = self._everybody("admin@who.example")
        self.seen_before = self.crawl(visitor, PUBLIC) | self.crawl(staff, DESK)
        self.known = {(one.collection, one.id): one for one in self._documents()}

    def _documents(self) -> list[Document]:
        return [one for name in self.store.collections() for one in every(self.store, name)]

    def forget(self) -> None:
        """The store as it was before the first case."""
        writes: list[Write] = []
        for one in self._documents():
            before = self.known.get((one.collection, one.id))
            if before is None:
                writes.append(Delete(one.collection, one.id, None))
            elif before.data != one.data:
                writes.append(Replace(one.collection, one.id, before.data, None))
        self.commit(writes)
        for mail in (self.house.platform.settings.data / "mail").glob("*/*"):
            mail.unlink()
        self.renew()

    def commit(self, writes: list[Write]) -> None:
        """By collection: not all lie in one database."""
        for collection in {write.collection for write in writes}:
            here = [write for write in writes if write.collection == collection]
            for start in range(0, len(here), 200):
                self.store.commit(here[start : start + 200])

    def renew(self) -> None:
        """As a process begins: nothing is cached but the platform."""
        self.services: dict[str, Any] = {}
        for function in ("registration", "inquiries", "notification"):
            module = importlib.import_module(f"functions.{function}.main")
            for made in vars(module).values():
                if isinstance(made, functools._lru_cache_wrapper) and made.__wrapped__.__module__ == module.__name__:
                    made.cache_clear()
            self.services[function] = module

    def front(self, request: Request) -> Any:
        """The site that the gateway would choose."""
        function, _, name = self.house.target(request.path).partition("-")
        return getattr(self.services[function], f"_{name}")()(request)

    def browser(self) -> Browser:
        return Browser(self.front, address="127.0.0.1")  # type: ignore[arg-type]

    # -- one case --

    def run(self, case: Case) -> None:
        self.take_content(case)
        self.people = [self.register(case, person) for person in case.people]
        self.deliver()
        self.use_personal_links()
        self.deliver()
        self.inquire(case)
        for number, browser in enumerate(self._everybody(case.staff.email)):
            self.crawl(browser, DESK if number % 2 else PUBLIC)
        assert self.house.complaints == [], "\n".join(self.house.complaints)

    def take_content(self, case: Case) -> None:
        clock = self.house.platform.clock
        toml_files.save(self.store, clock, [case.event, case.shown])
        who = self.store.get("organisations", "who")
        who_named = Organisation.model_validate({**who.data, **case.names}).data()
        self.commit(
            [
                Create("topics", case.topic.id, case.topic.data()),
                Create("activities", case.activity.id, case.activity.data()),
                Create("canned_replies", case.canned.id, case.canned.data()),
                Create("staff", case.staff.email, case.staff.data()),
                Replace("organisations", "who", who_named, None),
            ]
        )
        self.renew()

    def register(self, case: Case, person: RegistrationRequest) -> str:
        browser = self.browser()
        sent = {**person.model_dump(mode="json"), "category": case.event.categories[0].id, "answers": case.answers}
        taken = browser.post("/api/events/drawn/registrations", json=sent)
        assert taken.status_code == 201, taken.text
        self.visit(browser, taken.json["links"]["receipt"])  # type: ignore[index]
        faulty = {name: str(sent[name]) for name in ("given_name", "family_name", "email", "organisation", "language")}
        page = browser.get("/events/drawn/register")
        self.check(browser.send(page, **faulty, **{f"answers.{id}": case.prose for id in case.answers}), 422)
        claim = self.store.get(PERSONS, person_id(case.event.id, person.email))
        return str(claim.data["reference"])

    def use_personal_links(self) -> None:
        service = self.services["registration"]._service()
        tokens = self.house.platform.tokens
        for number, reference in enumerate(self.people):
            registration = service.find(reference)
            browser = self.browser()
            if registration.state == "unverified":
                verify = f"/r/{tokens.sign('verify', reference)}/verify"
                self.check(browser.send(self.check(browser.get(verify))), 303)
            personal = f"/r/{service.manage_token(registration)}"
            for language in LANGUAGES:
                links = self.visit(browser, f"{personal}?lang={language}")
                for path in {link.partition("?")[0] for link in links if link.startswith(personal)} - {personal}:
                    self.visit(browser, path)
            self.check(browser.send(browser.get(f"{personal}/correct")), 303)
            if number == 0:
                self.check(browser.send(browser.get(f"{personal}/cancel")), 303)
            self.visit(browser, f"{personal}?done=corrected")

    def inquire(self, case: Case) -> None:
        browser, colleague = (
            self.browser(),
            signed_in(self.house.platform, self.browser(), case.staff.email),
        )
        typed = case.inquiry.model_dump(mode="json")
        sent = browser.post("/api/inquiries", json={**typed, "topics": [case.topic.id], "activity": case.activity.id})
        assert sent.status_code == 201, sent.text
        reference, status = sent.json["reference"], urlsplit(sent.json["links"]["status"]).path  # type: ignore[index]
        self.deliver()
        again = {name: value for name, value in typed.items() if isinstance(value, str)}
        self.check(browser.send(browser.get("/contact"), **{**again, "consent": ""}), 422)
        path = f"/desk/inquiries/{reference}"
        for action, values in (
            ("take", {}),
            ("note", {"note": case.prose}),
            ("assign", {"to": case.staff.email, "reason": case.reason}),
            (reference, {"text": case.prose, "insert": "1", "canned": case.canned.id}),
            (reference, {"text": case.prose, "preview": "1"}),
            ("answer", {"text": case.prose, "send": "1"}),
        ):
            page = self.check(colleague.get(path))
            self.check(colleague.send(page, form_to(page, f"/{action}"), **values), 303, 200)
            self.deliver()
        page = self.check(browser.get(status))
        self.check(browser.send(page, form_to(page, "/messages"), text=case.prose), 303)
        page = self.check(colleague.get(path))
        self.check(colleague.send(page, form_to(page, "/close")), 303)
        self.deliver()
        for language in LANGUAGES:
            self.visit(browser, f"{status}?lang={language}")
            self.check(colleague.get(f"/desk/inquiries?lang={language}"))
            words = self.check(colleague.get("/desk/inquiries", query_string={"q": case.inquiry.subject}))
            assert words.status_code == 200
            shown = inspect_answers.html(self.check(colleague.get(path)).text)[1]
            assert _plain(case.inquiry.subject) in _plain(shown)
            assert _plain(case.inquiry.message) in _plain(shown)
        page = colleague.get("/desk/routing")
        asked = {"subject": case.inquiry.subject, "message": case.prose, "language": case.inquiry.language}
        self.check(colleague.send(page, len(forms(page)) - 1, **asked), 200, 422)
        self.check(colleague.get("/desk/inquiries.xlsx"))
        self.check(colleague.get("/desk/inquiries.csv"))
        for state in ("confirmed", "waitlisted", "cancelled"):
            for kind in ("csv", "xlsx"):
                self.check(colleague.get(f"/desk/events/drawn/registrations.{kind}?state={state}"))

    # -- answers --

    def check(self, answer: TestResponse, *statuses: int) -> TestResponse:
        assert answer.status_code in (statuses or (200,)), (
            f"{answer.request.path}: {answer.status}\n{self.house.complaints}"
        )
        try:
            inspect_answers.body(answer.get_data(), answer.mimetype)
        except Exception as error:
            raise AssertionError(f"{answer.request.path}: {error}") from error
        return answer

    def visit(self, browser: Browser, address: str) -> list[str]:
        """Open one page; its links."""
        answer = self.check(browser.get(address.removeprefix(BASE)))
        return inspect_answers.body(answer.get_data(), answer.mimetype)

    def _everybody(self, email: str) -> list[Browser]:
        """A visitor and one of the staff, in each language."""
        browsers = []
        for language in LANGUAGES:
            browsers += [self.browser(), signed_in(self.house.platform, self.browser(), email)]
            for browser in browsers[-2:]:
                browser.get(f"/?lang={language}")
        return browsers

    def crawl(self, browser: Browser, starts: tuple[str, ...]) -> set[str]:
        """Open all of one kind that a chain of links reaches, but what the sample content alone had filled before."""
        waiting, seen = list(starts), set[str]()
        while waiting:
            address = waiting.pop()
            path = address.partition("?")[0]
            others = path.startswith("/desk") != starts[0].startswith("/desk")
            if others or address in seen or (path in self.seen_before and path not in starts):
                continue
            seen.add(address)
            answer = browser.get(address)
            if answer.status_code not in (303, 308):
                waiting += self._links(address, self.check(answer))
            assert len(seen) < 400
        return {address.partition("?")[0] for address in seen}

    def _links(self, address: str, answer: TestResponse) -> list[str]:
        found = inspect_answers.body(answer.get_data(), answer.mimetype)
        targets = [urljoin(f"{BASE}{address}", link).partition("#")[0] for link in found]
        ours = [target.removeprefix(BASE) for target in targets if target.startswith(f"{BASE}/")]
        return [path for path in ours if "lang=" not in path and "/assets/" not in path]

    # -- events and mails --

    def deliver(self) -> None:
        """Push what was announced to who listens, until nothing is announced any more."""
        plan = topology.load()
        while rows := self.store.query(OUTBOX, order="time"):
            for row in rows:
                for subscription in plan.subscriptions_of(row.data["topic"]):
                    self._push(subscription.function, subscription.name, row)
                self.mails(parse(*_sent(row)))
            self.store.commit([Delete(OUTBOX, row.id, None) for row in rows])

    def _push(self, function: str, name: str, row: Document) -> None:
        data, attributes = _sent(row)
        body = {
            "message": {"data": base64.b64encode(data).decode(), "attributes": attributes},
            "subscription": f"projects/p/subscriptions/{name}",
        }
        headers = [("Content-Type", "application/json"), ("Authorization", self.house.push_authorization)]
        answer = self.house.send("POST", "/", headers, json.dumps(body).encode(), at=f"{function}-events")
        assert answer.status == 204, self.house.complaints

    def mails(self, event: BusEvent | None) -> None:
        assert event is not None
        for language in LANGUAGES:
            told = in_language(event.payload.model_dump(mode="json"), language)
            self.mail(BusEvent(event.id, event.time, "", type(event.payload).model_validate(told)))

    def mail(self, event: BusEvent) -> None:
        for made in mails_for(event):
            content = render(made, event.id, SETTINGS.mail_from, NOW).content
            read = inspect_answers.mail(content)
            assert _plain(str(read["Subject"])) == _plain(made.subject)


def in_language(data: Any, language: str) -> Any:
    """A payload whose people read ``language``."""
    if isinstance(data, dict):
        return {key: language if key == "language" else in_language(value, language) for key, value in data.items()}
    return [in_language(value, language) for value in data] if isinstance(data, list) else data


def _sent(row: Document) -> tuple[bytes, dict[str, str]]:
    envelope = message(row.id, row.data)
    return envelope.data, envelope.attributes


def _plain(text: str) -> str:
    return re.sub(r"[\s\u200e\u200f\u202a-\u202e\u2066-\u2069]+", "", text)


def payload_event(payload: Payload) -> BusEvent:
    return BusEvent("e1", NOW, "", payload)

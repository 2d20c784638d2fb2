"""A house that people have lived in: registrations, inquiries, mails and staff, for requests to meet."""

from __future__ import annotations

import base64
import importlib
import json
import random
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from werkzeug.routing import Map

from functions.inquiries.casework.case import MESSAGES
from shared import topology
from shared.contracts.bus_events import OUTBOX, message
from shared.ports import Create, Delete, utc_text
from shared.staff import sessions
from shared.wiring import Platform
from tests.functions.inquiry_world import REQUEST as INQUIRY
from tests.functions.test_bodies import PERSON
from tests.fuzz.grammar import Caller, Grammar
from tests.fuzz.nasty import JSON
from tests.house import SECRET, Answer, House

EVENT, WEBINAR = "local-production-forum-next", "procurement-webinar-next"
STAFF = (
    "admin@who.example",
    "amara.diallo@who.example",
    "lucas.ferreira@who.example",
    "greta.olsen@who.example",
    "helena.brandt@wipo.example",
    "kenji.mori@wto.example",
)
MAIL = (
    "From: Wanjiru Kamau <{sender}>\r\nTo: {to}\r\nSubject: =?utf-8?q?About_it?=\r\nMessage-ID: <{id}@gov.test>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/plain;"
    " charset=utf-8\r\n\r\nWe need advice.\r\n\r\nOn Monday you wrote:\r\n> old\r\n--m\r\nContent-Type: text/html"
    "\r\n\r\n<p>We need <b>advice</b>.</p>\r\n--m\r\nContent-Type: text/plain; name=a.txt\r\n"
    "Content-Disposition: attachment; filename=a.txt\r\n\r\nplain\r\n--m--\r\n"
)
FIXED: dict[str, Sequence[str]] = {
    "lang": ("en", "ar", "fr", "zz"),
    "state": ("confirmed", "waitlisted", "cancelled", "routed", "closed", "failed", "dead", "queued"),
    "order": ("newest", "oldest", "target", "changed"),
    "view": ("html", "text", "headers", "source"),
    "page": ("1", "2", "0"),
    "number": ("0", "1", "9"),
    "kind": ("csv", "xlsx"),
    "format": ("csv", "xlsx"),
    "done": ("take", "1"),
    "left": ("ABCD-EFGH:stale",),
    "after": ("2026-01-01T00:00:00.000000Z~x", "waiting", "closed"),
    "before": ("2027-01-01T00:00:00.000000Z~x",),
    "q": ("vaccine", "a b c", "wanjiru"),
    "organisation": ("who", "wipo", "wto"),
    "topic": ("government-procurement", "local-production"),
    "audience": ("government", "individual"),
    "email": ("someone@ministry.example", "amara.diallo@who.example"),
    "assignee": ("amara.diallo@who.example", "nobody"),
    "to": ("lucas.ferreira@who.example", "amara.diallo@who.example"),
    "queue": ("general",),
    "action": ("assign", "close"),
    "version": ("x", "1"),
    "seen": ("0", "1", "99"),
    "language": ("en", "ar", "fr-CA"),
    "country": ("KE", "CH"),
    "first": ("2027-03-01",),
    "last": ("2027-03-05", ""),
    "text": ("We will answer.",),
    "message": ("We ask for advice.",),
    "note": ("Seen.",),
    "reason": ("They asked.",),
    "insert": ("1",),
    "preview": ("1",),
    "canned": ("received",),
    "rules": ('[[rules]]\nid = "a"\ntitle = "A"\n',),
    "next": ("/desk/inquiries",),
    "homepage": ("",),
    "submission": ("s1", "s2"),
    "answers": ("function", "accessibility", "diet", "visa_letter", "question", "interpretation"),
    "function": ("Adviser",),
    "name": ("style.css",),
    "file": ("plan.pdf", "note.txt", "a.png"),
    "recipient": ("help@onestop.example",),
    "sender": ("someone@ministry.example",),
}


@dataclass
class Village:
    house: House
    known: dict[str, list[str]] = field(default_factory=lambda: {name: list(values) for name, values in FIXED.items()})
    mails: list[tuple[str, bytes]] = field(default_factory=list)
    pushes: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    @property
    def platform(self) -> Platform:
        return self.house.platform

    def settle(self) -> None:
        """People come, write and are answered."""
        for number, event in enumerate([EVENT, EVENT, WEBINAR, WEBINAR, EVENT]):
            category = "participant" if event == WEBINAR else "delegation"
            body = PERSON | {"email": f"person{number}@ministry.example", "category": category, "answers": {}}
            body["answers"] = {"function": "Adviser"} if event == EVENT else {}
            self._post(f"/api/events/{event}/registrations", body)
        for number in range(5):
            file = {"name": "note.txt", "content": "cGxhaW4="}
            topics = [["government-procurement"], ["local-production"], []][number % 3]
            self._post(
                "/api/inquiries", INQUIRY | {"topics": topics, "attachments": [file], "subject": f"Ask {number}"}
            )
        self.pump()
        for number, to in enumerate([*self._reply_addresses(), "help@onestop.example", "reply+x.y@onestop.example"]):
            raw = MAIL.format(sender=INQUIRY["email"], to=to, id=number).encode()
            self.mails.append((to, raw))
            self.house.send(
                "POST", f"/inbound/mail?recipient={quote(to)}", [("Authorization", f"Bearer {SECRET}")], raw
            )
        self.pump()
        self.sign_in()
        self.look()

    def pump(self) -> None:
        """Bring every event to its consumers, as the bus does, until there are none."""
        while rows := self.platform.store.query(OUTBOX, limit=200):
            for row in rows:
                sent = message(row.id, row.data)
                self.pushes = [*self.pushes[-40:], (sent.attributes, sent.data)]
                for subscription in topology.load().subscriptions_of(sent.topic):
                    self.push(subscription.function, sent.attributes, sent.data)
            self.platform.store.commit([Delete(OUTBOX, row.id, None) for row in rows])

    def push(self, function: str, attributes: dict[str, str], data: bytes) -> Answer:
        body = {"message": {"data": base64.b64encode(data).decode(), "attributes": attributes}, "subscription": "s"}
        headers = [("Authorization", self.house.push_authorization), ("Content-Type", JSON)]
        return self.house.send("POST", "/", headers, json.dumps(body).encode(), at=f"{function}-events")

    def sign_in(self) -> None:
        """A stranger and staff of every kind, each with cookies and a form's token."""
        self.callers[:] = [self._caller("stranger", "", "/contact")]
        for email in STAFF:
            self.callers.append(self._caller(email, f"{sessions.COOKIE}={self.session(email)}", "/desk"))

    def session(self, email: str) -> str:
        now, id = self.platform.clock.now(), secrets.token_hex(16)
        times = {
            "created_at": utc_text(now),
            "seen_at": utc_text(now),
            "expire_at": utc_text(now + sessions.MAX_SESSION),
        }
        self.platform.store.commit([Create(sessions.SESSIONS, id, {"email": email, **times})])
        return self.platform.tokens.sign("desk.session", id)

    def _caller(self, name: str, cookies: str, path: str) -> Caller:
        page = self.house.get(path, headers=[("Cookie", cookies)])
        found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        given = [cookie.partition(";")[0] for cookie in page.headers.getlist("Set-Cookie")]
        return Caller(name, "; ".join([cookies, *given] if cookies else given), found[1] if found else "")

    def renew(self, grammar: Grammar) -> None:
        """Staff who were signed out come back, events arrive, and new things are there to be met."""
        self.pump()
        self.sign_in()
        self.look()
        grammar.callers, grammar.known, grammar.pushes = self.callers, self.known, self.pushes

    def mail_keys(self) -> list[str]:
        return [path.name for path in (self.platform.settings.data / "mail").rglob("*") if path.is_file()]

    def look(self) -> None:
        """Learn what there is now: ids for paths, versions for forms."""
        store = self.platform.store

        def ids(collection: str, limit: int = 60) -> list[str]:
            return [document.id for document in store.query(collection, limit=limit)]

        sign = self.platform.tokens.sign
        registrations, inquiries = ids("registrations"), ids("inquiries")
        personal = [sign(purpose, id) for id in registrations for purpose in ("manage", "verify")]
        messages = store.query(MESSAGES, limit=200)
        files = [file["id"] for document in messages for file in document.data.get("attachments", [])]
        status = self._status_tokens()
        self.tokens = [*personal, *status]
        self.known |= {
            "slug": [EVENT, WEBINAR, *ids("events")],
            "event": [EVENT, WEBINAR, *ids("events")],
            "category": ["delegation", "participant", "industry"],
            "reference": inquiries,
            "selected": [f"{id}~x" for id in inquiries],
            "id": [*ids("activities"), *files, *ids("quarantine"), *ids("deliveries"), *ids("dead_letters")],
            "activities.id": ids("activities"),
            "activity": ids("activities")[:3],
            "token": self.tokens,
            "r.token": personal,
            "i.token": status or self.tokens,
            "receipt": [sign("receipt", f"{EVENT}:{id}:confirmed") for id in registrations[:3]] or ["x"],
            "key": self.mail_keys()[:30] or ["x"],
            "version": [document.version for document in store.query("inquiries", limit=30)],
        }

    def grammar(self, seed: int) -> Grammar:
        samples: dict[str, dict[str, Any]] = {
            f"/events/{WEBINAR}/reg": PERSON
            | {"category": "participant", "answers.question": "Why?", "submission": "s1"},
            f"/api/events/{EVENT}": PERSON | {"answers": {"function": "Adviser", "accessibility": "A ramp"}},
            "/api/events": PERSON | {"category": "participant", "answers": {}},
            "/register": PERSON | {"answers.function": "Adviser", "submission": "s2"},
            "/correct": {k: v for k, v in PERSON.items() if k not in ("email", "category", "consent")},
            "/contact": INQUIRY | {"submission": "s3"},
            "/api/inquiries": INQUIRY,
            "/answer": {"text": "We will help.", "after": "", "version": self.known["version"][0]},
            "/note": {"note": "Seen.", "version": self.known["version"][0]},
            "/messages": {"text": "Thank you.", "submission": "s4"},
            "/desk/routing": {"subject": "x", "message": "y", "topics": ["local-production"], "country": "KE"},
            "/desk/people": {"email": STAFF[1], "first": "2027-03-01", "last": "2027-03-05"},
            "/desk/settings": {"first": "2027-03-01", "last": "2027-03-05"},
            "/desk/sign-in": {"email": STAFF[1], "next": "/desk"},
            "/thread": {"reference": self.known["reference"][0]},
        }
        return Grammar(
            random.Random(seed),
            maps(),
            self.known,
            samples,
            self.callers,
            self.mails,
            self.pushes,
            SECRET,
            self.house.push_authorization,
        )

    def _post(self, path: str, body: dict[str, Any]) -> None:
        answer = self.house.send("POST", path, [("Content-Type", JSON)], json.dumps(body).encode())
        assert answer.status == 201, answer.text

    def _reply_addresses(self) -> list[str]:
        mails = [
            path.read_text("utf-8", "replace")
            for path in (self.platform.settings.data / "mail").rglob("*")
            if path.is_file()
        ]
        return sorted({found for mail in mails for found in re.findall(r"reply\+[\w.-]+@[\w.-]+", mail)})[:6]

    def _status_tokens(self) -> list[str]:
        return [
            self.platform.tokens.sign("inquiry", document.id)
            for document in self.platform.store.query("inquiries", limit=60)
        ]


def maps() -> dict[str, Map]:
    """The URL maps of the targets that have one."""
    found = {}
    for target in topology.load().targets:
        if target.name != "events":
            main = importlib.import_module(f"functions.{target.function}.main")
            found[target.id] = getattr(main, f"_{target.name}")().map
    return found

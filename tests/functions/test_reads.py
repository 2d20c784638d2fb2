"""No page and no form reads more than 200 documents and index blocks of Firestore, however much there is.

Exports read what they export, and are left out. So is what the clock and the bus do, which goes in pages.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.routing import Rule

from benchmarks import filled
from functions.inquiries.casework import queries
from functions.inquiries.casework.recipients import LINK_PURPOSE
from functions.registration.events import repository
from functions.registration.registrations import seats
from functions.registration.registrations.notices import MANAGE
from functions.registration.registrations.tally_changes import change
from shared.keys.links import Link
from shared.ports import Create, Store
from tests import reads
from tests.functions.inquiry_world import REQUEST as INQUIRY
from tests.fuzz.grammar import Caller
from tests.fuzz.village import Village, maps
from tests.house import Answer, House, opened

MOST = 200
REGISTRATIONS, INQUIRIES, COPIES = 3_000, 1_500, 1_200
MULTIPLIED = ("deliveries", "quarantine", "audit", "events", "inquiry_tally_changes", "suppressions", "limits")
LEFT_OUT = re.compile(r"csv|xlsx|sign-out")
LISTS = (
    "/desk/inquiries?q=word1",
    "/desk/inquiries?q=word1+word2+word3",
    "/desk/inquiries?q=word1&topic=local-production",
    "/desk/inquiries?assignee=me&state=assigned&order=target",
    f"/desk/events/{filled.FULL}?state=waitlisted",
    "/desk/mail?state=sent",
    "/desk/mail?state=dead",
)

FORM = {
    "given_name": "Amina",
    "family_name": "Diallo",
    "email": "amina@health.example",
    "country": "SN",
    "category": "delegation",
    "language": "en",
    "consent": True,
}
DONE = {
    "GET /r/<token>",
    "GET /i/<token>",
    "POST /api/events/<event>/registrations",
    "POST /events/<slug>/register",
    "POST /r/<token>/correct",
    "POST /r/<token>/cancel",
    "POST /api/inquiries",
    "POST /contact",
    "POST /i/<token>/messages",
    "POST /desk/inquiries/assign",
    "POST /desk/inquiries/<reference>/assign",
    "POST /desk/inquiries/<reference>/answer",
    "POST /desk/inquiries/<reference>/close",
}
"""What was not only refused."""


@dataclass
class Meter:
    """
    Args:
        reached: routes that did what they are for, and not only said that there is nothing.
    """

    house: House
    village: Village
    filled: filled.Filled
    reads: Counter[str]
    reached: set[str] = field(default_factory=set)

    def routes(self, method: str) -> Iterator[tuple[Rule, str]]:
        for target, rules in maps().items():
            for rule in rules.iter_rules():
                if method in (rule.methods or ()) and not LEFT_OUT.search(rule.rule):
                    yield rule, target

    def measure(self, method: str, fields: dict[str, Any]) -> dict[str, int]:
        """The most that each route read, asked for a few of its things by a stranger and by staff."""
        found: dict[str, int] = {}
        for rule, target in self.routes(method):
            callers = self.village.callers[:1] if target.endswith("-web") else self.village.callers[1:4]
            for address, caller in itertools.product(self.addresses(rule), callers):
                answer, cost = self.ask(method, address, caller, fields)
                name = f"{method} {rule.rule}"
                found[name] = max(found.get(name, 0), cost)
                if answer.status in (200, 201, 302, 303):
                    self.reached.add(name)
        return found

    def ask(
        self, method: str, address: str, caller: Caller, fields: dict[str, Any] | None = None
    ) -> tuple[Answer, int]:
        headers, body = [("Cookie", caller.cookies)], b""
        if method == "POST" and address.startswith("/api/"):
            headers.append(("Content-Type", "application/json"))
            body = json.dumps(INQUIRY if address.endswith("inquiries") else FORM | {"answers": {}}).encode()
        elif method == "POST":
            known = FORM | {"consent": "on"} if address.endswith("/register") else fields or {}
            fields = known | self._seen(address)
            headers.append(("Content-Type", "application/x-www-form-urlencoded"))
            body = urlencode({**(fields or {}), "csrf_token": caller.token}, doseq=True).encode()
        self.reads.clear()
        return self.house.send(method, address, headers, body), self.reads.total()

    def _seen(self, address: str) -> dict[str, str]:
        """What the page of an inquiry says of its state."""
        found = re.fullmatch("/desk/inquiries/([^/]+)/.*", address)
        inquiry = self.house.platform.store.get("inquiries", found[1]) if found else None
        return {"version": inquiry.version} if inquiry else {}

    def addresses(self, rule: Rule) -> Iterator[str]:
        first, names = rule.rule.split("/")[1], sorted(rule.arguments)
        known = self.village.known
        values = (list(known.get(f"{first}.{name}") or known[name])[:3] for name in names)
        for chosen in itertools.product(*values):
            parts = dict(zip(names, chosen, strict=True))
            yield re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", lambda found: parts[found[1]], rule.rule)  # noqa: B023


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Meter]:
    with opened(tmp_path_factory.mktemp("house")) as house, pytest.MonkeyPatch.context() as patch:
        village = Village(house)
        village.settle()
        many = filled.fill(house.platform.settings.data, REGISTRATIONS, INQUIRIES)
        multiply(house.platform.store)
        village.look()
        tokens = house.platform.tokens
        many_things = {
            "event_id": [filled.FULL, filled.OPEN],
            "slug": [filled.FULL, filled.OPEN],
            "event": [filled.FULL, filled.OPEN],
            "reference": many.inquiries[:2],
            "r.token": [Link(one).token(tokens, MANAGE) for one in (many.last_in_line, *many.people[:2])],
            "i.token": [Link(one).token(tokens, LINK_PURPOSE) for one in many.inquiries[:2]],
        }
        village.known |= many_things
        for module, name in ((repository, "FRESH"), (seats, "FRESH"), (seats, "EMPTY")):
            patch.setattr(module, name, -1)  # nobody has read it a moment ago
        yield Meter(house, village, many, reads.counted(patch))


def multiply(store: Store) -> None:
    """Much of everything that grows, and a rush that the clock has not added up yet."""
    for collection in MULTIPLIED:
        for document in store.query(collection, limit=1):
            copies = [Create(collection, f"{document.id}{n:05}", document.data) for n in range(COPIES)]
            for start in range(0, COPIES, 400):
                store.commit(copies[start : start + 400])
    for event in (filled.FULL, filled.OPEN):
        store.commit([change(event, {"confirmed": 0}) for _ in range(400)])


def sent(meter: Meter) -> dict[str, Any]:
    """What forms of all kinds take; each reads its own."""

    def seen(reference: str) -> str:
        inquiry = meter.house.platform.store.get("inquiries", reference)
        return str(inquiry.data["updated_at"]) if inquiry else ""

    return {
        **FORM,
        "consent": "on",
        "organisation": "wto",
        "requester_type": "government",
        "topics": ["local-production"],
        "subject": "A plant",
        "message": "How do we begin?",
        "text": "Like this.",
        "note": "Seen.",
        "reason": "They asked.",
        "reference": meter.filled.inquiries[0],
        "to": "lucas.ferreira@who.example",
        "selected": [f"{id}~{seen(id)}" for id in meter.filled.inquiries[100:150]],
    }


def test_no_page_and_no_form_reads_more_than_200(meter: Meter) -> None:
    found: dict[str, int] = {}
    for address in LISTS:
        answer, found[address] = meter.ask("GET", address, meter.village.callers[1])
        assert answer.status == 200, address
    found |= meter.measure("GET", {}) | meter.measure("POST", sent(meter))
    print("\n".join(f"{cost:5} {name}" for name, cost in sorted(found.items(), key=lambda pair: -pair[1])))
    assert not {name: cost for name, cost in found.items() if cost > MOST}
    assert meter.reached >= DONE, f"give these what they need (sent): {DONE - meter.reached}"


def test_a_search_that_reads_on_is_seen(meter: Meter, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    meter.village.sign_in()
    monkeypatch.setattr(queries, "MAX_SCANNED", 5_000)
    _, cost = meter.ask("GET", "/desk/inquiries?q=word1+word2", meter.village.callers[1])
    assert cost > MOST

"""Every route of every desk, taken from the sites' own URL maps, driven as nobody and as each role of each
organisation, on things of their own, shared, handed over and of others, and compared with the table of rights."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.routing import AnyConverter, Rule
from werkzeug.test import TestResponse

from functions.registration.events.repository import Catalogue
from shared.ports import Replace
from shared.staff.gate import AUDIT, DeskGate
from shared.staff.permissions import GRANTED, RECORDED, ROLES
from shared.web.site import ANYBODY, Route
from tests.functions.browser import Browser
from tests.functions.desks import ALL, EVENT, INQUIRY, MAIL, WORD, Desks, Thing

# What the routes must ask for, said a second time: nobody weakens a route, or adds one, by editing one line.
EXPECTED = {
    "GET /desk": "desk.view",
    "GET /desk/components": "components.view",
    "GET /desk/events": "events.view",
    "GET /desk/events/<event_id>": "registrations.view",
    "GET /desk/events/<event_id>/registrations.<any(csv, xlsx):kind>": "registrations.export",
    "POST /desk/events/<event_id>/registrations/<reference>/new-link": "registrations.renew_link",
    "GET /desk/inquiries": "desk.view",
    "POST /desk/inquiries/assign": "inquiries.assign",
    "GET /desk/inquiries/closing": "inquiries.close",
    "POST /desk/inquiries/closing": "inquiries.close",
    "POST /desk/inquiries/close": "inquiries.close",
    "GET /desk/inquiries.<any(csv, xlsx):format>": "inquiries.export",
    "GET /desk/inquiries/new": "lists.watch",
    "POST /desk/inquiries/views": "views.save",
    "POST /desk/inquiries/views/change": "views.save",
    "POST /desk/inquiries/views/open-with": "views.save",
    "POST /desk/inquiries/views/remove": "views.save",
    "GET /desk/inquiries/<reference>": "inquiries.view",
    "POST /desk/inquiries/<reference>": "inquiries.view",
    "GET /desk/inquiries/<reference>/files/<id>": "inquiries.view",
    "GET /desk/inquiries/<reference>/mails/<key>": "inquiries.view",
    "POST /desk/inquiries/<reference>/answer": "inquiries.answer",
    "POST /desk/inquiries/<reference>/assign": "inquiries.assign",
    "POST /desk/inquiries/<reference>/close": "inquiries.close",
    "POST /desk/inquiries/<reference>/end-part": "inquiries.part",
    "POST /desk/inquiries/<reference>/erase": "inquiries.erase.confirm",
    "POST /desk/inquiries/<reference>/hand-over": "inquiries.hand_over",
    "POST /desk/inquiries/<reference>/new-link": "inquiries.renew_link",
    "POST /desk/inquiries/<reference>/note": "inquiries.note",
    "POST /desk/inquiries/<reference>/propose-erasure": "inquiries.erase.ask",
    "POST /desk/inquiries/<reference>/reopen": "inquiries.reopen",
    "POST /desk/inquiries/<reference>/resume-part": "inquiries.part",
    "POST /desk/inquiries/<reference>/take": "inquiries.take",
    "POST /desk/inquiries/<reference>/withdraw-erasure": "inquiries.erase.ask",
    "GET /desk/mail": "deliveries.view",
    "POST /desk/mail/replay": "dead_letters.replay",
    "POST /desk/mail/resume": "staff_mail.resume",
    "POST /desk/mail/retry": "deliveries.retry",
    "GET /desk/people": "people.view",
    "POST /desk/people": "absences.others",
    "GET /desk/quarantine": "quarantine.view",
    "GET /desk/quarantine/<id>": "quarantine.view",
    "POST /desk/quarantine/<id>/dismiss": "quarantine.settle",
    "GET /desk/quarantine/<id>/mail": "quarantine.view",
    "POST /desk/quarantine/<id>/thread": "quarantine.settle",
    "GET /desk/routing": "routing.try",
    "POST /desk/routing": "routing.try",
    "GET /desk/settings": "settings.view",
    "POST /desk/settings": "absences.own",
}
RECORDED_ACTS = ("registrations.renew_link",)  # what is done leaves the entry, not only what is shown
OPEN = ("/healthz", "/desk/sign-in", "/desk/sign-out", "/mailbox")  # and what is below them
ACTORS = [None, *((organisation, role) for organisation in sorted(ALL) for role in ROLES)]


@dataclass(frozen=True)
class Cell:
    """One request: ``nobody`` is None, ``token`` a valid CSRF token (a GET needs none)."""

    method: str
    rule: str
    path: str
    may: str
    actor: tuple[str, str] | None
    thing: Thing | None
    token: bool = True

    @property
    def expected(self) -> str:
        if self.may == ANYBODY:
            return "in" if self.token else "stale form"
        if not self.token:
            return "stale form"
        if self.actor is None:
            return "sign in"
        organisation, role = self.actor
        if self.may not in GRANTED[role]:
            return "not allowed"
        return "in" if self.thing is None or organisation in self.thing.organisations else "not found"


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> Desks:
    return Desks(tmp_path_factory.mktemp("desks"))


def routes(desks: Desks) -> Iterator[tuple[Rule, str, Route]]:
    for site in dict.fromkeys(desks.sites.values()):
        for rule in site.map.iter_rules():
            assert isinstance(rule.endpoint, Route)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, rule.endpoint


def is_open(rule: str) -> bool:
    return any(f"{rule}/".startswith(f"{prefix}/") for prefix in OPEN)


def permission(rule: str, method: str, route: Route) -> str:
    """A route that is not listed yet is driven by what it asks for itself; another test tells that it is not listed."""
    return ANYBODY if is_open(rule) else EXPECTED.get(f"{method} {rule}", route.may)


def cells(desks: Desks) -> Iterator[Cell]:
    for rule, method, route in sorted(routes(desks), key=lambda found: is_open(found[0].rule)):  # sign-out comes last
        may = permission(rule.rule, method, route)
        kind = next((kind for kind in (INQUIRY, MAIL, EVENT) if f"{rule.rule}/".startswith(f"{kind}/")), None)
        things = [thing for thing in desks.things if thing.kind == kind] if kind else [None]
        if kind and len(rule.arguments & things[0].parts.keys()) > 1:
            things = [*things, *crossed(things, kind)]
        for thing in things:
            for path in paths(rule, thing, method):
                for actor in ACTORS:
                    yield Cell(method, rule.rule, path, may, actor, thing)
                    if method == "POST":
                        yield Cell(method, rule.rule, path, may, actor, thing, token=False)


def crossed(things: list[Thing], kind: str) -> Iterator[Thing]:
    """The address of one thing with a part of another, a colleague's inquiry with a stranger's file: nobody's."""
    owner = kind.rpartition("<")[2].rstrip(">")
    for one, other in zip(things, things[1:] + things[:1], strict=True):
        parts = {**other.parts, owner: one.parts[owner]}
        yield Thing(kind, f"{one.name} with a part of {other.name}", frozenset(), parts, one.mark, one.person)


def paths(rule: Rule, thing: Thing | None, method: str) -> Iterator[str]:
    """The addresses of a rule: with the thing's parts, each of a list of words, and with and without a search."""
    parts: list[dict[str, Any]] = [{}]
    for name in sorted(rule.arguments):
        converter = rule._converters[name]
        if thing and name in thing.parts:
            values = [thing.parts[name]]
        elif isinstance(converter, AnyConverter):
            values = sorted(converter.items)
        else:
            assert is_open(rule.rule), f"{rule.rule}: say in tests/functions/desks.py what <{name}> is"
            values = ["1"]
        parts = [{**known, name: value} for known in parts for value in values]
    for known in parts:
        built = rule.build(known)
        assert built
        yield built[1]
        if thing is None and method == "GET":
            yield f"{built[1]}?q={WORD}&state=&assignee="


class Driver:
    """Sends cells, each as its actor, and says how they were answered."""

    def __init__(self, desks: Desks) -> None:
        self._desks = desks
        self._browsers = {actor: self._browser(actor) for actor in ACTORS}

    def _browser(self, actor: tuple[str, str] | None) -> tuple[Browser, str]:
        """With a token, as a page of this actor has it."""
        browser = self._desks.browser(self._desks.staff[actor] if actor else None)
        page = browser.get("/desk/settings" if actor else "/desk/sign-in")  # leaves no audit entry
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert page.status_code == 200
        assert token
        return browser, token[1]

    def send(self, cell: Cell) -> TestResponse:
        opened = self._browser(cell.actor) if cell.may == ANYBODY else self._browsers[cell.actor]  # may end a session
        browser, token = opened
        headers = {"Accept": "application/problem+json"}
        if cell.method == "GET":
            return browser.get(cell.path, headers=headers)
        email = self._desks.staff[cell.actor] if cell.actor else "nobody@example.org"
        form = {"version": "none", "text": "x", "note": "x", "to": email, "organisation": "wto", "reason": "x"}
        form |= {"because": "x", "id": self._desks.failed, "email": email, "csrf_token": token if cell.token else "x"}
        return browser.post(cell.path, form, headers=headers)


def verdict(cell: Cell, response: TestResponse) -> str:
    status = response.status_code
    if cell.may == ANYBODY and status in (200, 303, 404, 410, 422):
        return "in"
    if status == 401 or (status == 303 and "/desk/sign-in" in response.headers["Location"]):
        return "sign in"
    if status == 403:
        return response.get_json(True)["type"].rpartition("/")[2].replace("-", " ")
    if status == 404:
        return "not found"
    return "in" if status in (200, 303, 409, 422) else str(status)


def text_of(response: TestResponse) -> str:
    if response.data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(response.data)) as book:
            return "".join(book.read(name).decode() for name in book.namelist())
    return response.text


def faults(desks: Desks, cell: Cell, driver: Driver) -> Iterator[str]:
    """What is wrong with one cell: another verdict, something of others on the page, or no audit entry."""
    audited = desks.platform.store.count(AUDIT)
    response = driver.send(cell)
    audited = desks.platform.store.count(AUDIT) - audited
    found = verdict(cell, response)
    if found != cell.expected:
        yield f"{found} instead of {cell.expected}"
    if found != "in" or cell.actor is None:
        return
    text = text_of(response) if response.status_code != 303 else ""
    for thing in desks.things:
        if cell.actor[0] not in thing.organisations and (thing.mark in text or thing.person in text):
            yield f"shows {thing.name}"
    shown = cell.may in RECORDED_ACTS or (response.status_code != 303 and cell.may in RECORDED)
    if audited != shown:
        yield f"left {audited} audit entries"
    if not audited and any(thing.person in text for thing in desks.things):
        yield "shows a person and leaves no audit entry"


def drive(desks: Desks, asked: Iterable[Cell]) -> tuple[int, list[str]]:
    """How many cells, and what is wrong with which."""
    driver, count, wrong = Driver(desks), 0, []
    for cell in asked:
        count += 1
        who = " ".join(cell.actor) if cell.actor else "nobody"
        thing = f" ({cell.thing.name})" if cell.thing else ""
        token = "" if cell.token else " without a token"
        wrong += [f"{who}: {cell.method} {cell.path}{thing}{token}: {fault}" for fault in faults(desks, cell, driver)]
    return count, wrong


# -- the matrix --


def test_each_route_asks_for_the_permission_that_it_should(desks: Desks) -> None:
    asked = {f"{method} {rule.rule}": route.may for rule, method, route in routes(desks) if not is_open(rule.rule)}
    assert asked == EXPECTED, "say here too which permission a new route needs"
    assert all(route.may == ANYBODY for rule, _, route in routes(desks) if is_open(rule.rule))


def test_the_sample_has_each_role_in_each_organisation(desks: Desks) -> None:
    assert set(ACTORS[1:]) <= set(desks.staff)


def test_every_desk_route_answers_as_the_table_says(desks: Desks, capsys: pytest.CaptureFixture[str]) -> None:
    count, wrong = drive(desks, cells(desks))
    with capsys.disabled():
        print(f"\nrights: {count} cells, {len(wrong)} wrong")
    assert not wrong, "\n".join(wrong[:40])


def test_lists_show_what_is_the_organisation_s(tmp_path: Path) -> None:
    desks = Desks(tmp_path)
    pages = {INQUIRY: "/desk/inquiries", MAIL: "/desk/quarantine", EVENT: "/desk/events"}
    for organisation in sorted(ALL):
        browser = desks.browser(desks.staff[organisation, "viewer"])
        for kind, path in pages.items():
            text = browser.get(path).text
            shown = {thing.name for thing in desks.things if thing.kind == kind and thing.mark in text}
            theirs = {t.name for t in desks.things if t.kind == kind and organisation in t.organisations}
            assert shown == theirs, (organisation, path)


# -- its negative controls --


def some(desks: Desks, *rules: str) -> Iterator[Cell]:
    """Cells of these rules with a token, as staff."""
    return (cell for cell in cells(desks) if cell.rule in rules and cell.token and cell.actor)


@pytest.mark.parametrize(
    "rule", ["/desk/mail", "/desk/inquiries/<reference>/hand-over", "/desk/inquiries.<any(csv, xlsx):format>"]
)
def test_the_matrix_sees_a_route_that_lost_its_permission(
    desks: Desks, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    (route,) = (route for one, _, route in routes(desks) if one.rule == rule)
    weakened = replace(route, may="desk.view")
    for one, _, _ in routes(desks):
        if one.rule == rule:
            assert one.map
            monkeypatch.setattr(one, "endpoint", weakened)
            monkeypatch.setitem(one.map._rules_by_endpoint, weakened, [one])
    assert drive(desks, some(desks, rule))[1]


def test_the_matrix_sees_a_gate_that_stands_open(desks: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.staff.gate.require", lambda visit, permission: None)
    assert drive(desks, some(desks, "/desk/mail"))[1]


def test_the_matrix_sees_an_event_that_everybody_sees(desks: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Catalogue, "get_for", lambda self, organisation, id: self.get(id))
    assert drive(desks, some(desks, EVENT))[1]


@pytest.mark.parametrize("kind", [INQUIRY, MAIL])
def test_the_matrix_sees_an_inquiry_that_everybody_sees(desks: Desks, kind: str) -> None:
    store = desks.platform.store
    thing = next(thing for thing in desks.things if thing.kind == INQUIRY and len(thing.organisations) == 1)
    inquiry = store.get("inquiries", thing.parts["reference"])
    assert inquiry
    store.commit([Replace("inquiries", inquiry.id, {**inquiry.data, "visible_to": sorted(ALL)}, None)])
    try:
        assert drive(desks, some(desks, kind))[1]
    finally:
        store.commit([Replace("inquiries", inquiry.id, inquiry.data, None)])


def test_the_matrix_sees_a_view_without_an_audit_entry(desks: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DeskGate, "leave", lambda self, visit, permission: None)
    assert drive(desks, some(desks, INQUIRY))[1]

"""Every page that people write into, public and of the desks: a change of language keeps all of it and does nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from werkzeug.routing import AnyConverter
from werkzeug.test import TestResponse

from infra import catalogues
from shared.contracts.staff import StaffSignInRequested
from shared.staff.sessions import COOKIE
from shared.web.guards.form_guard import HONEYPOT
from shared.web.guards.typed_person import LISTED
from shared.web.returned import Returned
from shared.web.site import Site
from shared.web.visit import Visit
from tests.functions.browser import SETTINGS, Browser, form_to, forms, platform, words
from tests.functions.desks import EVENT, INQUIRY, MAIL, Desks, Thing
from tests.functions.inquiry_sites import WHO_OFFICER, new_world
from tests.functions.test_contact_steps import to_the_check
from tests.functions.test_inquiry_pages import opened
from tests.functions.test_registration_pages import PageWorld

ROOT = Path(__file__).parents[2]
WRITTEN_INTO = re.compile(
    r"""forms\.(text|textarea|email|select|radios|checkbox|checkboxes)\(|<input type="(?!hidden)|<textarea"""
)
Page = tuple[Browser, str]
SPECIMENS = ("/desk/components",)  # fields of no form, which nobody fills in


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    catalogues.compile_all()


UNSEEN = (HONEYPOT, LISTED)  # by whoever uses a browser of today


def public(folder: Path) -> Iterator[Page]:
    registrations, inquiries = PageWorld(folder / "registrations"), new_world(folder / "inquiries")
    asked = [{"id": "notes", "label": "Notes", "kind": "long_text"}]
    categories = [{"id": id, "name": id} for id in ("speaker", "participant")]
    registrations.event(questions=asked, categories=categories)
    registrations.fill_in(category="participant")
    for path in (
        "/",
        "/events?q=forum",
        "/events/forum/register",
        "/find",
        f"/r/{registrations.manage('Lina')}/correct",
    ):
        yield registrations.visitor, path
    visitor = Browser(inquiries.web)
    steps = to_the_check(visitor)
    yield from ((visitor, f"/contact/{step}") for step in ("need", "readers", "you"))
    yield visitor, steps.request.path
    yield from ((visitor, path) for path in ("/contact", "/activities?q=water", opened(visitor).request.path))


def staffed(folder: Path) -> Iterator[Page]:
    """Each page of each desk, about a thing of this person's own organisation."""
    desks = Desks(folder)
    browser = desks.browser(desks.staff["who", "administrator"])
    for site in dict.fromkeys(desks.sites.values()):
        for rule in site.map.iter_rules():
            if "GET" in (rule.methods or ()) and "sign-in" not in rule.rule and rule.rule not in SPECIMENS:
                yield from ((browser, path) for path in _paths(rule, desks.things))
    yield desks.browser(None), "/desk/sign-in"
    asked = desks.browser(None)
    asked.send(asked.get("/desk/sign-in"), email=desks.staff["who", "officer"])
    (row,) = [
        row for row in desks.platform.store.query("outbox", limit=999) if row.data["type"] == StaffSignInRequested.type
    ]
    yield desks.browser(None), row.data["data"]["link"].removeprefix(SETTINGS.base_url)


def _paths(rule: Any, things: list[Thing]) -> Iterator[str]:
    kind = next((kind for kind in (INQUIRY, MAIL, EVENT) if f"{rule.rule}/".startswith(f"{kind}/")), None)
    thing = next((one for one in things if one.kind == kind and "who" in one.organisations), None)
    known = dict(thing.parts) if thing else {}
    for name, converter in rule._converters.items():
        if isinstance(converter, AnyConverter):
            known[name] = next(iter(converter.items))
    if rule.arguments <= known.keys():
        yield rule.build(known)[1]


def faults(browser: Browser, page: TestResponse) -> Iterator[str]:
    """What a change of language would lose of the page."""
    shown = [form for form in forms(page) if form.typed]
    for form in shown:
        if form.id != "kept":
            yield f"{sorted(form.typed)} stand in no form with the id 'kept'"
    for form in [form for form in shown if form.id == "kept"]:
        given = {n: values[-1] if values else f"Typed <{n}>" for n, values in form.typed.items() if n not in UNSEEN}
        fetched = (
            'method="get"' in page.text
        )  # a search: what is typed is searched for, so that one thing hides another
        for part in [{name: value} for name, value in given.items()] if fetched else [given]:
            back = changed(browser, page, part)
            if back is None or (back.status_code, 'dir="rtl"' in back.text) != (page.status_code, True):
                yield f"{sorted(part)}: a change of language leads elsewhere"
                continue
            fields = next((found.fields for found in forms(back) if found.id == "kept"), [])
            yield from (f"{name} is lost" for name, value in part.items() if (name, value) not in fields)


def changed(browser: Browser, page: TestResponse, given: dict[str, str]) -> TestResponse | None:
    """Fill in the form and press the other language, if that is a button of it."""
    found = re.search(
        r'<button form="kept"( formaction="([^"]*)")?[^>]* name="(\w+)" value="(\w+)" lang="ar"', page.text
    )
    if found is None:
        return None
    index = next(number for number, form in enumerate(forms(page)) if form.id == "kept")
    given = given | {found[3]: found[4]}
    if found[2]:
        return browser.send(page, index, at=unescape(found[2]), **given)
    form = forms(page)[index]
    return browser.get(form.action, query_string={**dict(form.fields), **given})


@pytest.mark.parametrize("walk", [public, staffed])
def test_a_change_of_language_keeps_all_that_was_typed_on_every_page(
    walk: Callable[[Path], Iterator[Page]], tmp_path: Path
) -> None:
    lost, written_into = [], 0
    for browser, path in walk(tmp_path):
        browser.set_cookie("lang", "en")
        page = browser.get(path)
        if page.mimetype == "text/html" and page.status_code == 200:
            written_into += any(form.typed for form in forms(page))
            lost += [f"{path}: {fault}" for fault in faults(browser, page)]
    assert lost == []
    assert written_into > 5


def test_no_page_that_people_write_into_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    render = Visit.page

    def page(visit: Visit, template: str, *args: Any, **values: Any) -> Any:
        seen.add(template)
        return render(visit, template, *args, **values)

    monkeypatch.setattr(Visit, "page", page)
    for walk in (public, staffed):
        for browser, path in walk(tmp_path / walk.__name__):
            browser.get(path)
    templates = [
        path for pattern in ("functions/*/templates", "shared/*/templates") for path in ROOT.glob(f"{pattern}/*.html")
    ]
    texts = {path.name: path.read_text("utf-8") for path in templates}
    wanted = {name for name, text in texts.items() if "{% extends" in text and WRITTEN_INTO.search(text)}
    assert len(wanted) > 9
    assert wanted - seen == set()


FORGETFUL = """{% extends "base.html" %}{% set kept_form = FORM %}{% block content %}
<form id="ID" method="post" action="/form">{{ "" }}<input name="word" value="{{ typed }}">
<input type="hidden" name="csrf_token" value="{{ visit.csrf_token }}"></form>{% endblock %}"""


@pytest.mark.parametrize(
    ("id", "form", "again", "fault"),
    [
        ("kept", "'/form'", "typed", ""),
        ("kept", "'/form'", "", "word is lost"),
        ("kept", "'/form'", None, "leads elsewhere"),
        ("kept", "''", "typed", "leads elsewhere"),
        ("other", "''", "typed", "in no form with the id"),
    ],
)
def test_a_form_that_forgets_is_found(tmp_path: Path, id: str, form: str, again: str | None, fault: str) -> None:
    (tmp_path / "page.html").write_text(FORGETFUL.replace("FORM", form).replace("ID", id))
    site = Site(platform(tmp_path), tmp_path)

    def show_again(visit: Visit, back: Returned) -> Any:
        return visit.page("page.html", back.status, typed=again and visit.request.form["word"])

    site.route("/form")(lambda visit: visit.page("page.html", typed=""))
    site.route("/form", "POST", again=None if again is None else show_again)(lambda visit: visit.redirect("/form"))
    browser = Browser(site)
    found = "; ".join(faults(browser, browser.get("/form")))
    assert fault in found
    assert bool(fault) is bool(found)


# -- the pages that offer to send it again --


@pytest.mark.parametrize("why", ["stale", "signed out"])
@pytest.mark.parametrize("action", ["/hand-over", "/take"])
def test_what_is_to_be_sent_again_outlives_a_change_of_language(tmp_path: Path, why: str, action: str) -> None:
    world = new_world(tmp_path)
    reference = world.receive()
    officer = world.member("amara.diallo@who.example")
    page = officer.get(f"/desk/inquiries/{reference}")
    session = officer.cookie(COOKIE)
    if why == "stale":
        officer.set_cookie("visitor", "")
    else:
        officer.set_cookie(COOKIE, "")
    fields = dict(forms(page)[form_to(page, action)].fields) | {"organisation": "wto", "because": "Theirs\n<now>"}
    before = world.platform.store.get("inquiries", reference)
    asked = officer.post(f"/desk/inquiries/{reference}{action}", fields, headers={"Sec-Fetch-Site": "same-origin"})
    assert ("because", "Theirs\n<now>") in forms(asked)[0].fields
    back = changed(officer, asked, {})
    assert back
    assert 'dir="rtl"' in back.text
    assert ("because", "Theirs\n<now>") in forms(back)[0].fields
    assert world.platform.store.get("inquiries", reference) == before
    officer.set_cookie(COOKIE, session)
    done = officer.send(back, form_to(back, action))
    if done.status_code == 409:  # signed in since
        done = officer.send(done, form_to(done, action))
    assert done.status_code in (200, 303)
    assert world.platform.store.get("inquiries", reference) != before


def test_a_button_of_our_own_page_outlives_a_change_of_language(tmp_path: Path) -> None:
    world = PageWorld(tmp_path)
    world.event()
    world.fill_in()
    question = world.visitor.get(f"/r/{world.manage('Lina')}/cancel")
    world.visitor.set_cookie("visitor", "")
    fields = dict(forms(question)[0].fields) | {"more": "<kept>"}
    asked = world.visitor.post(question.request.path, fields, headers={"Origin": SETTINGS.base_url})
    back = changed(world.visitor, asked, {})
    assert back
    assert (back.status_code, 'dir="rtl"' in back.text) == (409, True)
    assert dict(forms(back)[0].fields).keys() == {"csrf_token", "more"}
    assert world.registrations()[0].state == "confirmed"
    assert world.visitor.send(back).status_code == 303
    assert world.registrations()[0].state == "cancelled"


def test_a_note_is_kept_while_an_answer_is_being_written(tmp_path: Path) -> None:
    """What is pressed does what it says, and loses nothing of what else was typed."""
    world = new_world(tmp_path)
    reference = world.receive()
    officer = world.member(WHO_OFFICER)
    page = officer.get(f"/desk/inquiries/{reference}")
    done = officer.send(page, form_to(page, "/note"), note="Between us.", text="Dear <madam>\n", why="Asked by phone")
    assert "Your note is kept." in words(done)
    fields = forms(done)[0].fields
    assert {("text", "Dear <madam>\n"), ("why", "Asked by phone"), ("note", "")} <= set(fields)
    assert officer.send(done, form_to(done, "/answer")).status_code == 200
    (answer,) = world.announced("inquiry.answered")
    assert answer["text"].strip() == "Dear <madam>"


def test_a_page_that_is_one_form_is_printed(tmp_path: Path) -> None:
    """What stands in other forms is left out on paper."""
    world = new_world(tmp_path)
    page = world.member(WHO_OFFICER).get(f"/desk/inquiries/{world.receive()}")
    form = page.text.partition('id="kept"')[2]
    assert form.startswith(' class="whole-page"')
    assert "We are drafting" in form
    printed = (ROOT / "shared/web/static/style.css").read_text("utf-8").partition("@media print")[2]
    assert "form:not(.whole-page)" in printed

"""Addresses with letters beyond ASCII before the @: taken where a relay can reach them, else refused at the form."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from functions.inquiries import toml_files as inquiry_content
from functions.inquiries.web import api as inquiry_api
from functions.registration import main
from functions.registration import toml_files as event_content
from functions.registration.registrations.service import Registrations
from functions.registration.web import api, register_pages
from shared.web.site import Site
from tests.functions.browser import SETTINGS, Browser, words
from tests.functions.inquiry_sites import REQUEST, World, new_world
from tests.functions.test_control_characters import PERSON, faults
from tests.functions.test_registration_pages import PageWorld

ADDRESS = "jürgen@example.org"
REFUSAL = "We cannot write to this address: before the @ our mail takes only letters without accents (a to z)."


class SmtpUtf8World(PageWorld):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        here = replace(self.site.platform, settings=replace(SETTINGS, smtputf8=True))
        self.service = Registrations(here.store, here.clock, here.tokens, SETTINGS.base_url)
        self.site = Site(here, main.TEMPLATES)
        api.register(self.site, self.service)
        register_pages.register(self.site, self.service)
        self.visitor = Browser(self.site)


@pytest.fixture
def inquiries(tmp_path: Path) -> World:
    world = new_world(tmp_path)
    inquiry_api.register(world.web, world.service)
    return world


def test_registering_without_smtputf8(tmp_path: Path) -> None:
    world = PageWorld(tmp_path)
    world.event()
    sent = world.visitor.post("/api/events/forum/registrations", json=PERSON | {"email": ADDRESS})
    assert faults(sent) == {"email": REFUSAL}
    page = world.fill_in(email=ADDRESS)
    assert page.status_code == 422
    assert REFUSAL in words(page)
    assert f'value="{ADDRESS}"' in page.text
    assert world.registrations() == []


def test_registering_with_smtputf8(tmp_path: Path) -> None:
    world = SmtpUtf8World(tmp_path)
    world.event()
    sent = world.visitor.post("/api/events/forum/registrations", json=PERSON | {"email": ADDRESS})
    assert sent.status_code == 201
    assert world.fill_in(email=f"2{ADDRESS}").status_code == 303
    assert {one.email for one in world.registrations()} == {ADDRESS, f"2{ADDRESS}"}


def test_asking_without_smtputf8(inquiries: World) -> None:
    browser = Browser(inquiries.web)
    assert faults(browser.post("/api/inquiries", json=REQUEST | {"email": ADDRESS})) == {"email": REFUSAL}
    asked = {name: value for name, value in REQUEST.items() if name not in ("topics", "consent")}
    page = browser.send(browser.get("/contact"), **asked | {"email": ADDRESS, "consent": "on"})
    assert page.status_code == 422
    assert REFUSAL in words(page)


@pytest.mark.parametrize(("kind", "key"), [("organisations", "focal_point"), ("staff", "email")])
def test_content_of_the_desk(tmp_path: Path, kind: str, key: str) -> None:
    file = tmp_path / f"{kind}.toml"
    sample = next(path for path in inquiry_content.sample_files() if path.stem == kind)
    lines = sample.read_text("utf-8").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(f"{key} ="))
    lines[first] = f'{key} = "{ADDRESS}"'
    file.write_text("\n".join(lines), "utf-8")
    shutil.copytree(sample.with_name("emblems"), tmp_path / "emblems")  # which the file names
    assert inquiry_content.read([file], smtputf8=True).items[kind]
    with pytest.raises(inquiry_content.BadContent, match=f"{key}: We cannot write to this address"):
        inquiry_content.read([file], smtputf8=False)


def test_content_of_events(tmp_path: Path) -> None:
    world = PageWorld(tmp_path)
    world.event(contact_email=ADDRESS)
    file = tmp_path / "events.toml"
    file.write_text(event_content.export(world.store), "utf-8")
    now = world.clock.now()
    assert event_content.read(file, world.store, now, smtputf8=True)[0].contact_email == ADDRESS
    with pytest.raises(event_content.BadContent, match="contact_email: We cannot write to this address"):
        event_content.read(file, world.store, now, smtputf8=False)

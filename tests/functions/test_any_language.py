"""Whatever well-formed language a stranger names: the pages show it, staff can work, mails go out."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra import catalogues
from shared.adapters.embedded.store import SqliteStore
from tests.functions.browser import press, words
from tests.functions.inquiry_sites import WHO_HEAD, World, new_world
from tests.functions.test_registration_pages import PageWorld

TAGS = ("ay", "xx", "zz-ZZ", "zh-Hans-CN", "en-GB", "x-klingon", "i-default", "root", "ar-EG")
WHO = {"ar-EG": "منظمة الصحة العالمية", "zh-Hans-CN": "世界卫生组织"}


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    catalogues.compile_all()


@pytest.fixture
def inquiries(tmp_path: Path) -> World:
    return new_world(tmp_path)


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("reader", ["en", "ar"])
def test_staff_take_note_answer_and_close(inquiries: World, tag: str, reader: str) -> None:
    path = f"/desk/inquiries/{inquiries.receive(language=tag)}"
    browser = inquiries.member(WHO_HEAD)
    assert browser.get(f"{path}?lang={reader}").status_code == 200
    for action, values in (("take", {}), ("note", {"note": "Mine."}), ("answer", {"text": "Yes.", "send": "1"})):
        page = browser.follow(press(browser, browser.get(path), f"/{action}", **values))
        assert page.status_code == 200
    [mail] = inquiries.announced("inquiry.answered")
    assert mail["organisation"] == WHO.get(tag, "World Health Organization")
    assert browser.follow(press(browser, browser.get(path), "/close")).status_code == 200


def test_what_has_no_name_stands_for_itself_at_the_desk(inquiries: World) -> None:
    browser = inquiries.member(WHO_HEAD)
    shown = {tag: words(browser.get(f"/desk/inquiries/{inquiries.receive(language=tag)}")) for tag in ("ay", "zz-ZZ")}
    assert "Language Aymara" in shown["ay"]
    assert "Language zz-ZZ" in shown["zz-ZZ"]


@pytest.mark.parametrize("tag", TAGS)
def test_a_registered_person_opens_corrects_and_saves_the_date(tmp_path: Path, tag: str) -> None:
    world = PageWorld(tmp_path)
    world.event(title={"en": "Forum", "ar": "منتدى"})
    world.register("Ann", language=tag)
    path, visitor = f"/r/{world.manage('Ann')}", world.visitor
    mails_in = "العربية" if tag == "ar-EG" else "English"
    assert f"Language of our mails to you {mails_in}" in words(visitor.get(path))
    assert ("منتدى" if tag == "ar-EG" else "Forum") in visitor.get(f"{path}/calendar.ics").text
    form = visitor.get(f"{path}/correct")
    assert visitor.send(form).status_code == 303
    assert world.registrations()[0].language == ("ar" if tag == "ar-EG" else "en")


def test_the_store_keeps_the_canonical_tag(inquiries: World) -> None:
    reference = inquiries.receive(language="zh_hans_cn")
    assert isinstance(inquiries.platform.store, SqliteStore)
    document = inquiries.platform.store.get("inquiries", reference)
    assert document
    assert document.data["language"] == "zh-Hans-CN"

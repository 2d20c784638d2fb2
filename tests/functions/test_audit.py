"""Who is shown a person's data leaves an entry, which outlives the page and says nothing about the person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra import looked
from shared import topology
from shared.ports import utc_text
from shared.staff.gate import AUDIT, VIEWS_KEPT
from tests.functions.browser import form_to, words
from tests.functions.inquiry_sites import WHO_HEAD, WHO_OFFICER, World, new_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return new_world(tmp_path)


def views(world: World) -> list[dict[str, Any]]:
    entries = world.platform.store.query(AUDIT, order="time", limit=500)
    return [entry.data for entry in entries if "path" in entry.data]


def test_opening_an_inquiry_says_who_when_and_what(world: World) -> None:
    reference = world.receive()
    world.member(WHO_OFFICER).get(f"/desk/inquiries/{reference}")
    (entry,) = views(world)
    assert entry.pop("time") < entry.pop("expire_at")
    assert entry == {
        "actor": WHO_OFFICER,
        "organisation": "who",
        "action": "inquiries.view",
        "path": f"/desk/inquiries/{reference}",
        "asked": "",
    }


def test_an_export_says_what_was_asked_for_but_not_which_words(world: World) -> None:
    browser = world.member(WHO_OFFICER)
    browser.get("/desk/inquiries.csv?state=closed&q=Wanjiru&country=KE&__x__=&=y")
    (entry,) = views(world)
    assert (entry["action"], entry["asked"]) == ("inquiries.export", "state=closed&country=KE&=y")
    browser.get("/desk/inquiries.csv?country=" + "x" * 5000)
    assert all(len(entry["asked"]) <= 500 for entry in views(world))


def test_a_preview_shows_the_inquiry_too_and_is_recorded(world: World) -> None:
    reference = world.receive()
    browser = world.member(WHO_OFFICER)
    page = browser.get(f"/desk/inquiries/{reference}")
    world.platform.clock.forward(minutes=1)  # type: ignore[attr-defined]
    browser.send(page, form_to(page, reference), text="Hello", preview="1")
    assert [entry["action"] for entry in views(world)] == ["inquiries.view", "inquiries.view"]


def test_the_history_of_an_inquiry_shows_actions_and_no_views(world: World) -> None:
    reference = world.receive()
    browser = world.member(WHO_OFFICER)
    before = words(browser.get(f"/desk/inquiries/{reference}")).partition("History")[2]
    for _ in range(3):
        page = browser.get(f"/desk/inquiries/{reference}")
    assert words(page).partition("History")[2] == before
    assert len(views(world)) == 4


def test_views_end_after_two_years_and_changes_stay(world: World) -> None:
    reference = world.receive()
    browser = world.member(WHO_HEAD)
    page = browser.get(f"/desk/inquiries/{reference}")
    browser.send(page, form_to(page, "/note"), note="Mine.")
    entries = [entry.data for entry in world.platform.store.query(AUDIT, limit=500)]
    ends = {"path" in entry: entry.get("expire_at") for entry in entries}
    assert ends == {True: utc_text(world.platform.clock.now() + VIEWS_KEPT), False: None}
    assert topology.load().store[AUDIT]["ttl"]


def test_an_operator_can_ask_who_looked(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = world.receive(subject="One"), world.receive(subject="Two")
    for email, reference in ((WHO_OFFICER, one), (WHO_HEAD, one), (WHO_HEAD, two)):
        world.platform.clock.forward(minutes=1)  # type: ignore[attr-defined]
        world.member(email).get(f"/desk/inquiries/{reference}")
    monkeypatch.setenv("DATA", str(tmp_path))
    monkeypatch.delenv("PROJECT", raising=False)
    assert looked.main(["--at", f"/desk/inquiries/{one}"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[1] for line in told] == [WHO_OFFICER, WHO_HEAD]
    assert looked.main(["--by", WHO_HEAD.upper()]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.rpartition("/")[2] for line in told] == [one, two]

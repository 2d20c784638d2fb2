"""A series of events has a home, made from content."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from functions.registration import toml_files
from functions.registration.events.series import Series
from shared.content_files import BadContent
from tests.functions.browser import platform, words
from tests.functions.test_event_programme import EVENT
from tests.functions.test_registration_pages import PageWorld

SERIES = """
[[series]]
id = "forums"
name = { en = "World Forum", ar = "المنتدى العالمي" }
summary = "Where all meet."
description = "## Why\\nBecause of **WHA74.6**."
objectives = ["Mechanisms that last"]
organiser = "WHO, Unit"
contact_email = "forum@example.org"
links = [{ title = "More", url = "https://example.org/more" }]
"""


@pytest.fixture
def world(tmp_path: Path) -> PageWorld:
    made, file = PageWorld(tmp_path), tmp_path / "series.toml"
    file.write_text(SERIES)
    assert toml_files.save_series(made.store, toml_files.read_series(file)) == 1
    assert toml_files.save_series(made.store, toml_files.read_series(file)) == 0
    return made


def edition(world: PageWorld, id: str, days: int, **more: object) -> None:
    start = world.clock.now() + timedelta(days=days)
    world.event(
        id, title=f"Forum {id}", edition_of="forums", starts_at=start, ends_at=start + timedelta(days=2), **more
    )


def test_its_page_tells_who_why_the_next_edition_and_the_past_ones(world: PageWorld) -> None:
    edition(world, "next", 30, seats=5)
    edition(world, "later", 400)
    edition(world, "first", -900, outcome="It began.", figures=[{"value": "70+", "label": "speakers"}])
    edition(world, "second", -400, documents=[{"kind": "report", "title": "Report", "url": "https://example.org/r"}])
    edition(world, "hidden", 10, listed=False)
    world.event("other", title="Another event")
    page = world.visitor.get("/series/forums")
    told = words(page)
    assert told.index("Next edition Forum next") < told.index("WHA74.6") < told.index("Later editions")
    assert (
        told.index("Forum later") < told.index("Past editions") < told.index("Forum second") < told.index("Forum first")
    )
    assert "It began. speakers 70+" in told
    assert "5 seats left" in told
    assert "hidden" not in told
    assert "Another event" not in told
    for link in (
        "/events/next/register",
        "https://example.org/r",
        "https://example.org/more",
        "mailto:forum@example.org",
    ):
        assert f'href="{link}"' in page.text
    assert "المنتدى العالمي" in world.visitor.get("/events/next?lang=ar").text
    assert 'href="/series/forums"' in world.visitor.get("/events/next").text


def test_one_without_editions_says_so_and_an_unknown_one_is_404(world: PageWorld) -> None:
    assert "No edition is planned at the moment." in words(world.visitor.get("/series/forums"))
    missing = world.visitor.get("/series/nothing")
    assert missing.status_code == 404
    assert "There is no such series of events." in words(missing)


def test_an_event_of_an_unknown_series_is_refused_unless_that_comes_along(world: PageWorld, tmp_path: Path) -> None:
    here, file = platform(tmp_path), tmp_path / "content.toml"
    file.write_text(f'{EVENT}edition_of = "forum-series"\n')
    with pytest.raises(BadContent, match="edition_of: there is no series 'forum-series'"):
        toml_files.read_all([file], here)
    file.write_text(f'{EVENT}edition_of = "forum-series"\n{SERIES.replace("forums", "forum-series")}')
    series, events = toml_files.read_all([file], here)
    assert (series[0].id, events[0].edition_of) == ("forum-series", "forum-series")


@pytest.mark.parametrize(
    ("line", "fault"), [("colour = 1", "colour: Extra inputs"), ('organiser = ""', "organiser: String should have")]
)
def test_a_faulty_series_is_refused_by_key_and_mend(tmp_path: Path, line: str, fault: str) -> None:
    file = tmp_path / "series.toml"
    file.write_text(SERIES.replace('organiser = "WHO, Unit"', line))
    with pytest.raises(BadContent, match=fault):
        toml_files.read_series(file)


def test_series_come_back_from_a_file(world: PageWorld, tmp_path: Path) -> None:
    file = tmp_path / "events.toml"
    file.write_text(toml_files.export(world.store))
    assert toml_files.read_series(file) == [Series.model_validate(world.store.query("series")[0].data)]

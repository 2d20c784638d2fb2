"""The desk's page Today: what waits in all slices, each of which says so itself."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from functions.notification import handlers as notification
from functions.registration.registrations import coming
from shared.staff import waiting
from tests.functions.browser import words
from tests.functions.desks import Desks


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> Desks:
    return Desks(tmp_path_factory.mktemp("desks"))


def restate(desks: Desks) -> None:
    """What the clock does in the other slices."""
    store = desks.platform.store
    coming.restate(store, desks.platform.clock)
    waiting.restate(store, "notification", notification.waiting_of(store, desks.deliveries))


def near(desks: Desks, id: str, hours: float, *organisations: str) -> None:
    starts = desks.platform.clock.now() + timedelta(hours=hours)
    desks.registrations.event(
        id, organisations=list(organisations), title=id, starts_at=starts, ends_at=starts + timedelta(hours=2)
    )


def test_each_is_told_what_is_theirs_and_may_be_opened(desks: Desks) -> None:
    near(desks, "our-webinar", 30, "who")
    near(desks, "their-webinar", 31, "wipo")
    near(desks, "a-later-webinar", 24 * 20, "who")
    near(desks, "a-past-webinar", -3, "who")
    near(desks, "running-webinar", -1, "who", "wto")
    restate(desks)
    officer = words(desks.browser(desks.staff["who", "officer"]).get("/desk"))
    assert "in 1 day" in officer
    assert officer.index("running-webinar") < officer.index("our-webinar"), "the next first"
    assert "has begun" in officer
    for id in ("their-webinar", "a-later-webinar", "a-past-webinar"):
        assert id not in officer
    assert "mails that failed" not in officer
    administrator = desks.browser(desks.staff["who", "administrator"]).get("/desk")
    assert "1 mails that failed" in words(administrator)
    assert 'href="/desk/mail?state=failed"' in administrator.text
    assert "their-webinar" in words(desks.browser(desks.staff["wipo", "viewer"]).get("/desk"))


def test_what_is_over_goes_with_the_next_minute_and_nothing_is_written_where_nothing_changed(desks: Desks) -> None:
    near(desks, "one-more-webinar", 40, "who")
    restate(desks)
    store = desks.platform.store
    before = store.get(waiting.WAITING, "registration")
    restate(desks)
    again = store.get(waiting.WAITING, "registration")
    assert before
    assert again
    assert again.version == before.version
    near(desks, "one-more-webinar", 24 * 30, "who")
    restate(desks)
    assert "one-more-webinar" not in desks.browser(desks.staff["who", "viewer"]).get("/desk").text


def test_held_mails_are_counted_for_those_who_may_see_them(desks: Desks) -> None:
    for organisation in ("who", "wipo"):
        browser = desks.browser(desks.staff[organisation, "viewer"])
        listed = set(re.findall(r'href="/desk/quarantine/([^"/]+)"', browser.get("/desk/quarantine").text))
        assert f"{len(listed)} mails held" in words(browser.get("/desk"))
        assert len(listed) > 2


def test_late_comes_first_and_is_said_in_words(desks: Desks) -> None:
    page = desks.browser(desks.staff["who", "focal_point"]).get("/desk")
    dues = re.findall(r'<td data-label="Answer by"><span class="[^"]*">([^<]*)</span>', page.text)
    assert dues
    assert all(re.search(r"^in \d|late$", due) for due in dues), dues


def test_a_first_week_is_a_chart_that_people_can_read(desks: Desks) -> None:
    page = desks.browser(desks.staff["who", "viewer"]).get("/desk")
    chart = page.text.partition("Received by week")[2].partition("</figure>")[0]
    assert chart.count("<rect") == 1, "the weeks before there was anything say nothing"
    assert "Latest week:" in chart
    assert re.search(r'<th scope="row">\d+ Nov</th><td class="number">\d+</td>', chart)
    width = re.search(r'<rect [^>]*width="([\d.]+)"', chart)
    assert width
    assert float(width[1]) < 100

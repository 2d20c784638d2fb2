"""Times as pages and mails write them, and that nothing else writes any."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.ports import utc_text
from shared.web import times
from shared.web.times import Times

ROOT = Path(__file__).parents[2]
WEBINAR = datetime(2025, 7, 3, 11, tzinfo=UTC)
LAST_OF_OCTOBER = datetime(2026, 10, 24, 8, tzinfo=UTC)  # the night after, Zurich's clocks go back


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Europe/Zurich", "Thursday, 3 July 2025, 13:00 (UTC+02:00, Zurich)"),
        ("Asia/Kathmandu", "Thursday, 3 July 2025, 16:45 (UTC+05:45, Kathmandu)"),
        ("America/St_Johns", "Thursday, 3 July 2025, 08:30 (UTC-02:30, St John’s)"),
        ("Pacific/Auckland", "Thursday, 3 July 2025, 23:00 (UTC+12:00, Auckland)"),
        ("UTC", "Thursday, 3 July 2025, 11:00 (UTC)"),
        ("Etc/UTC", "Thursday, 3 July 2025, 11:00 (UTC)"),
    ],
)
def test_a_moment_names_its_zone(zone: str, told: str) -> None:
    assert times.moment(WEBINAR, zone, "en") == told
    assert _text(Times(zone, "en", lambda: WEBINAR).moment(WEBINAR)) == told


def test_arabic_keeps_the_order_of_the_digits() -> None:
    told = times.moment(WEBINAR, "Europe/Zurich", "ar")
    assert told.endswith("\u206613:00\u2069 (\u2066UTC+02:00\u2069، زيورخ)")
    assert "يوليو" in told


def test_a_span_is_a_day_and_its_hours_or_two_moments() -> None:
    ends = WEBINAR + timedelta(hours=2)
    assert times.span(WEBINAR, ends, "Europe/Zurich", "en") == [
        "Thursday, 3 July 2025",
        "13:00–15:00 (UTC+02:00, Zurich)",
    ]
    assert times.span(WEBINAR, ends, "Pacific/Auckland", "en") == [
        "Thursday, 3 July 2025, 23:00 –",
        "Friday, 4 July 2025, 01:00 (UTC+12:00, Auckland)",
    ]
    page = Times("Europe/Zurich", "en", lambda: WEBINAR)
    assert _text(page.span(WEBINAR, ends)) == "Thursday, 3 July 2025, 13:00 to 15:00 (UTC+02:00, Zurich)"


def test_both_offsets_are_named_where_the_clocks_change_in_between() -> None:
    lines = times.span(LAST_OF_OCTOBER, LAST_OF_OCTOBER + timedelta(days=2), "Europe/Zurich", "en")
    assert lines == [
        "Saturday, 24 October 2026, 10:00 (UTC+02:00, Zurich) –",
        "Monday, 26 October 2026, 09:00 (UTC+01:00, Zurich)",
    ]
    page = Times("Europe/Zurich", "en", lambda: WEBINAR)
    shown = _text(page.span(LAST_OF_OCTOBER, LAST_OF_OCTOBER + timedelta(days=2)))
    assert shown == " ".join(lines).replace("–", "to")
    page.stamp(LAST_OF_OCTOBER + timedelta(days=2))
    page.stamp(LAST_OF_OCTOBER)
    assert _text(page.note()) == "UTC+02:00/UTC+01:00, Zurich"


def test_a_list_has_its_zone_in_the_note_alone() -> None:
    page = Times("Europe/Zurich", "en", lambda: WEBINAR)
    assert page.note() is None
    assert page.stamp(None) == "–"
    assert page.note() is None
    assert _text(page.stamp(WEBINAR)) == _text(page.stamp(utc_text(WEBINAR))) == "2025-07-03 13:00"
    assert 'datetime="2025-07-03T11:00:00.000000Z"' in page.stamp(WEBINAR)
    assert _text(page.note()) == "UTC+02:00, Zurich"


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        (-14, "yesterday, 23:00"),
        (0, "today, 13:00"),
        (10.5, "today, 23:30"),
        (11, "tomorrow, 00:00"),
        (-48, "Tuesday, 13:00"),
        (6 * 24, "Wednesday, 13:00"),
        (7 * 24, "10 July 2025, 13:00"),
        (-7 * 24, "26 June 2025, 13:00"),
    ],
)
def test_a_time_is_told_as_people_say_it_by_the_days_of_the_zone(hours: float, told: str) -> None:
    page = Times("Europe/Zurich", "en", lambda: WEBINAR)
    at = WEBINAR + timedelta(hours=hours)
    assert _text(page.said(at)) == told
    assert f'datetime="{utc_text(at)}"' in page.said(at)
    assert _text(page.note()) == "UTC+02:00, Zurich"
    assert page.said(None) == "–"


def test_what_is_due_says_how_long_there_is_still_time() -> None:
    told = {
        timedelta(hours=3): ("in 3 hours", "خلال 3 ساعات"),
        timedelta(seconds=1): ("in 1 minute", "خلال دقيقة واحدة"),
        timedelta(0): ("1 minute late", "مدة التأخير: دقيقة"),
        -timedelta(days=2): ("2 days late", "مدة التأخير: يومان"),
    }
    for left, texts in told.items():
        shown = tuple(Times("UTC", language, lambda: WEBINAR).left(WEBINAR + left) for language in ("en", "ar"))
        assert shown == texts


IN_CODE = re.compile(r"%H:%M|HH:mm|strftime\(|format_(?:date)?time\(")
IN_TEMPLATES = re.compile(r"<time|strftime|isoformat|clock_time|\[:1[69]\]")
ELSEWHERE = {
    "shared/web/times.py",
    "functions/notification/mails/render.py",  # a mail's Date (RFC 5322)
    "functions/registration/toml_files.py",  # what stands in a file that an organiser imports
    "functions/inquiries/content/checks.py",  # the same
    "shared/calendar.py",  # dates of a calendar file (RFC 5545)
}


def test_nothing_else_writes_a_time_of_day() -> None:
    folders = (ROOT / "functions", ROOT / "shared")
    templates = [path for folder in folders for path in folder.rglob("templates/**/*") if path.is_file()]
    sources = [path for folder in folders for path in folder.rglob("*.py")]
    assert len(templates) > 40
    writing = [path for path in templates if IN_TEMPLATES.search(path.read_text())]
    writing += [path for path in sources if IN_CODE.search(path.read_text())]
    assert {str(path.relative_to(ROOT)) for path in writing} == ELSEWHERE


def _text(html: object) -> str:
    return re.sub(r"<[^>]+>", "", str(html))

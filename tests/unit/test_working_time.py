"""Working hours across nights, weekends, holidays and changes of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.inquiries.content.working_time import MAX_TARGET, WorkingTime
from shared.staff.models import Organisation

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday")


def office(**changes: Any) -> WorkingTime:
    values: dict[str, Any] = {
        "id": "who",
        "name": {"en": "WHO"},
        "short_name": "WHO",
        "timezone": "Europe/Zurich",
        "working_hours": {day: [{"from": "09:00", "to": "12:00"}, {"from": "13:00", "to": "18:00"}] for day in WEEK},
        "public_holidays": [{"country": "CH", "subdivision": "GE"}],
        "focal_point": "a@who.example",
        "queues": [{"id": "general", "name": {"en": "General"}}],
    }
    return WorkingTime(Organisation.model_validate(values | changes))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-03-02T09:00+01:00", 2, "2026-03-02T11:00+01:00"),
        ("2026-03-02T11:00+01:00", 2, "2026-03-02T14:00+01:00"),  # over lunch
        ("2026-03-02T03:00+01:00", 8, "2026-03-02T18:00+01:00"),  # before opening; the day's last minute counts
        ("2026-03-06T17:00+01:00", 2, "2026-03-09T10:00+01:00"),  # over the weekend
        ("2026-03-07T12:00+01:00", 1, "2026-03-09T10:00+01:00"),  # on a Saturday
        ("2026-04-02T17:00+02:00", 2, "2026-04-07T10:00+02:00"),  # Good Friday to Easter Monday
        ("2026-09-09T17:00+02:00", 2, "2026-09-11T10:00+02:00"),  # Jeûne genevois, a holiday in Geneva alone
        ("2026-03-27T17:00+01:00", 9, "2026-03-30T18:00+02:00"),  # clocks go forward on Sunday: the hours stay
        ("2026-10-23T17:00+02:00", 9, "2026-10-26T18:00+01:00"),  # and back
        ("2026-12-30T17:30+01:00", 1, "2027-01-04T09:30+01:00"),  # over both holidays, into another year
    ],
)
def test_hours_of_work(start: str, hours: float, end: str) -> None:
    assert office().add(at(start), hours) == at(end)


def test_closing_days_of_the_organisation_itself() -> None:
    assert office(closed_on=["2026-03-03"]).add(at("2026-03-02T17:00+01:00"), 2) == at("2026-03-04T10:00+01:00")


def test_an_office_that_works_while_the_clocks_change_works_elapsed_hours() -> None:
    nights = office(working_hours={"sunday": [{"from": "00:00", "to": "06:00"}]}, public_holidays=[])
    assert nights.add(at("2026-03-29T00:00+01:00"), 5) == at("2026-03-29T06:00+02:00")  # six o'clock comes after five
    assert nights.add(at("2026-10-25T00:00+02:00"), 7) == at("2026-10-25T06:00+01:00")


def test_an_office_that_never_opens_is_told() -> None:
    with pytest.raises(ValueError, match="check the working hours"):
        office(working_hours={"monday": [{"from": "09:00", "to": "09:01"}]}).add(at("2026-03-02T09:00+01:00"), 100)


def test_hours_that_overlap_count_once() -> None:
    twice = [{"from": "09:00", "to": "12:00"}, {"from": "10:00", "to": "13:00"}, {"from": "10:30", "to": "11:00"}]
    overlapping = office(working_hours={"monday": twice})
    assert overlapping.weekly == 4
    assert overlapping.add(at("2026-03-02T09:00+01:00"), 4) == at("2026-03-02T13:00+01:00")
    assert overlapping.add(at("2026-03-02T12:30+01:00"), 1) == at("2026-03-09T09:30+01:00")


def test_a_target_out_of_reach_is_due_at_the_end_of_what_is_looked_at() -> None:
    start = at("2026-03-02T09:00+01:00")
    rare = office(working_hours={"monday": [{"from": "09:00", "to": "12:00"}]})
    assert rare.due(start, 2000) == start + MAX_TARGET
    assert rare.due(start, 3) == rare.add(start, 3)


instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


@given(instants, st.floats(0.1, 60), st.floats(0.1, 60))
def test_hours_add_up(start: datetime, first: float, second: float) -> None:
    calendar = office()
    by_steps = calendar.add(calendar.add(start, first), second)
    assert abs(by_steps - calendar.add(start, first + second)) < timedelta(seconds=1)


@given(instants, st.floats(0.1, 60))
def test_a_target_is_met_within_working_hours_and_never_before_its_time(start: datetime, hours: float) -> None:
    end = office().add(start, hours)
    local = end.astimezone(ZoneInfo("Europe/Zurich"))
    assert end - start >= timedelta(hours=hours) - timedelta(seconds=1)
    assert local.weekday() < 5
    assert 9 <= local.hour <= 18

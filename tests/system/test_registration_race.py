"""64 clients, twice as many people as seats, several processes, over HTTP: exact, in order, nobody lost.

On the emulators fewer come, for everything takes longer there.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.system.harness import Onestop
from tests.system.people import Answer, crowd

pytestmark = pytest.mark.system
SEATS = {"embedded": 400, "emulators": 60}
EVENT = """
[[events]]
id = "race"
title = "A hall"
summary = "For half of those who come."
organiser = "WHO"
organisations = ["who"]
contact_email = "forum@onestop.example"
mode = "in_person"
location = "Geneva"
timezone = "Europe/Zurich"
starts_at = "+40d 09:00"
ends_at = "+40d 17:00"
seats = {seats}
verify_email = false
categories = [{{ id = "participant", name = "Participant" }}]
"""


def test_exactly_as_many_get_a_seat_as_there_are(onestop: Onestop, engine: dict[str, str], tmp_path: Path) -> None:
    seats = SEATS[engine["ENGINE"]]
    (tmp_path / "race.toml").write_text(EVENT.format(seats=seats))
    onestop.run_tool("functions.registration.toml_files", "import", str(tmp_path / "race.toml"))

    answers = crowd(onestop.url, "race", [f"p{n}@race.example" for n in range(2 * seats)], clients=64)

    assert {answer.status for answer in answers} == {201}
    stored = onestop.store().query("registrations", ("event", "==", "race"), limit=1000)
    states = {document.data["email"]: document.data["state"] for document in stored}
    assert len(states) == len(stored) == 2 * seats
    assert Counter(states.values()) == {"confirmed": seats, "waitlisted": seats}
    _assert_first_come_first_served(onestop, answers, states)


def _assert_first_come_first_served(onestop: Onestop, answers: list[Answer], states: dict[str, str]) -> None:
    """Whoever was answered before somebody else asked stands before them; and nobody who was put into the line was
    passed by somebody who asked later and got a seat."""
    store = onestop.store()
    where = [("event", "==", "race"), ("state", "==", "waitlisted"), ("category", "==", "participant")]
    line = store.query("registrations", *where, order="waitlisted_at", limit=1000)
    place = {document.data["email"]: number for number, document in enumerate(line)}
    by_end = sorted((a for a in answers if a.email in place), key=lambda a: a.answered_at)
    by_start = sorted(by_end, key=lambda a: a.asked_at)
    last, ended = -1, iter(by_end)
    earlier = next(ended)
    for later in by_start:
        while earlier.answered_at < later.asked_at:
            last = max(last, place[earlier.email])
            earlier = next(ended)
        assert place[later.email] > last
    first_in_line = min(answer.answered_at for answer in by_end)
    seated = (a for a in answers if states[a.email] == "confirmed")
    assert all(answer.asked_at < first_in_line for answer in seated)

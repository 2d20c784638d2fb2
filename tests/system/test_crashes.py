"""``kill -9`` at any moment: every 201 is stored and mailed, and nobody gets a second mail of another Message-ID.

On the emulators a third of the people come and the kills are rarer, for everything takes longer there.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.system.harness import Onestop, wait_for
from tests.system.people import Answer, crowd

pytestmark = pytest.mark.system
PEOPLE = {"embedded": 300, "emulators": 100}
PAUSES = {"embedded": (0.1, 0.6), "emulators": (0.8, 2.0)}  # seconds between two kills


@pytest.fixture
def onestop(engine: dict[str, str], new_onestop: Callable[..., Onestop]) -> Onestop:
    own = new_onestop(**engine)
    own.start()
    return own


def test_a_201_is_a_promise(onestop: Onestop, engine: dict[str, str]) -> None:
    number = PEOPLE[engine["ENGINE"]]
    answers: list[Answer] = []
    emails = [f"p{n}@crash.example" for n in range(number)]
    people = threading.Thread(target=lambda: answers.extend(crowd(onestop.url, "open-briefing", emails, clients=8)))
    people.start()
    killed = _kill_everything_at_times(onestop, people, PAUSES[engine["ENGINE"]])
    people.join()

    assert set(killed) >= set(onestop.children()), "every process was killed at least once"
    assert {answer.status for answer in answers} == {201}
    assert len(answers) == number
    found = [document.data["email"] for document in onestop.store().query("registrations", limit=2 * number)]
    assert sorted(found) == sorted(emails)

    _let_time_pass_until(onestop, lambda: {mail["Delivered-To"] for mail in onestop.mails()} >= set(emails))
    onestop.set_clock(timedelta(hours=3))  # what would come twice has time to come
    time.sleep(3)
    ids = Counter({(mail["Delivered-To"], mail["Message-ID"]) for mail in onestop.mails()})
    people_mailed = Counter(person for person, _ in ids)
    assert max(people_mailed.values()) == 1, "a crash may repeat a mail, but only under its own Message-ID"


def _kill_everything_at_times(
    onestop: Onestop, while_running: threading.Thread, pause: tuple[float, float]
) -> list[str]:
    """Kill each child in random order, until all have been and the crowd is served."""
    killed: list[str] = []
    names = list(onestop.children())
    while while_running.is_alive() or set(killed) < set(names):
        pending = [name for name in names if name not in killed] or names
        name = random.choice(pending)
        time.sleep(random.uniform(*pause))
        onestop.kill(name)
        killed.append(name)
    return killed


def _let_time_pass_until(onestop: Onestop, predicate: Callable[[], bool]) -> None:
    """Leases that a killed process held run out, and postponed work falls due."""
    ahead = 0

    def step() -> bool:
        nonlocal ahead
        ahead += 1
        onestop.set_clock(timedelta(minutes=2 * ahead))
        time.sleep(1.0)
        return predicate()

    wait_for(step, "what time brings", 240)


def test_the_whole_machine_may_go_down(new_onestop: Callable[..., Onestop]) -> None:
    """The runner itself is killed with everybody under it, and started again on the same data.

    Not on the emulators: they keep everything in memory, which is gone with the machine.
    """
    onestop = new_onestop()
    onestop.start()
    emails = [f"q{n}@crash.example" for n in range(40)]
    answers = crowd(onestop.url, "open-briefing", emails, clients=8)
    onestop.stop(signal.SIGKILL)
    onestop.start()
    assert len(answers) == len(emails)
    _let_time_pass_until(onestop, lambda: {mail["Delivered-To"] for mail in onestop.mails()} >= set(emails))
    assert len({mail["Message-ID"] for mail in onestop.mails()}) == len(emails)

"""``kill -9`` of every process: every 201 is stored and mailed, and nobody gets a second mail of another Message-ID.

On the emulators the kills are rarer, for everything takes longer there.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.system.harness import Onestop, wait_for
from tests.system.people import Answer, crowd, register_until_answered

pytestmark = pytest.mark.system
CLIENTS = 4
PAUSES = {"embedded": (0.1, 0.6), "emulators": (0.5, 1.5)}  # seconds between two kills


@pytest.fixture
def onestop(engine: dict[str, str], new_onestop: Callable[..., Onestop]) -> Onestop:
    own = new_onestop(**engine)
    own.start()
    return own


def test_a_201_is_a_promise(onestop: Onestop, engine: dict[str, str]) -> None:
    killed_all = threading.Event()
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(_people, onestop.url, number, killed_all) for number in range(CLIENTS)]
        try:
            for name in random.sample(list(onestop.children()), len(onestop.children())):
                time.sleep(random.uniform(*PAUSES[engine["ENGINE"]]))
                onestop.kill(name)
        finally:
            killed_all.set()
    answers = [answer for client in clients for answer in client.result()]

    assert {answer.status for answer in answers} == {201}
    emails = {answer.email for answer in answers}
    found = [document.data["email"] for document in onestop.store().query("registrations", limit=2 * len(answers))]
    assert sorted(found) == sorted(emails)

    _let_time_pass_until(onestop, lambda: {mail["Delivered-To"] for mail in onestop.mails()} >= emails)
    onestop.set_clock(timedelta(hours=3))
    last = register_until_answered(onestop.url, "open-briefing", "last@crash.example")
    onestop.wait_for_mail(last.email)  # what would come twice came before
    ids = {(mail["Delivered-To"], mail["Message-ID"]) for mail in onestop.mails()}
    people_mailed = Counter(person for person, _ in ids)
    assert max(people_mailed.values()) == 1, "a crash may repeat a mail, but only under its own Message-ID"


def _people(url: str, number: int, enough: threading.Event) -> list[Answer]:
    """One registers after another, each until answered, as long as processes are killed."""
    answers: list[Answer] = []
    while not enough.wait(0.1):
        email = f"p{number}.{len(answers)}@crash.example"
        answers.append(register_until_answered(url, "open-briefing", email))
    return answers


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

"""Thousands of requests that nobody wrote, at every route: each gets our answer, and what they leave can be read.

FUZZ_N is how many there are in all (10200 take some two minutes), FUZZ_SEED the first of the seeds. What a seed makes
is the same every time, up to the random ids of the things that it meets.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Response

from functions.registration import main
from shared.web.visit import Visit
from tests.fuzz.grammar import Call, Grammar
from tests.fuzz.readers import read_everything
from tests.fuzz.village import Village
from tests.house import Answer, opened

SEED, REQUESTS = int(os.environ.get("FUZZ_SEED", "1")), int(os.environ.get("FUZZ_N", "5100"))
SHARES = 2  # of the requests, each with a seed and a house of its own
HANG = 20.0  # seconds for one answer
ROUND = 500  # requests; afterwards staff sign in again, and what came about is met


@dataclass
class Findings:
    statuses: Counter[int] = field(default_factory=Counter)
    distinct: set[object] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)


def fuzz(village: Village, grammar: Grammar, requests: int, most: int = 5) -> Findings:
    """Send them, until ``most`` faults are found."""
    found = Findings()
    for number in range(requests):
        if number % ROUND == ROUND - 1:
            village.renew(grammar)
        call = grammar.call()
        begun = time.monotonic()
        answer = village.house.send(call.method, call.address, call.headers, call.body, call.at, call.chunked)
        found.statuses[answer.status] += 1
        found.distinct.add(call.key)
        for fault in faults(village, call, answer, time.monotonic() - begun):
            found.faults.append(f"request {number}: {fault}\n{call}")
        if len(found.faults) >= most:
            break
    return found


def faults(village: Village, call: Call, answer: Answer, seconds: float) -> Iterator[str]:
    """What is wrong with an answer."""
    if not 200 <= answer.status < 500:
        yield f"answered {answer.status}: {answer.body[:200]!r}"
    for complaint in village.house.complaints:
        yield f"logged {complaint}"
    village.house.complaints.clear()
    if seconds > HANG:
        yield f"took {seconds:.0f} s"
    if b"Traceback (most recent" in answer.body:
        yield "shows a traceback"
    if any("\n" in value or "\r" in value for value in answer.headers.values()):
        yield f"a line break in a header: {answer.headers}"
    kind = answer.headers.get("Content-Type", "")
    if answer.body:
        needed = {"text/html": ("Content-Security-Policy", "X-Content-Type-Options")}
        needed |= dict.fromkeys(("application/json", "application/problem+json"), ("X-Content-Type-Options",))
        for name in needed.get(kind.partition(";")[0], ()):
            if name not in answer.headers:
                yield f"{kind} without {name}"
    if kind.startswith("text/") or "json" in kind:
        try:
            answer.body.decode()
        except UnicodeDecodeError:
            if "mailbox" not in call.address:
                yield "no UTF-8"


@pytest.mark.parametrize("share", range(SHARES))
def test_whatever_is_sent_gets_an_answer_and_what_it_leaves_can_be_read(
    tmp_path: Path, share: int, record_property: Callable[[str, object], None]
) -> None:
    seed = SEED + share
    with opened(tmp_path) as house:
        village = Village(house)
        village.settle()
        found = fuzz(village, village.grammar(seed), REQUESTS // SHARES)
        told = ", ".join(f"{status}: {count}" for status, count in sorted(found.statuses.items()))
        record_property("fuzz", f"FUZZ_SEED={seed}: {len(found.distinct)} distinct requests ({told})")
        assert not found.faults, "\n\n".join(found.faults)
        unread, pages = read_everything(village)
        record_property("fuzz", f"FUZZ_SEED={seed}: {pages} pages, exports and mails read afterwards")
        assert not unread, "\n\n".join(unread)
        assert len(found.distinct) > 0.95 * (REQUESTS // SHARES)


def test_a_fault_that_one_value_causes_is_found(tmp_path: Path) -> None:
    """The negative control: a page that falls over a NUL in one of its fields, as ours do not."""
    with opened(tmp_path) as house:
        village = Village(house)
        village.settle()

        @main._web().route("/planted/<slug>")
        def planted(visit: Visit, slug: str) -> Response:
            if any("\0" in value for value in visit.request.args.values()):
                raise RuntimeError("planted")
            return Response("fine", headers={"Content-Security-Policy": "", "X-Content-Type-Options": "nosniff"})

        grammar = village.grammar(SEED)
        grammar.keep("/planted")
        found = fuzz(village, grammar, 2000, most=1)
    assert any("planted" in fault for fault in found.faults)

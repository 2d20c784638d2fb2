"""Inquiries while every event arrives several times, in any order, and the functions that take them are killed:
each is routed once, each mail is sent once, none is lost."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from functions.inquiries import handlers as inquiries_events
from functions.inquiries import toml_files
from functions.inquiries.means import Means
from functions.inquiries.services import Service
from functions.notification import handlers as notification_events
from functions.notification.deliveries.service import DELIVERIES, Deliveries
from infra.local.pusher import tick
from shared import settings, topology, wiring
from shared.intake import PROCESSED
from shared.ports import Create, Document, Replace, Store, Write
from tests.functions.inquiry_world import request, samples
from tests.system.chaos import LANES, WildPusher, frozen_pusher, pusher_of
from tests.system.harness import Onestop, mails_in, wait_for
from tests.system.people import inquire

INQUIRIES = 100  # the negative control below shows that twenty are enough to see a double
KILLS = 4  # of each function
SHAPE = topology.load().local_servers["events"]
AT_ONCE = SHAPE.workers * SHAPE.threads  # so many mails may be on their way when it dies
EVENTS = ("inquiries", "notification")
SHAPES: list[dict[str, Any]] = [
    {"topics": ["local-production"], "share_with": "who"},
    {"topics": ["trips-flexibilities"], "share_with": "wto"},
    {"topics": ["ip-policy-legislation"], "share_with": "wipo"},
    {"topics": ["trips-notifications"], "country": "BR", "share_with": "all"},  # two organisations
]


@dataclass(frozen=True)
class Tally:
    """What became of inquiries, counted from what is stored and what was mailed."""

    inquiries: set[str]  # references
    routings: Counter[str]  # by reference: how often somebody routed it
    owed: set[tuple[str, str]]  # reference and organisation
    told: dict[tuple[str, str], set[tuple[str, str]]]  # the mails to its staff, as (address, Message-ID)
    acknowledged: dict[str, set[tuple[str, str]]]  # by reference, the mails to the requester
    copies: int  # mails beyond the first of their Message-ID


def tally(store: Store, folder: Path) -> Tally:
    routed = [entry.data["inquiry"] for entry in everything(store, "audit") if entry.data["action"] == "route"]
    parts = {(part.data["inquiry"], part.data["organisation"]) for part in everything(store, "assignments")}
    told: dict[tuple[str, str], set[tuple[str, str]]] = {}
    acknowledged: dict[str, set[tuple[str, str]]] = {}
    seen: set[tuple[str, str]] = set()
    mails = mails_in(folder)
    for mail in mails:
        address, mark = str(mail["Delivered-To"]), (str(mail["Delivered-To"]), str(mail["Message-ID"]))
        reference = str(mail["Subject"]).partition("[")[2][:9]
        seen.add(mark)
        if reference:
            told.setdefault((reference, address.partition("@")[2].removesuffix(".example")), set()).add(mark)
        else:
            acknowledged.setdefault(str(mail["Subject"])[-9:], set()).add(mark)
    found = {document.id for document in everything(store, "inquiries")}
    return Tally(found, Counter(routed), parts, told, acknowledged, len(mails) - len(seen))


def everything(store: Store, collection: str) -> Iterable[Document]:
    after = None
    while page := store.query(collection, after=after, limit=500):
        yield from page
        after = page[-1].cursor()


def assert_each_once(seen: Tally, accepted: set[str]) -> None:
    assert seen.inquiries == accepted
    assert seen.routings == Counter(accepted), "each is routed, and once"
    assert set(seen.told) == seen.owed, "each organisation hears of its part, and no other does"
    assert {reference for reference, _ in seen.owed} == accepted
    assert {len(marks) for marks in seen.told.values()} == {1}, "one person, one Message-ID"
    assert set(seen.acknowledged) == accepted
    assert {len(marks) for marks in seen.acknowledged.values()} == {1}


@pytest.mark.system
def test_inquiries_with_every_event_doubled_out_of_order_and_killed(new_onestop: Callable[..., Onestop]) -> None:
    onestop = new_onestop()
    onestop.start()
    kills: Counter[str] = Counter()
    moments = {name: set(random.sample(range(50, 4 * INQUIRIES), KILLS)) for name in EVENTS}

    def kill_now_and_then(function: str, taken: int) -> None:
        if taken in moments[function]:
            kills[function] += 1
            onestop.kill(f"{function}-events")

    with frozen_pusher(onestop), ThreadPoolExecutor(4) as people:
        answers = [
            people.submit(inquire, onestop.url, f"p{n}@chaos.example", **SHAPES[n % 4]) for n in range(INQUIRIES)
        ]
        wild = WildPusher(onestop.store(), pusher_of(onestop), kill_now_and_then)
        wild.run(until=lambda: all(answer.done() for answer in answers))
        _send_what_the_dead_had_leased(onestop, wild)
    accepted = {answer.result().body["reference"] for answer in answers}

    assert kills == dict.fromkeys(EVENTS, KILLS)
    assert len(accepted) == INQUIRIES
    assert {wild.taken[f"{function}-inquiries", id] for id in wild.events for function in EVENTS} == {LANES}
    assert wild.overtaken > len(wild.events) / 2, "else the order was hardly disturbed"
    seen = tally(onestop.store(), onestop.data)
    assert_each_once(seen, accepted)
    assert seen.copies <= KILLS * AT_ONCE, "a copy only of what was on its way when the process died"


def _send_what_the_dead_had_leased(onestop: Onestop, wild: WildPusher) -> None:
    """A process that is killed leaves leases, which run out; the tick after that sends."""
    store, minutes = onestop.store(), 0

    def step() -> bool:
        nonlocal minutes
        minutes += 3
        onestop.set_clock(timedelta(minutes=minutes))
        now = onestop.now()
        wild.send(tick(now, f"chaos:{minutes}"), "notification")
        return not store.query(DELIVERIES, ("state", "==", "queued"), order="due_at", limit=1)

    wait_for(step, "the mails that were left", 120)


# -- whether the count would see it --


class Forgetful:
    """A store without guards: claims are forgotten, and no write minds another's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, writes: Sequence[Write]) -> None:
        free = (Replace(w.collection, w.id, w.data, None) if isinstance(w, Create | Replace) else w for w in writes)
        self._store.commit([write for write in free if write.collection != PROCESSED])


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "unguarded"])
def test_without_claims_and_preconditions_the_same_chaos_makes_doubles(tmp_path: Path, guarded: bool) -> None:
    """The negative control, in one process: what guards against doubles is taken away, and the count must see them.

    The claim does not stand alone. Without it, a delivery's own document and the state of an inquiry still refuse a
    second one, so preconditions go too.
    """
    real = wiring.build(settings.from_environment({"ONESTOP_DATA": str(tmp_path)}))
    here = replace(real, store=real.store if guarded else Forgetful(real.store), push_guard=None)
    toml_files.import_into(real.store, samples(), here.clock.now())
    service = Service(Means(here.store, here.files, here.clock, here.tokens, "http://onestop", "onestop.example"))
    deliveries = Deliveries(here.store, here.mailer, here.clock, here.settings.mail_from)
    intakes = {
        "inquiries": inquiries_events.intake(here, service),
        "notification": notification_events.intake(here, deliveries),
    }

    def push(function: str, body: bytes) -> bool:
        environ = EnvironBuilder(method="POST", data=body).get_environ()
        return intakes[function](Request(environ)).status_code == 204  # type: ignore[arg-type]

    people = [request(email=f"p{n}@chaos.example", **SHAPES[n % 4]) for n in range(20)]
    accepted = {service.requests.receive(person).reference for person in people}
    WildPusher(here.store, push).run(until=lambda: True)

    seen = tally(here.store, tmp_path)
    if guarded:
        assert_each_once(seen, accepted)
        assert seen.copies == 0
    else:
        assert seen.copies >= len(accepted)

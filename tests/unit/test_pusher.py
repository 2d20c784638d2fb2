"""The embedded engine's delivery, against small real servers in place of the functions."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer, unused_port

from infra.local import pusher
from infra.local.pusher import Dispatcher, Ticker, changes, relay
from shared.adapters.embedded.bus import SqliteBus
from shared.adapters.embedded.store import SqliteStore
from shared.contracts.bus_events import OUTBOX, outbox_row, parse
from shared.contracts.clock import Tick
from shared.ports import Create, Message
from shared.topology import Delivery, Subscription, Target, Topology

ATTEMPTS = 3
SYSTEM = Topology(
    targets=(Target("a", "events", ()), Target("b", "events", ())),
    topics=("news", "dead-letters"),
    subscriptions=(
        Subscription("a-news", "news", "a"),
        Subscription("b-news", "news", "b", frozenset({"news", "olds"})),
        Subscription("b-dead-letters", "dead-letters", "b"),
        Subscription("a-clock", "clock", "a"),
    ),
    delivery=Delivery(60, (10, 600), ATTEMPTS, 3600),
    local_servers={},
    schedules={},
    store={"expiring": {"ttl": True}},
)


@dataclass
class Function:
    """Answers pushes with ``status`` and remembers them."""

    status: int = 204
    pushes: list[dict[str, Any]] = field(default_factory=list)
    busy: int = 0
    busiest: int = 0

    async def take(self, request: web.Request) -> web.Response:
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        assert request.headers["Authorization"] == "Bearer signed"
        self.pushes.append(await request.json())
        await asyncio.sleep(0.005)
        self.busy -= 1
        return web.Response(status=self.status)

    def ids(self) -> list[str]:
        return [push["message"]["messageId"] for push in self.pushes]


@pytest.fixture
def bus(tmp_path: Path) -> SqliteBus:
    return SqliteBus(tmp_path / "bus.db", SYSTEM, first_retry=0.0)


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "store.db", SYSTEM.store)


def news(id: str) -> Message:
    return Message(id, "news", b'{"said": "\xc3\xa9"}', {"event_id": id, "type": "news"})


def deliver(bus: SqliteBus, until: Callable[[], bool], **functions: Function | None) -> None:
    """Push until ``until``. A function that is None has no server."""

    async def main() -> None:
        async with AsyncExitStack() as stack:
            urls = {}
            for name, function in functions.items():
                urls[name] = f"http://127.0.0.1:{unused_port()}/"
                if function:
                    app = web.Application()
                    app.router.add_post("/", function.take)
                    server = TestServer(app)
                    await server.start_server()
                    stack.push_async_callback(server.close)
                    urls[name] = f"http://127.0.0.1:{server.port}/"
            session = await stack.enter_async_context(ClientSession())
            dispatching = asyncio.create_task(Dispatcher(bus, SYSTEM, urls, session, lambda: "Bearer signed").run())
            await asyncio.wait_for(_until(until), 30)
            dispatching.cancel()

    asyncio.run(main())


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


# --- pushing -------------------------------------------------------------------------------------------------


def test_a_push_is_what_pubsub_sends_and_a_2xx_ends_it(bus: SqliteBus) -> None:
    a, b = Function(), Function()
    bus.publish([news("one")])

    deliver(bus, lambda: bus.depth() == 0, a=a, b=b)

    [push] = a.pushes
    assert push["subscription"] == "projects/local/subscriptions/a-news"
    assert push["deliveryAttempt"] == 1
    message = push["message"]
    assert base64.b64decode(message["data"]) == news("one").data
    assert message["attributes"] == news("one").attributes
    assert message["messageId"] == "one"
    assert datetime.fromisoformat(message["publishTime"]).tzinfo
    assert b.ids() == ["one"]


def test_a_subscription_gets_the_types_that_it_takes(bus: SqliteBus) -> None:
    a, b = Function(), Function()
    bus.publish([news("one"), Message("two", "news", b"{}", {"type": "gossip"}), Message("three", "news", b"{}", {})])

    deliver(bus, lambda: bus.depth() == 0, a=a, b=b)

    assert sorted(a.ids()) == ["one", "three", "two"]
    assert b.ids() == ["one"]


def test_a_refused_message_comes_again_and_then_becomes_a_dead_letter(bus: SqliteBus) -> None:
    a, b = Function(status=500), Function()
    bus.publish([news("one")])

    deliver(bus, lambda: bus.depth() == 0, a=a, b=b)

    assert [push["deliveryAttempt"] for push in a.pushes] == [1, 2, ATTEMPTS]
    first, letter = sorted(b.pushes, key=lambda push: str(push["subscription"]), reverse=True)
    assert first["subscription"].endswith("b-news")
    assert letter["subscription"].endswith("b-dead-letters")
    assert letter["message"]["data"] == a.pushes[0]["message"]["data"]
    attributes = letter["message"]["attributes"]
    assert attributes["event_id"] == "one"
    assert attributes["CloudPubSubDeadLetterSourceSubscription"] == "a-news"
    assert attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == str(ATTEMPTS)


def test_retries_wait_longer_each_time(tmp_path: Path) -> None:
    bus = SqliteBus(tmp_path / "bus.db", SYSTEM, first_retry=100.0)
    bus.publish([news("one")])
    now, waits = time.time(), []
    for _ in range(ATTEMPTS - 1):
        [queued] = bus.due(now, 1, subscriptions=["a-news"])
        bus.postpone(queued, now)
        wait = next(s for s in range(2000) if bus.due(now + s, 1, subscriptions=["a-news"]))
        waits.append(wait)
        now += wait

    assert 80 <= waits[0] <= 121
    assert 160 <= waits[1] <= 241


def test_a_function_that_is_away_uses_up_no_attempt_and_holds_up_nobody(bus: SqliteBus) -> None:
    b = Function()
    bus.publish([news(str(number)) for number in range(20)])

    deliver(bus, lambda: bus.depth() == 20, a=None, b=b)  # what is left is all of a's
    assert sorted(b.ids()) == sorted(str(number) for number in range(20))

    a = Function()
    deliver(bus, lambda: bus.depth() == 0, a=a, b=b)
    assert {push["deliveryAttempt"] for push in a.pushes} == {1}
    assert len(b.pushes) == 20


def test_pushes_under_way_are_bounded_and_none_is_sent_twice(bus: SqliteBus) -> None:
    a = Function()
    bus.publish([news(str(number)) for number in range(50)])

    deliver(bus, lambda: bus.depth() == 50, a=a, b=None)

    assert len(set(a.ids())) == len(a.pushes) == 50
    assert 1 < a.busiest <= pusher.AT_ONCE


# --- the outbox ----------------------------------------------------------------------------------------------


def test_the_relay_moves_outbox_rows_to_the_bus(store: SqliteStore, bus: SqliteBus) -> None:
    rows = [outbox_row("a", Tick(), datetime.now(UTC)) for _ in range(3)]
    store.commit(rows)

    assert relay(store, bus) == 3
    assert relay(store, bus) == 0

    assert {queued.message.id for queued in bus.due(time.time(), 10)} == {row.id for row in rows}
    assert store.count(OUTBOX) == 0


def test_a_relay_killed_before_it_forgot_the_row_publishes_the_same_message(
    store: SqliteStore, bus: SqliteBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.commit([outbox_row("a", Tick(), datetime.now(UTC), "one")])
    with monkeypatch.context() as patched:
        patched.setattr(store, "commit", _killed)
        with pytest.raises(KeyboardInterrupt):
            relay(store, bus)

    relay(store, bus)

    assert [queued.message.id for queued in bus.due(time.time(), 10)] == ["one"]


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_write_by_anybody_is_noticed_once(store: SqliteStore, tmp_path: Path) -> None:
    store.count(OUTBOX)
    changed = changes(tmp_path / "store.db")

    assert changed()  # what lay there before
    assert not changed()
    store.commit([outbox_row("a", Tick(), datetime.now(UTC))])
    assert changed()
    assert not changed()


# --- the clock -----------------------------------------------------------------------------------------------


@dataclass
class SetClock:
    instant: datetime

    def now(self) -> datetime:
        return self.instant


def test_there_is_one_tick_a_minute_and_one_more_when_the_clock_is_set(store: SqliteStore, bus: SqliteBus) -> None:
    clock = SetClock(datetime(2026, 7, 3, 13, 0, 10, tzinfo=UTC))
    ticker = Ticker(store, bus, clock)
    ticked = []
    for seconds in (0, 20, 29, 30, 1, 7 * 24 * 3600, 1):
        clock.instant += timedelta(seconds=seconds)
        ticked.append(ticker.step())

    assert ticked == [True, False, False, True, False, True, False]
    ticks = [queued.message for queued in bus.due(time.time(), 10)]
    assert [tick.id for tick in ticks] == [
        "clock.tick:2026-07-03T13:00Z",
        "clock.tick:2026-07-03T13:01Z",
        "clock.tick:2026-07-10T13:01Z",
    ]
    events = [parse(tick.data, tick.attributes) for tick in ticks]
    assert all(event and isinstance(event.payload, Tick) for event in events)


def test_a_pusher_that_restarts_within_a_minute_sends_the_same_tick(store: SqliteStore, bus: SqliteBus) -> None:
    clock = SetClock(datetime(2026, 7, 3, 13, 0, 10, tzinfo=UTC))

    Ticker(store, bus, clock).step()
    Ticker(store, bus, clock).step()

    assert bus.depth() == 1


def test_a_tick_erases_what_has_expired(store: SqliteStore, bus: SqliteBus) -> None:
    store.commit([Create("expiring", "old", {"expire_at": "2026-07-03T13:00:00.000000Z"})])
    store.commit([Create("expiring", "new", {"expire_at": "2026-07-03T13:02:00.000000Z"})])

    Ticker(store, bus, SetClock(datetime(2026, 7, 3, 13, 1, tzinfo=UTC))).step()

    assert [document.id for document in store.query("expiring")] == ["new"]

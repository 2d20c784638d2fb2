"""Stands in for Pub/Sub's delivery and Cloud Scheduler on the embedded engine: relay, push, tick.

Run by the runner as ``python -m infra.local.pusher``; the environment's ``ONESTOP_TARGETS`` is a JSON object from
target to local port. It may be killed at any moment: a message leaves the outbox after the bus has it, and leaves the
bus after the function has acknowledged it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import signal
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, TCPConnector

from infra.local.identity import Signer
from shared import outbox, topology
from shared.adapters.embedded.bus import Queued, SqliteBus
from shared.adapters.embedded.store import SqliteStore
from shared.contracts.bus_events import OUTBOX, message, outbox_row
from shared.contracts.clock import Tick
from shared.ports import Clock, Message, Unavailable, utc_text
from shared.topology import Topology
from shared.wiring import Platform, platform

RELAY_SECONDS = 0.02  # between two looks at whether anybody has written
RELAY_PAGE = 200
LOOK_SECONDS = 0.2  # between two looks at the queue, unless the relay wakes us
CLOCK_SECONDS = 0.25
AT_ONCE = 4  # pushes under way to one function
AHEAD = 32  # messages read from the queue for one function while others are under way
UNREACHABLE_SECONDS = 0.5
log = logging.getLogger("infra.local.pusher")


@dataclass
class _Lane:
    """The way to one function: what has been read for it, oldest first, and what is under way."""

    url: str
    subscriptions: list[str]
    waiting: deque[Queued] = field(default_factory=deque)
    under_way: dict[tuple[str, str], asyncio.Task[None]] = field(default_factory=dict)


class Dispatcher:
    """Pushes what is due to the ``events`` targets, as Pub/Sub does (https://cloud.google.com/pubsub/docs/push).

    Args:
        urls: by function.
        authorization: gives the header of that name for a push now.
    """

    def __init__(
        self,
        bus: SqliteBus,
        system: Topology,
        urls: Mapping[str, str],
        session: ClientSession,
        authorization: Callable[[], str],
    ) -> None:
        self._bus = bus
        self._authorization = authorization
        self._lanes = [
            _Lane(url, [s.name for s in system.subscriptions if s.function == function])
            for function, url in urls.items()
        ]
        self._session = session
        self._done: list[Queued] = []
        self.wake = asyncio.Event()

    async def run(self) -> None:
        """For ever: when woken, and every ``LOOK_SECONDS``; a busy queue is no reason to end."""
        while True:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.wake.wait(), LOOK_SECONDS)
            self.wake.clear()
            try:
                self.step()
            except Unavailable as error:
                log.warning("the queue is busy: %s", error)

    def step(self) -> None:
        """Acknowledge what has been taken, then read what is due for whom nothing waits, and push it."""
        if self._done:
            self._bus.acknowledge(self._done)
            self._done.clear()
        for lane in self._lanes:
            if not lane.waiting:
                lane.waiting.extend(self._bus.due(time.time(), AHEAD, lane.under_way, lane.subscriptions))
            self._start(lane)

    def _start(self, lane: _Lane) -> None:
        while lane.waiting and len(lane.under_way) < AT_ONCE:
            queued = lane.waiting.popleft()
            key = (queued.subscription, queued.message.id)
            lane.under_way[key] = asyncio.create_task(self._push(key, lane, queued))

    async def _push(self, key: tuple[str, str], lane: _Lane, queued: Queued) -> None:
        try:
            if await self._accepted(lane.url, queued):
                self._done.append(queued)
            else:
                self._bus.postpone(queued, time.time())
        except Unavailable as error:
            log.warning("will be pushed again: %s", error)
        finally:
            del lane.under_way[key]
        self._start(lane)
        if not lane.waiting:
            self.wake.set()

    async def _accepted(self, url: str, queued: Queued) -> bool:
        body = json.dumps(push_body(queued))
        while True:
            headers = {"Content-Type": "application/json", "Authorization": self._authorization()}
            try:
                async with self._session.post(url, data=body, headers=headers) as response:
                    return response.status in (102, 200, 201, 202, 204)
            except ClientConnectorError:  # its process restarts: no failure of this message
                await asyncio.sleep(UNREACHABLE_SECONDS)
            except (TimeoutError, ClientError):
                return False


def push_body(queued: Queued) -> dict[str, object]:
    """As Cloud Pub/Sub pushes it, wrapped; ``data`` in base64 (RFC 4648, 4)."""
    sent = queued.message
    return {
        "message": {
            "data": base64.b64encode(sent.data).decode(),
            "attributes": sent.attributes,
            "messageId": sent.id,
            "publishTime": utc_text(datetime.now(UTC)),
        },
        "subscription": f"projects/local/subscriptions/{queued.subscription}",
        "deliveryAttempt": queued.attempt,
    }


def relay(store: SqliteStore, bus: SqliteBus) -> int:
    """Publish a page of the outbox; returns how many rows."""
    rows = store.query(OUTBOX, limit=RELAY_PAGE)
    return outbox.publish(store, bus, ((row.id, row.data) for row in rows))


class Ticker:
    """One tick for each minute of the platform's clock, which a test may set forward."""

    def __init__(self, store: SqliteStore, bus: SqliteBus, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._minute = ""

    def step(self) -> bool:
        """Tick and erase what has expired, where a new minute has begun. True when it did."""
        now = self._clock.now()
        minute = minute_of(now)
        if minute == self._minute:
            return False
        self._bus.publish([tick(now, minute)])
        self._store.erase_expired(utc_text(now))
        self._minute = minute
        return True


def minute_of(now: datetime) -> str:
    """``2026-03-02T09:30Z`` of an instant in UTC."""
    return now.strftime("%Y-%m-%dT%H:%MZ")


def tick(now: datetime, minute: str) -> Message:
    """The same id for the same ``minute``: consumers take it once."""
    row = outbox_row("clock", Tick(), now, f"{Tick.type}:{minute}")
    return message(row.id, row.data)


async def run(here: Platform, system: Topology, ports: Mapping[str, int]) -> None:
    """Until SIGTERM. ``ports`` by target id."""
    store, bus = here.store, here.bus
    assert isinstance(store, SqliteStore)
    assert isinstance(bus, SqliteBus)
    stop = asyncio.current_task()
    assert stop
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.cancel)
    ticker = Ticker(store, bus, here.clock)
    urls = {
        t.function: f"http://127.0.0.1:{ports[t.id]}/" for t in system.targets if t.name == "events" and t.id in ports
    }
    connector = TCPConnector(limit=0, keepalive_timeout=1.0)  # gunicorn lets go of an idle connection after 2 s
    timeout = ClientTimeout(total=system.delivery.ack_deadline)
    async with ClientSession(connector=connector, timeout=timeout) as session:
        signer = Signer(here.settings.data, here.settings.push_audience)
        dispatcher = Dispatcher(bus, system, urls, session, signer.authorization)
        # the store's lock may be waited for: in threads, so that pushes go on
        with ThreadPoolExecutor(1) as relaying, ThreadPoolExecutor(1) as ticking:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(dispatcher.run())
                written = changes(here.settings.data / "store.db")
                tasks.create_task(_again(relaying, lambda: relay(store, bus), RELAY_SECONDS, dispatcher.wake, written))
                tasks.create_task(_again(ticking, ticker.step, CLOCK_SECONDS, dispatcher.wake))


def changes(path: Path) -> Callable[[], bool]:
    """Whether anybody has written to this SQLite file since the last call, for a few microseconds of work."""
    db = sqlite3.connect(path, timeout=5)
    known = [-1]

    def changed() -> bool:
        before, known[0] = known[0], db.execute("PRAGMA data_version").fetchone()[0]
        return before != known[0]

    return changed


async def _again(
    executor: ThreadPoolExecutor,
    work: Callable[[], int],
    pause: float,
    wake: asyncio.Event,
    reason: Callable[[], bool] = lambda: True,
) -> None:
    """Do ``work`` for ever where there is ``reason``: at once after a full page, else after ``pause`` seconds."""
    loop = asyncio.get_running_loop()
    pending = False
    while True:
        done = 0
        if pending or reason():
            try:
                done = await loop.run_in_executor(executor, work)
                pending = bool(done)
            except Unavailable as error:
                log.warning("tried again soon: %s", error)
                pending = True
        if done:
            wake.set()
        if done < RELAY_PAGE:  # what comes in the meantime goes together
            await asyncio.sleep(pause)


def main() -> None:
    """``ONESTOP_TARGETS`` has the ports by target id, in JSON."""
    with suppress(asyncio.CancelledError):
        asyncio.run(run(platform(), topology.load(), json.loads(os.environ["ONESTOP_TARGETS"])))


if __name__ == "__main__":
    main()

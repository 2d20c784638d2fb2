"""What threads of one process publish at the same time goes out together, and each learns how it went."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared.adapters.cloud.pubsub import PubsubBus
from shared.ports import Message, Unavailable


class SlowBus(PubsubBus):
    """Its calls wait until they may go on; those that carry a message named "bad" fail."""

    def __init__(self) -> None:
        super().__init__("project")
        self.calls: list[list[str]] = []
        self.go = threading.Event()

    def _call(self, request: Any, timeout: float) -> None:
        names = [message.data.decode() for message in request.messages]
        self.calls.append(names)
        self.go.wait(5)
        if "bad" in names:
            raise Unavailable("refused")


def message(name: str) -> Message:
    return Message(name, "registrations", name.encode())


def until(predicate: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not predicate() and time.monotonic() < deadline:
        time.sleep(0.001)


def gathered(bus: SlowBus, *names: str) -> list[BaseException | None]:
    """Publishes the first; the others while its call is under way. Returns what each of them raised."""
    with ThreadPoolExecutor(len(names)) as pool:
        first = pool.submit(bus.publish, [message(names[0])])
        until(lambda: bus.calls)
        others = [pool.submit(bus.publish, [message(name)]) for name in names[1:]]
        until(lambda: len(bus._gathering) == len(others))
        bus.go.set()
        return [future.exception() for future in (first, *others)]


def test_a_rush_goes_out_in_two_calls() -> None:
    bus = SlowBus()
    assert gathered(bus, "first", "b", "c", "d") == [None] * 4
    assert [sorted(names) for names in bus.calls] == [["first"], ["b", "c", "d"]]


def test_who_was_sent_together_fails_together_and_nobody_else() -> None:
    bus = SlowBus()
    first, *others = gathered(bus, "first", "b", "bad")
    assert first is None
    assert [type(error) for error in others] == [Unavailable, Unavailable]
    bus.publish([message("later")])
    assert bus.calls[-1] == ["later"]


def test_alone_nobody_waits_for_company() -> None:
    bus = SlowBus()
    bus.go.set()
    for name in ("a", "b"):
        bus.publish([message(name)])
    assert bus.calls == [["a"], ["b"]]


def test_an_empty_call_sends_nothing() -> None:
    bus = SlowBus()
    bus.publish([])
    assert bus.calls == []

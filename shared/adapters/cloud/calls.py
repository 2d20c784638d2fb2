"""How every Google client is called: soon over, tried again with jitter, opened once in each process."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import grpc
from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import TransportError
from grpc.experimental import ChannelOptions

from shared.ports import Unavailable

T = TypeVar("T")
ANSWER_SECONDS = float(os.environ.get("ONESTOP_ANSWER_SECONDS", "4"))
"""For all attempts of one call together, so that a visitor hears from us within 5 s; a tool may wait longer."""
PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)  # seconds, doubled or nothing by chance
PASSING = (
    exceptions.ServerError,
    exceptions.ResourceExhausted,
    exceptions.Cancelled,
    exceptions.RetryError,
    TransportError,
)
"""The platform's trouble, not ours. Whether the call arrived is unknown."""
CHANNEL = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1_000),  # gRPC's own pause grows to two minutes: an outage would outlive itself
    (ChannelOptions.SingleThreadedUnaryStream, 1),  # else each document of a query's answer wakes two threads
]
ONCE = Retry(predicate=if_exception_type())
"""For the ``retry`` argument of Google's methods: the attempts are counted here, not there."""


def attempts(seconds: float | None = None) -> Iterator[float]:
    """The seconds that each attempt may take, with a pause between two of them; ends when the time is up."""
    deadline = time.monotonic() + (seconds or ANSWER_SECONDS)
    for pause in PAUSES:
        yield max(deadline - time.monotonic(), 0.1)
        wait = random.uniform(0, 2 * pause)
        if time.monotonic() + wait >= deadline:
            return
        time.sleep(wait)


def ask(call: Callable[[float], T], seconds: float | None = None) -> T:
    """``call(timeout)``, for a call that may arrive twice without harm. Raises ``Unavailable``."""
    last: Exception | None = None
    for timeout in attempts(seconds):
        try:
            return call(timeout)
        except (*PASSING, exceptions.Aborted) as error:
            last = error
    raise Unavailable(f"the platform did not answer: {last}") from last


def each_process(make: Callable[[], T]) -> Callable[[], T]:
    """``make()`` at the first call in each process: gRPC channels do not live through a fork.

    What a parent made stays in the dictionary, untouched: closing it in the child would reach into the parent's.
    """
    made: dict[int, T] = {}
    lock = threading.Lock()

    def get() -> T:
        pid = os.getpid()
        if pid not in made:
            with lock:
                if pid not in made:
                    made[pid] = make()
        return made[pid]

    return get


def open_channel(transport: Any, emulator: str) -> Any:
    """A connection for ``transport`` (a class of Google's): to the service, or to the emulator at the environment
    variable ``emulator``."""
    if host := os.environ.get(emulator):
        return grpc.insecure_channel(host, options=CHANNEL)  # type: ignore[no-untyped-call]
    return transport.create_channel(options=CHANNEL)

"""A small load generator: one thread, many sockets, the time of every answer.

One process that spends about 50 µs on a request, so that it leaves the cores to what is measured, and needs nothing
that is not in Python.
"""

from __future__ import annotations

import selectors
import socket
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass
class Result:
    """What came back; ``seconds`` is the whole run, ``latencies`` in seconds."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    @property
    def median(self) -> float:
        """Milliseconds."""
        return statistics.median(self.latencies) * 1000

    @property
    def p95(self) -> float:
        """Milliseconds."""
        return statistics.quantiles(self.latencies, n=20)[-1] * 1000


class _Client:
    def __init__(self, port: int) -> None:
        self.port = port
        self.connect()

    def connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes) -> None:
        self.received = b""
        self.sent_at = time.perf_counter()
        try:
            self.socket.sendall(request)
        except OSError:
            self.socket.close()
            self.connect()
            self.socket.sendall(request)

    def answer(self) -> tuple[int, bool] | None:
        """Status, and whether the server closes the connection; None while the answer is incomplete."""
        chunk = self.socket.recv(65536)
        self.received += chunk
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            if not chunk:
                raise ConnectionError("closed before an answer")
            return None
        lower = head.lower()
        if b"content-length:" in lower:
            length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
            if len(body) < length:
                return None
        return int(head.split(b" ", 2)[1]), b"connection: close" in lower


def run(port: int, requests: Iterator[bytes], clients: int, seconds: float) -> Result:
    """Keep ``clients`` connections busy for ``seconds``, or until ``requests`` end."""
    result, selector = Result(), selectors.DefaultSelector()
    started = time.perf_counter()

    def next_request(client: _Client) -> bool:
        request = next(requests, None) if time.perf_counter() - started < seconds else None
        if request is not None:
            client.send(request)
        return request is not None

    busy = 0
    for _ in range(clients):
        client = _Client(port)
        if next_request(client):
            selector.register(client.socket, selectors.EVENT_READ, client)
            busy += 1
    while busy:
        for key, _ in selector.select(timeout=30):
            client = key.data
            answered = client.answer()
            if answered is None:
                continue
            status, closes = answered
            result.latencies.append(time.perf_counter() - client.sent_at)
            result.statuses[status] += 1
            selector.unregister(client.socket)
            if closes:
                client.socket.close()
                client.connect()
            if next_request(client):
                selector.register(client.socket, selectors.EVENT_READ, client)
            else:
                client.socket.close()
                busy -= 1
    result.seconds = time.perf_counter() - started
    return result


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def post(path: str, body: bytes, extra: Callable[[], str] = lambda: "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{extra()}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

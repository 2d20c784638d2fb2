"""What pages and forms cost as the data grow: three sizes, measured in turn in one run against the real servers.

``python -m benchmarks.growth 1000/1000 100000/50000 --ways desk`` measures other sizes (registrations of one event /
inquiries of one organisation) and some of the ways.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import re
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from benchmarks import inquiries, load, registration
from benchmarks.filled import FULL, OPEN, Filled, fill
from benchmarks.servers import ROOT, Served, serve
from shared import topology

SIZES = ((1_000, 1_000), (10_000, 10_000), (100_000, 50_000))
ROUNDS = 4
IN_A_ROUND = 15  # requests of one way at one size
SECONDS = 60.0
TARGETS = (("registration", "web"), ("registration", "desk"), ("inquiries", "web"), ("inquiries", "desk"))

Requests = Callable[[Filled, "dict[str, Served]"], Iterator[bytes]]


@dataclass(frozen=True)
class Way:
    """What somebody does. ``target`` answers its ``requests`` with ``status``."""

    name: str
    target: str
    requests: Requests
    status: int = 200


def _page(path: str | Callable[[Filled], str]) -> Requests:
    def requests(filled: Filled, servers: dict[str, Served]) -> Iterator[bytes]:
        address = path if isinstance(path, str) else path(filled)
        while True:
            yield f"GET {address} HTTP/1.1\r\nHost: localhost\r\nCookie: {filled.cookie}\r\n\r\n".encode()

    return requests


def _registering(event: str) -> Requests:
    def requests(filled: Filled, servers: dict[str, Served]) -> Iterator[bytes]:
        return (load.post(f"/api/events/{event}/registrations", body) for body in registration.bodies())

    return requests


def _sending(filled: Filled, servers: dict[str, Served]) -> Iterator[bytes]:
    return (load.post("/api/inquiries", body) for body in inquiries.bodies())


def _correcting(filled: Filled, servers: dict[str, Served]) -> Iterator[bytes]:
    path = filled.personal(filled.people[0])
    cookie, token = _form(servers["registration-web"], f"{path}/correct")
    person = {"given_name": "Amina", "country": "SN", "language": "fr", "csrf_token": token}
    for number in itertools.count():
        yield _sent(f"{path}/correct", cookie, person | {"family_name": f"Diallo {number}"})


def _cancelling(filled: Filled, servers: dict[str, Served]) -> Iterator[bytes]:
    cookie, token = _form(servers["registration-web"], f"{filled.personal(filled.people[1])}/cancel")
    for reference in filled.people[1:]:
        yield _sent(f"{filled.personal(reference)}/cancel", cookie, {"csrf_token": token})


def _form(served: Served, path: str) -> tuple[str, str]:
    """The cookie that comes with a form, and its token."""
    asking = http.client.HTTPConnection("127.0.0.1", served.port, timeout=SECONDS)
    asking.request("GET", path)
    answer = asking.getresponse()
    found = re.search(r'name="csrf_token" value="([^"]+)"', answer.read().decode())
    assert found, path
    return (answer.headers["Set-Cookie"] or "").partition(";")[0], found[1]


def _sent(path: str, cookie: str, fields: dict[str, str]) -> bytes:
    body = urlencode(fields).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n"
    return (
        f"{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    )


WAYS = [
    Way("desk: list of events", "registration-desk", _page("/desk/events")),
    Way("desk: an event, its confirmed", "registration-desk", _page(f"/desk/events/{FULL}")),
    Way("desk: an event, its waiting", "registration-desk", _page(f"/desk/events/{FULL}?state=waitlisted")),
    Way("a full event's page", "registration-web", _page(f"/events/{FULL}")),
    Way("the page of one with free seats", "registration-web", _page(f"/events/{OPEN}")),
    Way("its form", "registration-web", _page(f"/events/{OPEN}/register")),
    Way("its API", "registration-web", _page(f"/api/events/{OPEN}")),
    Way("registering, free seats", "registration-web", _registering(OPEN), 201),
    Way("registering into the waitlist", "registration-web", _registering(FULL), 201),
    Way("the last in line's page", "registration-web", _page(lambda f: f.personal(f.last_in_line))),
    Way("correcting", "registration-web", _correcting, 303),
    Way("cancelling", "registration-web", _cancelling, 303),
    Way("desk: first page, statistics", "inquiries-desk", _page("/desk")),
    Way("desk: all inquiries", "inquiries-desk", _page("/desk/inquiries")),
    Way("desk: mine", "inquiries-desk", _page("/desk/inquiries?assignee=me")),
    Way("desk: mine in one state", "inquiries-desk", _page("/desk/inquiries?assignee=me&state=assigned")),
    Way("desk: one topic by target", "inquiries-desk", _page("/desk/inquiries?topic=local-production&order=target")),
    Way("desk: search, a frequent word", "inquiries-desk", _page("/desk/inquiries?q=word1")),
    Way("desk: search, a rare word", "inquiries-desk", _page("/desk/inquiries?q=word2000")),
    Way("desk: search, two words", "inquiries-desk", _page("/desk/inquiries?q=word1+word2")),
    Way("desk: search in one state", "inquiries-desk", _page("/desk/inquiries?q=word2000&state=answered")),
    Way("desk: an inquiry", "inquiries-desk", _page(lambda f: f"/desk/inquiries/{f.inquiries[0]}")),
    Way("an inquiry's status page", "inquiries-web", _page(lambda f: f.status(f.inquiries[0]))),
    Way("sending a contact form", "inquiries-web", _sending, 201),
]


def report(sizes: tuple[tuple[int, int], ...] = SIZES, ways: list[Way] = WAYS) -> None:
    """p50 and p95 of each way at each size, and how much the largest takes above the smallest."""
    print(
        f"\nAs it grows: {ROUNDS * IN_A_ROUND} requests each by one client, the sizes in turn, ms (p50 and p95), with"
    )
    print(f"{_or(registrations for registrations, _ in sizes)} registrations of one event")
    print(f"and {_or(inquiries for _, inquiries in sizes)} inquiries of one organisation\n")
    print(f"{'':33}{''.join(f'{size:>8,}   p95' for size, _ in sizes)}  p95/p95")
    with contextlib.ExitStack() as stack:
        known = []
        for registrations, count in sizes:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            filled = fill(folder, registrations, count)
            known.append((filled, {name: stack.enter_context(started) for name, started in _servers(folder)}))
        for way in ways:
            print(_line(way.name, _measured(way, known)))


def _servers(folder: Path) -> Iterator[tuple[str, contextlib.AbstractContextManager[Served]]]:
    for function, target in TARGETS:
        shape = topology.load().local_servers[target]
        environment = {
            "ONESTOP_DATA": str(folder),
            "PYTHONPATH": str(ROOT),
            "ONESTOP_LIMITS": "off",
            "WORKERS": str(shape.workers),
            "THREADS": str(shape.threads),
        }
        yield f"{function}-{target}", serve(registration.staged(folder, function), target, environment, "/healthz")


def _measured(way: Way, known: list[tuple[Filled, dict[str, Served]]]) -> list[list[float]]:
    """Seconds of each answer, by size."""
    asked = [(servers[way.target].port, way.requests(filled, servers)) for filled, servers in known]
    took: list[list[float]] = [[] for _ in known]
    for turn in range(ROUNDS + 1):
        for seconds, (port, requests) in zip(took, asked, strict=True):
            result = load.run(port, itertools.islice(requests, IN_A_ROUND if turn else 3), 1, SECONDS)
            assert set(result.statuses) == {way.status}, f"{way.name}: {result.statuses}"
            if turn:  # the first one warms
                seconds += result.latencies
    return took


def _line(name: str, took: list[list[float]]) -> str:
    p95 = [statistics.quantiles(seconds, n=20)[-1] * 1000 for seconds in took]
    figures = [f"{statistics.median(seconds) * 1000:8.1f} {high:5.1f}" for seconds, high in zip(took, p95, strict=True)]
    return f"{name:33}{''.join(figures)} {p95[-1] / p95[0]:8.2f}"


def _or(numbers: Iterator[int]) -> str:
    return ", ".join(f"{number:,}" for number in numbers)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.growth", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sizes", nargs="*", help="registrations/inquiries, the smallest first")
    parser.add_argument("--ways", default="", help="only those whose names have this in them")
    given = parser.parse_args(arguments)
    sizes = tuple((int(first), int(second)) for first, second in (size.split("/") for size in given.sizes))
    report(sizes or SIZES, [way for way in WAYS if given.ways in way.name])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What only a real server shows: sizes, encodings, chunks and broken requests, through the gateway and past it.

Behind the gateway stand gunicorn and the functions framework, as in the cloud. Each answer must come, and none be a
5xx; the logs must hold no traceback.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.functions.inquiry_world import REQUEST as INQUIRY
from tests.functions.test_bodies import PERSON
from tests.fuzz.grammar import Caller, Grammar
from tests.fuzz.nasty import FORM, JSON
from tests.fuzz.village import FIXED, maps
from tests.house import opened
from tests.system.harness import Onestop

pytestmark = pytest.mark.system
SEED, REQUESTS = 7, 300
PATIENCE = 60.0  # seconds for one answer, on a machine that is busy with other tests
EVENT = "local-production-forum-next"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onestop]:
    with Onestop(tmp_path_factory.mktemp("onestop"), ENGINE="embedded", ONESTOP_INBOUND_SECRET="secret") as onestop:
        yield onestop
        logs = {path.name: path.read_text("utf-8", "replace") for path in (onestop.data / "logs").iterdir()}
        assert not [name for name, text in logs.items() if "Traceback (most recent" in text]


def ask(port: int, raw: bytes, *pieces: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes as they are. The answer's status, headers and body."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.settimeout(PATIENCE)
        with suppress(BrokenPipeError, ConnectionResetError):  # answered before all was sent
            connection.sendall(raw)
            for piece in pieces:
                connection.sendall(piece)
        answer = b""
        with suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split()[1]), headers, body


def request(method: str, address: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
    lines = [f"{method} {address} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "Connection: close"]
    names = {name.lower() for name, _ in headers}
    lines += [] if "host" in names else ["Host: 127.0.0.1"]
    lines += [] if "content-length" in names or not body else [f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


def ports(onestop: Onestop) -> dict[str, int]:
    """Of the gateway and of the targets past it."""
    return {"gateway": urlsplit(onestop.url).port or 0, **onestop.ports}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("target", "path", "kind", "size"),
    [
        ("registration-web", f"/api/events/{EVENT}/registrations", JSON, 270_000),
        ("registration-web", f"/events/{EVENT}/register", FORM, 300_000),
        ("inquiries-desk", "/desk/sign-in", FORM, 270_000),
        ("inquiries-desk", "/desk/inquiries/ABCD-EFGH/close", FORM, 270_000),
        ("inquiries-web", "/contact", FORM, 12 * 2**20),
        ("inquiries-web", "/api/inquiries", JSON, 31 * 2**20),
        ("inquiries-web", "/api/inquiries", FORM, 28 * 2**20),
    ],
)
def test_a_body_over_its_limit_is_413_in_our_own_words(
    running: Onestop, target: str, path: str, kind: str, size: int, chunked: bool
) -> None:
    body = b"a=b&" * (size // 4)
    for port in (ports(running)["gateway"], ports(running)[target]):
        headers = [("Content-Type", kind), ("Transfer-Encoding", "chunked") if chunked else ("X-Plain", "1")]
        sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
        length = [("Content-Length", str(len(body)))] if not chunked else []
        lines = "".join(f"{name}: {value}\r\n" for name, value in [*headers, *length])
        raw = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n".encode()
        status, answered, _ = ask(port, raw, sent)
        assert status in ((403, 413) if chunked else (413,))
        assert "x-google-status" not in answered
        assert "content-security-policy" in answered or answered["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "rest",
    [
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\nplain\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nplainX\r\n0\r\n\r\n",
        b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
        b"Content-Length: x\r\n\r\n",
        b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
        b"Content-Length: 2\r\nX: " + b"a" * 9000 + b"\r\n\r\n{}",
        b"Content-Length: 2\r\nCookie: \xff\xfe=\x01\r\n\r\n{}",
    ],
)
@pytest.mark.parametrize("path", ["/api/inquiries", "/contact", "/desk/sign-in", "/inbound/mail"])
def test_a_broken_body_is_answered(running: Onestop, path: str, rest: bytes) -> None:
    target = "inquiries-desk" if path.startswith("/desk") else "inquiries-web"
    raw = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {JSON}\r\n".encode() + rest
    for port in (ports(running)["gateway"], ports(running)[target]):
        status, _, _ = ask(port, raw)
        assert status == 100 or 400 <= status < 500


def test_what_the_grammar_makes_is_answered_by_real_servers(running: Onestop, tmp_path: Path) -> None:
    """Only routes that need no sign-in: the rest is tried in one process."""
    known = {name: list(values) for name, values in FIXED.items()} | {
        "slug": [EVENT], "event_id": [EVENT], "token": ["x~~y"], "id": ["x"], "reference": ["ABCD-EFGH"], "key": ["x"]
    }  # fmt: skip
    samples = {"/api/events": PERSON, "/register": PERSON, "/contact": INQUIRY, "/api/inquiries": INQUIRY}
    mail = b"From: a@gov.test\r\nTo: help@onestop.example\r\nSubject: x\r\n\r\nWe ask.\r\n"
    with opened(tmp_path):
        routes = maps()
    mails, callers = [("help@onestop.example", mail)], [Caller("stranger")]
    grammar = Grammar(random.Random(SEED), routes, known, samples, callers, mails, [({}, b"{}")], "secret", "Bearer x")
    for number in range(REQUESTS):
        call = grammar.call()
        method = call.method if call.method not in ("CONNECT", "TRACE") else "GET"
        raw = request(method, call.address, [pair for pair in call.headers if pair[0] != "Content-Length"], call.body)
        port = ports(running).get(call.at, ports(running)["gateway"]) if number % 2 else ports(running)["gateway"]
        status, _, body = ask(port, raw)
        assert 200 <= status < 500, f"seed {SEED}, request {number}: {status} {body[:300]!r}\n{call}"

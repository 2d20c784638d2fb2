"""The gateway, in front of small real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, unused_port

from infra.local import gateway
from infra.local.gateway import Routes, application
from shared import topology

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def run(
    test: Callable[[TestClient], Awaitable[None]], upstream: Handler, patience: float = 0.0, dead: bool = False
) -> None:
    """Run ``test`` with a client of a gateway whose every path leads to ``upstream``."""

    async def main() -> None:
        server = TestServer(_app(upstream))
        await server.start_server()
        address = f"http://127.0.0.1:{unused_port() if dead else server.port}"
        async with TestClient(TestServer(application(Routes((("/", address),)), patience))) as client:
            await test(client)
        await server.close()

    asyncio.run(main())


def _app(handler: Handler) -> web.Application:
    app = web.Application(client_max_size=2**30, handler_args={"auto_decompress": False})  # gunicorn does not either
    app.router.add_route("*", "/{path:.*}", handler)
    return app


async def mirror(request: web.Request) -> web.Response:
    """Tells what arrived."""
    body = await request.read()
    return web.json_response(
        {"method": request.method, "path": request.raw_path, "headers": dict(request.headers), "size": len(body)}
    )


# --- routing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "root"),
        ("/anything", "root"),
        ("/r", "short"),
        ("/r/abc", "short"),
        ("/rooms", "root"),
        ("/desk/mail", "mail"),
        ("/desk/mail/1", "mail"),
        ("/desk/mailing", "desk"),
        ("/desk", "desk"),
    ],
)
def test_the_longest_prefix_that_ends_at_a_slash_wins(path: str, expected: str) -> None:
    system = topology.Topology(
        targets=(
            topology.Target("a", "web", ("/", "/r")),
            topology.Target("b", "desk", ("/desk",)),
            topology.Target("c", "desk", ("/desk/mail",)),
        ),
        topics=(),
        subscriptions=(),
        delivery=topology.load().delivery,
        local_servers={},
        schedules={},
        store={},
    )
    routes = Routes.of(system, {"a-web": 1, "b-desk": 2, "c-desk": 3})
    ports = {"root": 1, "short": 1, "desk": 2, "mail": 3}

    assert routes.upstream(path) == f"http://127.0.0.1:{ports[expected]}"


def test_every_path_of_the_topology_leads_to_its_own_target() -> None:
    system = topology.load()
    ports = {target.id: number for number, target in enumerate(system.targets)}
    routes = Routes.of(system, ports)

    for target in system.targets:
        for path in target.paths:
            assert routes.upstream(path) == f"http://127.0.0.1:{ports[target.id]}"


# --- what goes through ---------------------------------------------------------------------------------------


def test_a_request_arrives_as_it_was_sent() -> None:
    async def test(client: TestClient) -> None:
        headers = {"Host": "forum.example", "X-Forwarded-For": "203.0.113.9", "Connection": "X-Own", "X-Own": "1"}
        answer = await client.post("/a%2Fb/c?q=%C3%A9&q=2", data=b"x" * 1000, headers=headers)
        seen = await answer.json()

        assert (seen["method"], seen["path"], seen["size"]) == ("POST", "/a%2Fb/c?q=%C3%A9&q=2", 1000)
        assert seen["headers"]["Host"] == "forum.example"
        assert seen["headers"]["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
        assert seen["headers"]["X-Forwarded-Proto"] == "http"
        assert "X-Own" not in seen["headers"]

    run(test, mirror)


def test_an_answer_goes_back_as_it_was_given() -> None:
    async def upstream(request: web.Request) -> web.Response:
        response = web.Response(status=303, body=b"\x1f\x8b compressed", headers={"Location": "/next"})
        response.headers["Content-Encoding"] = "gzip"
        response.set_cookie("one", "1")
        response.set_cookie("two", "2")
        return response

    async def test(client: TestClient) -> None:
        answer = await client.get("/", allow_redirects=False, auto_decompress=False)

        assert (answer.status, answer.headers["Location"]) == (303, "/next")
        assert len(answer.headers.getall("Set-Cookie")) == 2
        assert await answer.read() == b"\x1f\x8b compressed"

    run(test, upstream)


def test_a_large_answer_and_a_streamed_request_go_through() -> None:
    async def upstream(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * 100_000

    async def test(client: TestClient) -> None:
        answer = await client.post("/", data=chunks())
        assert len(await answer.read()) == 3_000_000

    run(test, upstream)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_body_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch, streamed: bool) -> None:
    monkeypatch.setattr(gateway, "MAX_BODY", 1_000_000)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100_000

    async def test(client: TestClient) -> None:
        answer = await client.post("/", data=chunks() if streamed else b"x" * 1_000_001)
        assert answer.status == 413

    run(test, mirror)


# --- targets that are away -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_dead_target_is_an_honest_503(method: str) -> None:
    async def test(client: TestClient) -> None:
        answer = await client.request(method, "/")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")

    run(test, mirror, dead=True)


@pytest.mark.parametrize(("status", "size"), [(503, 1), (413, 1_000_001)])
def test_programs_get_its_own_refusals_as_problems(monkeypatch: pytest.MonkeyPatch, status: int, size: int) -> None:
    monkeypatch.setattr(gateway, "MAX_BODY", 1_000_000)

    async def test(client: TestClient) -> None:
        answer = await client.post("/api/inquiries", data=b"x" * size)
        assert (answer.status, answer.content_type) == (status, "application/problem+json")
        assert (await answer.json())["status"] == status
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert ("Retry-After" in answer.headers) is (status == 503)

    run(test, mirror, dead=True)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_visitor_waits_for_a_target_that_restarts(method: str) -> None:
    async def main() -> None:
        port = unused_port()
        routes = Routes((("/", f"http://127.0.0.1:{port}"),))
        async with TestClient(TestServer(application(routes, patience=30))) as client:
            asked = asyncio.create_task(client.request(method, "/", data=b"kept" if method == "POST" else None))
            await asyncio.sleep(0.1)
            server = TestServer(_app(mirror), port=port)
            await server.start_server()
            answer = await asked
            assert answer.status == 200
            assert (await answer.json())["size"] == (4 if method == "POST" else 0)
            await server.close()

    asyncio.run(main())


@pytest.mark.parametrize(("method", "status", "times"), [("GET", 200, 2), ("POST", 503, 1)])
def test_only_harmless_requests_are_sent_twice(method: str, status: int, times: int) -> None:
    """The first connection breaks after the request has arrived: a POST may have been carried out."""
    arrived = 0

    async def upstream(request: web.Request) -> web.Response:
        nonlocal arrived
        arrived += 1
        await request.read()
        if arrived == 1 and request.transport:
            request.transport.abort()
        return web.Response(text="done")

    async def test(client: TestClient) -> None:
        assert (await client.request(method, "/", data=b"x" if method == "POST" else None)).status == status
        assert arrived == times

    run(test, upstream, patience=30)


# --- what is no HTTP, or nearly none -------------------------------------------------------------------------

GET, POST = b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET //evil:99999/x HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://[/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [::\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"G@T / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        GET + b"X: " + b"a" * 9000 + b"\r\n\r\n",
        GET + b"X: a\r\n" * 200 + b"\r\n",
        GET + b"Cookie: \xff\xfe\r\n\r\n",
        GET + b"Cookie: a\0b\r\n\r\n",
        GET + b"Expect: x\r\n\r\n",
        POST + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
        POST + b"Content-Encoding: br\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nplain\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nplain\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nplainX\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: x\r\n\r\n",
        POST + b"Content-Length: 99999999999\r\n\r\n",
    ],
)
def test_whatever_comes_over_the_wire_is_answered(raw: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def test(client: TestClient) -> None:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(raw)
        status = int((await reader.readline()).split()[1])
        assert 200 <= status < 500
        writer.close()

    run(test, mirror)
    assert "Traceback" not in caplog.text


def test_a_body_that_says_it_is_compressed_goes_on_as_it_came() -> None:
    async def upstream(request: web.Request) -> web.Response:
        return web.Response(body=await request.read(), headers={"X-Was": request.headers["Content-Encoding"]})

    async def test(client: TestClient) -> None:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(POST + b"Connection: close\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b!")
        answer = await reader.read()
        assert b"X-Was: gzip" in answer
        assert answer.endswith(b"\x1f\x8b!")
        writer.close()

    run(test, upstream)

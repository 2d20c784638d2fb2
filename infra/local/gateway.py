"""One origin in front of all targets, as the load balancer is in the cloud: the longest path prefix wins.

Run by the runner as ``python -m infra.local.gateway FD``, FD being the listening socket; the environment's
``ONESTOP_TARGETS`` is a JSON object from target to local port.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
    web,
)
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from shared import topology
from shared.observability import logs
from shared.topology import Topology

MAX_BODY = 32 * 2**20  # bytes; Cloud Run's own limit for HTTP/1 requests
SMALL_BODY = 256 * 1024  # bytes; taken in whole, so that a slow visitor never holds a function's worker
MAX_HEADER = 64 * 1024  # bytes of one header of an answer
TOO_LARGE = "What you sent is too large."
PATIENCE = 3.0  # seconds for a target to come back
RETRY_PAUSE = 0.05
IDEMPOTENT = ("GET", "HEAD", "OPTIONS")
# RFC 9110, 7.6.1; and Expect, which the server in front of us has answered
HOP_BY_HOP = {"connection", "expect", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"}


@dataclass(frozen=True)
class Routes:
    """From path to upstream; ``prefixes`` are sorted, the longest first."""

    prefixes: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, system: Topology, ports: Mapping[str, int]) -> Routes:
        """``ports`` by target id; the longest prefix comes first."""
        found = {path: f"http://127.0.0.1:{ports[target.id]}" for target in system.targets for path in target.paths}
        return cls(tuple(sorted(found.items(), key=lambda route: len(route[0]), reverse=True)))

    def upstream(self, path: str) -> str | None:
        """A prefix ends at a slash: ``/r`` takes ``/r`` and ``/r/x``, never ``/rooms``."""
        for prefix, upstream in self.prefixes:
            if path == prefix or path.startswith(prefix.rstrip("/") + "/"):
                return upstream
        return None


class Gateway:
    """Sends each request on to its target and the answer back; ``patience`` in seconds for one that restarts."""

    def __init__(self, routes: Routes, session: ClientSession, patience: float = PATIENCE) -> None:
        self._routes = routes
        self._session = session
        self._patience = patience

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        upstream = self._routes.upstream(request.path)
        if upstream is None:
            return _refusal(request, 404, "There is nothing at this address.")
        if (request.content_length or 0) > MAX_BODY:
            return _refusal(request, 413, TOO_LARGE)
        small = request.content_length is not None and request.content_length <= SMALL_BODY
        body = await request.read() if small else None
        try:
            answer = await self._ask(request, upstream, body)
        except (TimeoutError, ClientError) as error:
            if isinstance(error.__cause__, web.HTTPRequestEntityTooLarge):
                return _refusal(request, 413, TOO_LARGE)
            return _refusal(
                request, 503, "This part of the site is restarting. Please try again.", {"Retry-After": "2"}
            )
        async with answer:
            return await _pass_on(request, answer)

    async def _ask(self, request: web.Request, upstream: str, body: bytes | None) -> ClientResponse:
        """Send it on. Tries again while the target restarts, where nothing was sent or sending twice is harmless."""
        url = URL(upstream + request.rel_url.raw_path_qs, encoded=True)
        headers = _without_hops(request.headers)
        # always an entry of our own: a blank one would let the visitor's own claim take its place
        peer = request.remote or "unknown"
        headers["X-Forwarded-For"] = ", ".join([*request.headers.getall("X-Forwarded-For", []), peer])
        headers.setdefault("X-Forwarded-Proto", request.scheme)
        deadline = time.monotonic() + self._patience
        while True:
            data = body if body is not None else _stream(request) if request.can_read_body else None
            try:
                return await self._session.request(
                    request.method, url, headers=headers, data=data, allow_redirects=False
                )
            except ClientError as error:
                unsent = isinstance(error, ClientConnectorError)
                harmless = request.method in IDEMPOTENT and not request.can_read_body
                if not (unsent or harmless) or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(RETRY_PAUSE)


def _refusal(
    request: web.Request, status: int, title: str, headers: Mapping[str, str] = MappingProxyType({})
) -> web.Response:
    """An answer of our own: to programs as the API's description says, RFC 9457."""
    kind, text = "text/plain", f"{title}\n"
    if request.path.startswith("/api/"):
        kind, text = "application/problem+json", json.dumps({"type": "about:blank", "title": title, "status": status})
    secure = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return web.Response(status=status, text=text, content_type=kind, headers={**secure, **headers})


async def _stream(request: web.Request) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > MAX_BODY:
            raise web.HTTPRequestEntityTooLarge(MAX_BODY, size)
        yield chunk


async def _pass_on(request: web.Request, answer: ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=_without_hops(answer.headers))
    with suppress(ConnectionResetError):  # the visitor has gone
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    return response


def _without_hops(headers: Mapping[str, str]) -> CIMultiDict[str]:
    named = {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    return CIMultiDict((k, v) for k, v in headers.items() if k.lower() not in HOP_BY_HOP | named)


def application(routes: Routes, patience: float = PATIENCE) -> web.Application:
    """The gateway as an aiohttp application; ``patience`` as in ``Gateway``."""
    # A body goes on as it came: what is not gzip, whatever its header says, is for the function to refuse.
    app = web.Application(client_max_size=SMALL_BODY, handler_args={"auto_decompress": False})
    logging.getLogger("aiohttp.server").addFilter(_of_ours)
    app.router.add_route("*", "/{path:.*}", _handle)

    async def client(app: web.Application) -> AsyncIterator[None]:
        connector = TCPConnector(limit=0, keepalive_timeout=1.0)  # gunicorn lets go of an idle connection after 2 s
        async with ClientSession(
            connector=connector,
            timeout=ClientTimeout(total=None, sock_connect=2, sock_read=60),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            max_field_size=MAX_HEADER,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        ) as session:
            app[GATEWAY] = Gateway(routes, session, patience)
            yield

    app.cleanup_ctx.append(client)
    return app


def _of_ours(record: logging.LogRecord) -> bool:
    """aiohttp tells of every request that is no HTTP with a traceback; it was answered, and is no fault of ours."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


async def _handle(request: web.Request) -> web.StreamResponse:
    return await request.app[GATEWAY](request)


GATEWAY = web.AppKey("gateway", Gateway)


def main() -> None:
    """Argument: the number of the socket it listens at. ``ONESTOP_TARGETS`` has the ports by target id, in JSON."""
    logs.setup()  # aiohttp tells of errors with what it was asked for
    listener = socket.socket(fileno=int(sys.argv[1]))
    routes = Routes.of(topology.load(), json.loads(os.environ["ONESTOP_TARGETS"]))
    web.run_app(application(routes), sock=listener, print=None, access_log=None, shutdown_timeout=5)


if __name__ == "__main__":
    main()

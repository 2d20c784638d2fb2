"""All targets in one process, behind the functions framework's own WSGI entry: what a server would hand over goes in,
byte by byte, and what it would send comes out. Fast enough for thousands of requests."""

from __future__ import annotations

import functools
import importlib
import io
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote_to_bytes, urlsplit

import functions_framework
import pytest
from werkzeug.datastructures import Headers

from infra.entry import root_main
from infra.local import content
from infra.local.gateway import Routes
from infra.local.identity import Signer
from shared import topology, wiring
from shared.wiring import Platform

BASE = "http://127.0.0.1:8080"
SECRET = "the hook's secret"
SETTINGS = {
    "ONESTOP_ENGINE": "embedded",
    "ONESTOP_BASE_URL": BASE,
    "ONESTOP_SECRET_KEYS": "a key for tests, long enough to sign",
    "ONESTOP_LIMITS": "off",
    "ONESTOP_INBOUND_SECRET": SECRET,
    "ONESTOP_TEST_CLOCK": "1",
}


@dataclass
class Answer:
    status: int
    headers: Headers
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class House:
    """
    Args:
        targets: WSGI applications by target (``registration-web``).
        push_authorization: the header that pushes carry.
        complaints: what was logged with a traceback since the start.
    """

    platform: Platform
    targets: dict[str, Any]
    push_authorization: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        ports = {name: number for number, name in enumerate(self.targets)}
        self._routes, self._names = Routes.of(topology.load(), ports), list(self.targets)

    def get(self, target: str, **options: Any) -> Answer:
        return self.send("GET", target, **options)

    def send(
        self,
        method: str,
        address: str,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes | IO[bytes] = b"",
        at: str = "",
        chunked: bool = False,
    ) -> Answer:
        """
        Args:
            address: path and query as they stand in the request line.
            at: the target; without one, the gateway's choice by the path.
        """
        environ = _environ(method, address, headers, body, chunked)
        app = self.targets[at or self.target(environ["PATH_INFO"])]
        started: list[Any] = []
        errors = environ["wsgi.errors"]
        result = app(environ, lambda *args: started.append(args))
        try:
            content = b"".join(result)
        finally:
            getattr(result, "close", lambda: None)()
        if errors.getvalue():
            self.complaints.append(errors.getvalue())
        status, sent = started[-1][:2]
        return Answer(int(status.split()[0]), Headers(sent), content)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """As one WSGI application, for tools that want one."""
        environ["wsgi.input_terminated"] = True  # as gunicorn has it
        environ.pop("HTTP_ACCEPT_ENCODING", None)  # werkzeug's client asks for gzip and does not unpack it
        return self.targets[self.target(environ["PATH_INFO"])](environ, start_response)

    def target(self, path: str) -> str:
        upstream = self._routes.upstream(path) or self._routes.upstream("/")
        assert upstream is not None
        return self._names[urlsplit(upstream).port or 0]


def _environ(
    method: str, address: str, headers: Sequence[tuple[str, str]], body: bytes | IO[bytes], chunked: bool
) -> dict[str, Any]:
    """As gunicorn makes it (gunicorn/http/wsgi.py)."""
    path, _, query = address.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path.encode("latin-1", "replace")).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": address,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8080",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body) if isinstance(body, bytes) else body,
        "wsgi.input_terminated": True,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ and key != "HTTP_HOST" else value
    if chunked:
        environ["HTTP_TRANSFER_ENCODING"] = "chunked"
    elif body and isinstance(body, bytes):
        environ.setdefault("CONTENT_LENGTH", str(len(body)))
    return environ


class _Complaints(logging.Handler):
    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self._found.append(logging.Formatter().format(record))


@contextmanager
def opened(folder: Path, **settings: str) -> Iterator[House]:
    """A house with the sample content on a store of its own."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**SETTINGS, "ONESTOP_DATA": str(folder / "data"), **settings}.items():
            patch.setenv(name, value)
        _forget()
        try:
            yield _open(folder)
        finally:
            _forget()
            root.handlers[:], root.level = before[0], before[1]


def _open(folder: Path) -> House:
    system, targets = topology.load(), {}
    for function in sorted({target.function for target in system.targets}):
        source = folder / "stage" / function / "main.py"
        source.parent.mkdir(parents=True)
        source.write_text(root_main(function))
        for target in system.targets:
            if target.function == function:
                targets[target.id] = functions_framework.create_app(target.name, str(source))
    signer = Signer(folder / "data", "onestop")
    platform = wiring.platform()
    _import_content()
    house = House(platform, targets, signer.authorization())
    logging.getLogger().handlers[:] = [_Complaints(house.complaints)]
    return house


def _import_content() -> None:
    for importer in content.importers():
        with redirect_stdout(io.StringIO()):
            importer.main(["import", "--if-empty"])


def _forget() -> None:
    """Each process has one platform and one of each site; here, one for each house."""
    wiring.platform.cache_clear()
    for function in {target.function for target in topology.load().targets}:
        module = importlib.import_module(f"functions.{function}.main")
        for made in vars(module).values():
            if isinstance(made, functools._lru_cache_wrapper):
                made.cache_clear()
    sys.modules.pop("main", None)

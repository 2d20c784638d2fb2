"""The questions that follow a deployment: right about a site that works, and about one that does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from infra import smoke
from tests.system.harness import Onestop

pytestmark = pytest.mark.system


@pytest.fixture
def stranger() -> Iterator[str]:
    """A site that answers everything with a friendly page."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<h1>Welcome</h1>")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_site_that_works_gives_right_answers(onestop: Onestop, capsys: pytest.CaptureFixture[str]) -> None:
    assert smoke.main([onestop.url]) == 0, capsys.readouterr().out


def test_somebody_elses_page_is_no_answer(stranger: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert smoke.main([stranger]) == 1
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} == {"wrong"}


def test_nobody_there_is_an_answer_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert smoke.main(["http://127.0.0.1:9"]) == 1
    assert "ConnectionRefusedError" in capsys.readouterr().out

"""Nothing that opens a door, and nobody's address, is in a log: neither in a message nor in an exception's text."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Request, Response
from werkzeug.test import EnvironBuilder

from shared.keys.tokens import Tokens
from shared.observability import logs
from shared.observability.masks import masked
from shared.web.site import Site
from shared.web.visit import Visit
from tests.functions.browser import platform

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
TOKENS = Tokens(["a key"])
MANAGE = TOKENS.sign("manage", "ABCD-EFGH")
SIGN_IN = TOKENS.sign("sign-in", "0" * 32, NOW + timedelta(minutes=15))
REPLY = TOKENS.sign_folded("reply", "abcdefgh.who", NOW)
SECRETS = [MANAGE, SIGN_IN, REPLY, "s3cret-of-the-hook", "eyJhbGciOi.eyJzdWIi.c2ln", "hunter2"]
TEXTS = [
    f"unexpected error at /r/{MANAGE}",
    f"unexpected error at /r/{MANAGE}/calendar.ics?lang=en",
    f"GET https://onestop.test/i/{MANAGE}?received=1 HTTP/1.1",
    f"/desk/sign-in/{SIGN_IN}",
    f"/events/forum/registered/{TOKENS.sign('receipt', 'forum:ABCD-EFGH:confirmed')}",
    f"next={quote(f'/r/{MANAGE}')}",
    f"Set-Cookie: desk={TOKENS.sign('session', 'f' * 32)}; Path=/",
    f"token {MANAGE!r} of another purpose",
    quote(f"/i/{MANAGE}", safe=""),
    f"no mailbox for <reply+{REPLY}@in.onestop.test>",
    f"no mailbox for reply%2B{REPLY}",
    f"bad folded token: {REPLY.upper()}",
    "{'Authorization': 'Bearer s3cret-of-the-hook'}",
    "Authorization: Basic s3cret-of-the-hook",
    "expected bearer s3cret-of-the-hook",
    "X-Goog-IAP-JWT-Assertion eyJhbGciOi.eyJzdWIi.c2ln",
    "cannot reach smtps://mailer:hunter2@relay.test:465",
    "POST /inbound/mail?secret=hunter2&recipient=hunter2%40x",
]


@pytest.mark.parametrize("text", TEXTS)
def test_what_opens_a_door_is_masked_wherever_it_stands(text: str) -> None:
    shown = masked(f"before {text} after")
    for secret in SECRETS:
        assert secret not in shown
        assert secret.lower() not in shown.lower()
        assert quote(secret, safe="") not in shown
    assert "***" in shown
    assert shown.startswith("before ")


@pytest.mark.parametrize("text", TEXTS)
def test_unmasked_each_of_these_would_tell_a_secret(text: str) -> None:
    """The negative control: without the masks, what the test above looks for is there (or a signed token is)."""
    found = [s for s in SECRETS if s.lower() in text.lower() or quote(s, safe="") in text]
    assert found or "~" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mail to jane.doe@example.org failed", "mail to j***@example.org failed"),
        ("unexpected error at /events/forum", "unexpected error at /events/forum"),
        ("the clock comes back to ABCD-EFGH:who", "the clock comes back to ABCD-EFGH:who"),
        ("registration taken", "registration taken"),
        ("/desk/inquiries/ABCD-EFGH/rooms/x", "/desk/inquiries/ABCD-EFGH/rooms/x"),
    ],
)
def test_what_an_operator_needs_stays_readable(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "piece", ["a", "a.", "/r/", "~", "%7E", "reply+", "a=&", "://", "@", "é", "a~0~", "&a=", "cookie"]
)
def test_long_texts_of_any_kind_are_masked_in_linear_time(piece: str) -> None:
    """The growth, counted in steps of the clock of a process by itself: a quadratic pattern would take minutes."""
    text = piece * (400_000 // len(piece))
    code = f"from shared.observability.masks import masked; masked({piece!r} * {len(text) // len(piece)})"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# -- the whole way --


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What this process logs, as it leaves it."""
    stream, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonFormatter())
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


def test_a_failing_personal_page_logs_neither_its_link_nor_the_exceptions(written: io.StringIO, tmp_path: Path) -> None:
    site = Site(platform(tmp_path), tmp_path)

    @site.route("/r/<token>")
    def personal(visit: Visit, token: str) -> Response:
        raise ValueError(f"cannot show {token} to jane.doe@example.org")

    answer = site(Request(EnvironBuilder(f"/r/{MANAGE}", headers={"Cookie": f"desk={SIGN_IN}"}).get_environ()))
    assert answer.status_code == 500
    entry = json.loads(written.getvalue())
    assert entry["message"] == "unexpected error at /r/***"
    assert "ValueError: cannot show *** to j***@example.org" in entry["exception"]
    assert MANAGE not in written.getvalue()


def test_fields_are_masked_at_any_depth(written: io.StringIO) -> None:
    fields: dict[str, Any] = {
        "links": [f"/r/{MANAGE}"],
        "more": {"link": f"/i/{MANAGE}"},
        "path": Path(f"/r/{MANAGE}"),
        "n": 3,
    }
    logging.getLogger("x").error("told", extra={"fields": fields})
    assert MANAGE not in written.getvalue()
    assert json.loads(written.getvalue())["n"] == 3


def test_the_server_under_a_function_masks_its_own_errors() -> None:
    """gunicorn writes the request's whole address, through a handler of its own."""
    stream = io.StringIO()
    server = logging.getLogger("gunicorn.error")
    handler = logging.StreamHandler(stream)
    server.addHandler(handler)
    root = logging.getLogger().handlers[:]
    try:
        logs.setup()
        server.error("Error handling request %s", f"/r/{MANAGE}?lang=ar")
    finally:
        server.removeHandler(handler)
        logging.getLogger().handlers[:] = root
    assert json.loads(stream.getvalue())["message"] == "Error handling request /r/***?lang=***"

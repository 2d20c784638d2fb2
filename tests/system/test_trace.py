"""One registration leaves one trace, from the visitor's request to the mail, and no personal data in any log."""

from __future__ import annotations

import http.client
import json
import secrets
from typing import Any

import pytest

from tests.system.harness import Onestop, wait_for
from tests.system.people import register

pytestmark = pytest.mark.system


def entries(onestop: Onestop, process: str) -> list[dict[str, Any]]:
    """What a process has logged, without the lines that are not ours (the server's own)."""
    lines = (onestop.data / "logs" / f"{process}.log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def of_trace(onestop: Onestop, process: str, trace: str) -> list[dict[str, Any]]:
    return [e for e in entries(onestop, process) if e.get("logging.googleapis.com/trace", "").endswith(trace)]


def test_the_request_and_its_mail_are_logged_under_one_trace_and_event(onestop: Onestop) -> None:
    trace, email = secrets.token_hex(16), f"{secrets.token_hex(4)}.traced@trace.example"
    answer = register(onestop.url, "open-briefing", email, trace=f"00-{trace}-{secrets.token_hex(8)}-01")
    onestop.wait_for_mail(email)

    assert answer.status == 201
    (taken,) = of_trace(onestop, "registration-web", trace)
    stored = onestop.store().get("registrations", taken["reference"])
    assert stored
    assert (taken["message"], stored.data["email"]) == ("registration taken", email)
    sent = wait_for(
        lambda: [e for e in of_trace(onestop, "notification-events", trace) if e["message"] == "mail sent"],
        "the mail's line",
    )
    assert {e["event_id"] for e in sent} == {taken["event_id"]}
    handled = wait_for(
        lambda: [e for e in of_trace(onestop, "notification-events", trace) if e["message"] == "event handled"],
        "the event's line",
    )
    assert handled[0]["event_id"] == taken["event_id"]

    for log in (onestop.data / "logs").glob("*.log"):
        assert email not in log.read_text(), f"{log.name} holds a visitor's address"


def test_every_target_tells_whether_it_is_well(onestop: Onestop) -> None:
    for target, port in onestop.ports.items():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200, target
        connection.close()

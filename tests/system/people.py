"""People who register or ask for assistance through the API of a running onestop, many at once."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """What one person got; instants are the machine's monotonic seconds."""

    email: str
    status: int
    body: dict[str, Any]
    asked_at: float
    answered_at: float
    retry_after: str | None = None


def register(url: str, event: str, email: str, key: str | None = None, trace: str = "", **changes: Any) -> Answer:
    """One request, ``trace`` being its header ``traceparent``.

    Raises ``OSError`` or ``http.client.HTTPException`` where nothing came back.
    """
    person = {
        "given_name": email.partition("@")[0],
        "family_name": "Tester",
        "email": email,
        "country": "SN",
        "organisation": "Ministry of Health",
        "category": "participant",
        "language": "en",
        "consent": True,
        **changes,
    }
    return _post(url, f"/api/events/{event}/registrations", person, key, trace)


def inquire(url: str, email: str, **changes: Any) -> Answer:
    """One request for assistance. Raises as ``register`` does."""
    request = {
        "given_name": email.partition("@")[0],
        "family_name": "Tester",
        "email": email,
        "country": "KE",
        "requester_type": "government",
        "topics": [],
        "subject": "A question",
        "message": "How do we begin?",
        "language": "en",
        "consent": True,
        **changes,
    }
    return _post(url, "/api/inquiries", request, None)


def _post(url: str, path: str, body: dict[str, Any], key: str | None, trace: str = "") -> Answer:
    asked = time.monotonic()
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key, "traceparent": trace}
        headers = {name: value for name, value in headers.items() if value}
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        said = json.loads(answer.read() or b"{}")
    finally:
        connection.close()
    return Answer(body["email"], answer.status, said, asked, time.monotonic(), answer.headers["Retry-After"])


def register_until_answered(url: str, event: str, email: str, patience: float = 90) -> Answer:
    """As a careful program does: the same key again after a fault, until an answer below 500 comes."""
    key, deadline = uuid.uuid4().hex, time.monotonic() + patience
    while True:
        try:
            answer = register(url, event, email, key)
            if answer.status < 500:
                return answer
        except (OSError, http.client.HTTPException, ValueError):
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"no answer for {email}")
        time.sleep(0.1)


def crowd(url: str, event: str, emails: Sequence[str], clients: int) -> list[Answer]:
    """Everybody registers, ``clients`` at a time. Raises what the first one that failed raised."""
    waiting, answers, faults = list(emails)[::-1], [], []

    def client() -> None:
        while waiting and not faults:
            try:
                email = waiting.pop()
            except IndexError:
                return
            try:
                answers.append(register_until_answered(url, event, email))
            except Exception as fault:
                faults.append(fault)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return answers

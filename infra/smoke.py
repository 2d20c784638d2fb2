"""Ask a running onestop whether it works: ``python -m infra.smoke https://register.example.org``.

Changes nothing. Says one line for each question and ends with 1 where an answer is wrong.
"""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared import topology

SECONDS = 30  # a first instance may have to start


@dataclass(frozen=True)
class Answer:
    """What came back to a question; ``headers`` by name in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def ours(self) -> bool:
        """Whether a function of ours answered, or the proxy before a desk, rather than somebody else's page."""
        if self.headers.get("location", "").startswith("https://accounts.google.com/"):
            return True
        is_json = self.headers.get("content-type", "").startswith(("application/json", "application/problem+json"))
        return self.status < 500 and (is_json or "content-security-policy" in self.headers)


def main(arguments: list[str]) -> int:
    """Argument: the origin's URL. Returns the exit status: 1 where an answer is wrong, 2 for another argument."""
    if len(arguments) != 1 or urlsplit(arguments[0]).scheme not in ("http", "https"):
        print(__doc__, file=sys.stderr)
        return 2
    faults = 0
    for question, fault in questions(arguments[0].rstrip("/")):
        print(f"{'wrong' if fault else 'ok':5}  {question}{fault and ': ' + fault}")
        faults += bool(fault)
    return 1 if faults else 0


def questions(url: str) -> Iterator[tuple[str, str]]:
    """Each question with what is wrong about its answer; empty where nothing is."""
    for target in topology.load().targets:
        for path in target.paths:
            yield f"{path} is answered by {target.id}", _fault(url, path, lambda answer: answer.ours)
    # Not /healthz: Cloud Run keeps some paths that end in z to itself. This reads the store as well.
    yield "the list of events is there", _fault(url, "/api/events", _lists_events)
    yield "the API describes itself", _fault(url, "/api/openapi.json", _describes_itself)
    if url.startswith("https:"):
        plain = url.replace("https:", "http:", 1)
        yield "plain HTTP leads to HTTPS", _fault(plain, "/", lambda answer: answer.status in (301, 308))


def _lists_events(answer: Answer) -> bool:
    return answer.status == 200 and isinstance(json.loads(answer.body)["events"], list)


def _describes_itself(answer: Answer) -> bool:
    return answer.status == 200 and bool(json.loads(answer.body)["paths"])


def _fault(url: str, path: str, good: Callable[[Answer], bool]) -> str:
    try:
        answer = get(url, path)
        return "" if good(answer) else f"unexpected answer {answer.status} {answer.body[:80]!r}"
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        return f"{type(error).__name__}: {error}"


def get(url: str, path: str) -> Answer:
    """One GET; redirects are answers, not followed."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=SECONDS)
    try:
        connection.request("GET", path, headers={"User-Agent": "onestop-smoke"})
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

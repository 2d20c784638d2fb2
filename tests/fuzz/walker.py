"""A visitor who follows every link and sends every form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlencode, urlsplit

from tests.functions.browser import Form, forms
from tests.house import Answer, House

KEPT = ("csrf_token", "version", "shown", "submission", "id", "email")  # fields without which a form is of no form


class Walker:
    """Follows every link of our own, then sends every form: empty, with nonsense, as it stands, and without anything.

    Of what differs only in the thing that it is about, one.
    """

    def __init__(self, house: House, cookies: str) -> None:
        self._house = house
        self._headers = [("Cookie", f"{cookies}; lang=ar"), ("Accept", "text/html")]
        self._waiting: list[str] = []
        self._forms: dict[tuple[str, ...], tuple[str, Form]] = {}
        self._seen: set[str] = set()
        self._sent: set[tuple[str, ...]] = set()

    def walk(self, starts: list[str], beside: Walker | None = None) -> Iterator[tuple[str, Answer]]:
        """Every request and its answer. ``beside``: another whose pages need not be looked at again."""
        self._waiting += starts
        self._seen |= beside._seen if beside else set()
        while True:
            yield from self._pages()
            key = next((key for key in self._forms if key not in self._sent), None)
            if key is None:
                return
            self._sent.add(key)
            yield from self._send(*self._forms[key])

    def _pages(self) -> Iterator[tuple[str, Answer]]:
        while self._waiting:
            path = self._waiting.pop(0)
            if alike(path) in self._seen:
                continue
            self._seen.add(alike(path))
            answer = self._house.get(path, headers=self._headers)
            yield f"GET {path}", answer
            self._note(answer, path)

    def _send(self, action: str, form: Form) -> Iterator[tuple[str, Answer]]:
        kept = [(name, value) for name, value in form.fields if name in KEPT]
        others = [name for name, _ in form.fields if name not in KEPT]
        for value in ("", "ж" * 30):
            yield f"POST {action}", self.post(action, [*kept, *((name, value) for name in others)])
        for fields in (form.fields, []):
            yield f"POST {action}", self.post(action, fields)

    def post(self, action: str, fields: list[tuple[str, str]]) -> Answer:
        headers = [*self._headers, ("Content-Type", "application/x-www-form-urlencoded")]
        answer = self._house.send("POST", action, headers, urlencode(fields).encode())
        self._note(answer, action)
        return answer

    def _note(self, answer: Answer, path: str) -> None:
        """Links and forms of a page; where it sends a browser."""
        if location := answer.headers.get("Location"):
            parts = urlsplit(location)
            self._waiting.append(f"{parts.path}?{parts.query}" if parts.query else parts.path)
        elif answer.headers.get("Content-Type", "").startswith("text/html"):
            links = [unescape(link) for link in re.findall(r'href="(/[^"]*)"', answer.text)]
            self._waiting += [link for link in links if not re.match("/static|/assets|//|.*lang=", link)]
            for form in forms(answer):  # type: ignore[arg-type]
                action = (form.action or path).partition("#")[0]
                if "sign-out" not in action:
                    self._forms.setdefault((alike(action), *sorted({name for name, _ in form.fields})), (action, form))


def alike(path: str) -> str:
    """The same for pages that differ only in what they are about."""
    parts = urlsplit(path)
    thing = r"[0-9A-Z]{4}-[0-9A-Z]{4}|~~[\w-]+|[0-9a-f]{16,}|\d[\w.]{8,}"
    return re.sub(thing, "#", f"{parts.path}?{parts.query}")

"""A small browser over one ``Site``, without a server: cookies are kept, forms are sent as they were shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from flask import Request
from werkzeug.test import Client, TestResponse

from shared import topology
from shared.adapters.embedded.files import FolderFiles
from shared.adapters.embedded.store import SqliteStore
from shared.keys.tokens import Tokens
from shared.settings import Limits, Settings
from shared.web.site import Site
from shared.wiring import Platform

DOMAIN = "onestop.test"
SETTINGS = Settings(
    engine="embedded",
    data=Path(),
    base_url=f"https://{DOMAIN}",
    secret_keys=("a key for tests, long enough to sign",),
    desk_keys=("another key for tests, for the desk",),
    allowed_origins=(),
    mail_from="onestop <noreply@onestop.test>",
    smtp_relays=(),
    project="tests",
    test_clock=False,
    limits=Limits(0, 0, 0, 0, 0),
)


@dataclass
class StoppedClock:
    """Moves only when told to."""

    time: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def forward(self, **units: float) -> None:
        self.time += timedelta(**units)


class NoMail:
    """Slices other than notification never touch the mailer or the bus: any use fails."""


def platform(folder: Path, settings: Settings = SETTINGS, **others: Any) -> Platform:
    """A platform on a new SQLite file in ``folder``, with a clock that stands still."""
    store = SqliteStore(folder / "store.db", topology.load().store)
    files, tokens = FolderFiles(folder / "files"), Tokens(settings.secret_keys, settings.desk_keys)
    return Platform(settings, store, NoMail(), NoMail(), files, StoppedClock(), tokens, **others)  # type: ignore[arg-type]


@dataclass
class Form:
    """What a browser would send of a form.

    Args:
        typed: the fields that people fill in, all but hidden ones and files, with the values that they choose from,
            none where they write.
    """

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    id: str = ""
    typed: dict[str, list[str]] = field(default_factory=dict)


class Browser:
    """Cookies of one visitor at one or several sites of the same origin."""

    def __init__(self, *sites: Site, address: str = "203.0.113.7") -> None:
        self._sites = sites
        self._address = address
        self._client = Client(self._answer)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self._open(path, method="GET", **options)

    def post(self, path: str, data: Any = None, **options: Any) -> TestResponse:
        return self._open(path, method="POST", data=data, **options)

    def send(self, page: TestResponse, index: int = 0, at: str | None = None, **values: Any) -> TestResponse:
        """Send the page's form number ``index`` with ``values`` instead of what stands in its fields."""
        form = forms(page)[index]
        kept = [(name, value) for name, value in form.fields if name not in values]
        given = [(n, v) for n, value in values.items() for v in (value if isinstance(value, list) else [value])]
        data: dict[str, list[Any]] = {}
        for name, value in [*kept, *given]:
            data.setdefault(name, []).append(value)
        target = at or form.action or page.request.path
        return self.post(target, data)

    def follow(self, response: TestResponse) -> TestResponse:
        assert response.status_code == 303, response.text
        return self.get(response.headers["Location"].removeprefix(SETTINGS.base_url))

    def cookie(self, name: str) -> str:
        found = self._client.get_cookie(f"__Host-{name}", DOMAIN)
        return found.value if found else ""

    def set_cookie(self, name: str, value: str) -> None:
        self._client.set_cookie(f"__Host-{name}", value, domain=DOMAIN)

    def _open(self, path: str, **options: Any) -> TestResponse:
        options.setdefault("environ_base", {"REMOTE_ADDR": self._address})
        return self._client.open(path, base_url=SETTINGS.base_url, **options)

    def _answer(self, environ: Any, start_response: Any) -> Any:
        response = self._sites[0](Request(environ))
        for other in self._sites[1:]:
            if response.status_code != 404:
                break
            response = other(Request(environ))
        return response(environ, start_response)


def forms(page: TestResponse) -> list[Form]:
    """The forms of ``<main>`` with what a browser would send of them, buttons aside; then, for each button with an
    address of its own, its form as it sends that there."""
    reader = _Forms()
    reader.feed(page.text.partition("<main")[2].partition("</main>")[0])
    return reader.all_forms()


def words(page: TestResponse) -> str:
    """The text of ``<main>``."""
    main = re.search(r"<main.*?</main>", page.text, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main[0] if main else page.text)).strip()


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self._forms: list[Form] = []
        self._open: Form | None = None
        self._area: str | None = None
        self._select: str | None = None
        self._text = ""
        self._owner = Form("")
        self._elsewhere: list[tuple[Form, str]] = []  # forms to be, of controls that stand outside them, and their ids
        self._buttons: list[tuple[Form, str, list[tuple[str, str]]]] = []

    def all_forms(self) -> list[Form]:
        by_id = {form.id: form for form in self._forms if form.id}
        for part, name in self._elsewhere:
            by_id[name].fields += part.fields
            for each, offered in part.typed.items():
                by_id[name].typed.setdefault(each, []).extend(offered)
        whole = {id(part): by_id[name] for part, name in self._elsewhere}
        sent = [(whole.get(id(owner), owner), action, own) for owner, action, own in self._buttons]
        return [*self._forms, *(Form(action, [*form.fields, *own]) for form, action, own in sent)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), id=given.get("id", ""))
            self._forms.append(self._open)
        elif tag == "option":
            if self._select is not None:
                self._owner.typed[self._select].append(given.get("value", ""))
                if "selected" in given:
                    self._owner.fields.append((self._select, given.get("value", "")))
        elif tag in ("input", "textarea", "select", "button"):
            self._control(tag, given)

    def _control(self, tag: str, given: dict[str, str]) -> None:
        owner = Form("") if "form" in given else self._open
        if owner is None:
            return
        if "form" in given:
            self._elsewhere.append((owner, given["form"]))
        self._owner = owner
        kind, name = given.get("type", "text"), given.get("name", "")
        if tag == "button":
            if "formaction" in given:
                self._buttons.append((owner, given["formaction"], [(name, given.get("value", ""))] if name else []))
            return
        if name and kind not in ("hidden", "submit", "file") and "hidden" not in given:
            owner.typed.setdefault(name, []).extend([given["value"]] if kind in ("checkbox", "radio") else [])
        if tag == "input" and name and kind not in ("submit", "file"):
            if kind not in ("checkbox", "radio") or "checked" in given:
                owner.fields.append((name, given.get("value", "")))
        elif tag == "textarea":
            self._area, self._text = name, ""
        elif tag == "select":
            self._select = name

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area is not None:
            self._owner.fields.append((self._area, self._text.removeprefix("\n")))
            self._area = None
        elif tag == "select":
            self._select = None
        elif tag == "form":
            self._open = None


def form_to(page: TestResponse, ending: str) -> int:
    """The number of the form whose action ends so."""
    return next(n for n, form in enumerate(forms(page)) if form.action.partition("#")[0].endswith(ending))


def press(browser: Browser, page: TestResponse, ending: str, **values: object) -> TestResponse:
    """Fill in that form and send it."""
    return browser.send(page, form_to(page, ending), **values)

"""Every page, list, error and mail, with all that gettext gives in other letters: no English is left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Response

from functions.notification.mails.composers import mails_for
from functions.notification.mails.render import render
from infra import catalogues
from shared.contracts.bus_events import BusEvent, Payload
from shared.web.visit import Visit
from tests import payloads
from tests.functions.inquiry_world import REQUEST
from tests.functions.test_bodies import PERSON
from tests.fuzz.pseudo import Latin, pseudo, strings, veiled
from tests.fuzz.village import EVENT, FIXED, MAIL, Village
from tests.fuzz.walker import Walker, alike
from tests.house import BASE, Answer, House, opened

ROOT = Path(__file__).parents[2]
STARTS = (
    "/",
    "/events",
    "/activities",
    "/contact",
    "/find",
    "/api",
    "/desk",
    "/desk/sign-in",
    "/mailbox",
    "/no/such/page",
)
TYPED = [*strings(PERSON), *strings(REQUEST), *MAIL.split("\r\n"), *strings(FIXED), "On Monday you wrote:", "ж"]
TYPED += ["Ask 0", "Ask 1", "Ask 2", "Ask 3", "Ask 4", "Adviser", "About it", "We need advice.", "Wanjiru Kamau"]
TYPED += ["other", "category"]  # a code of the API, and a field that the page of an event with one category has not


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    catalogues.compile_all()
    with pseudo(), _recorded(), opened(tmp_path_factory.mktemp("house")) as house:
        made = Village(house)
        made.settle()
        guest = made._caller("guest", "", "/desk/sign-in")
        asked = [("csrf_token", guest.token), ("email", "kenji.mori@wto.example")]
        assert Walker(house, guest.cookies).post("/desk/sign-in", asked).status == 200
        made.pump()
        yield made


shown: set[str] = set()
"""Templates of the pages that were looked at."""


@contextmanager
def _recorded() -> Iterator[None]:
    page = Visit.page

    def recorded(visit: Visit, template: str, *args: Any, **values: Any) -> Response:
        shown.add(template)
        return page(visit, template, *args, **values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Visit, "page", recorded)
        yield


def _links(house: House) -> list[str]:
    """Of all mails that went out: one for each place and kind of mail."""
    found: dict[str, str] = {}
    for path in (house.platform.settings.data / "mail").rglob("*"):
        if path.is_file():
            body = message_from_bytes(path.read_bytes(), policy=policy.default).get_body(("plain",))
            for link in re.findall(rf"{BASE}(/\S+)", body.get_content() if body else ""):
                found.setdefault(alike(link), link)
    return list(found.values())


def _rare(village: Village) -> Iterator[tuple[str, Answer]]:
    """What no link or form of a page leads to."""
    caller = next(one for one in village.callers if one.name == "amara.diallo@who.example")
    headers = [("Cookie", f"{caller.cookies.partition('; ')[2]}; lang=ar"), ("Accept", "text/html")]
    headers.append(("Content-Type", "application/x-www-form-urlencoded"))
    body = urlencode({"csrf_token": caller.token, "text": "ж"}).encode()
    yield "after signing out", village.house.send("POST", "/desk/routing", headers, body)
    yield "not allowed", village.house.send("DELETE", "/events", headers)
    yield "too large", village.house.send("POST", "/desk/settings", headers, b"x=" + b"y" * 2**20)
    yield "too long", village.house.send("GET", "/events?x=" + "y" * 2**15, headers)


def test_no_page_has_english_of_ours(village: Village) -> None:
    """A stranger, a focal point, and of what an administrator sees the rest; every template is met on the way."""
    receipt = f"/events/{EVENT}/registered/{village.known['receipt'][0]}"
    closing = "/desk/inquiries/closing?" + urlencode([("selected", f"{id}~x") for id in village.known["reference"][:3]])
    stranger, head, administrator = (
        Walker(village.house, caller.cookies)
        for name in ("stranger", "amara.diallo@who.example", "admin@who.example")
        for caller in village.callers
        if caller.name == name
    )
    latin, found = Latin(TYPED), set[str]()
    for name, answer in chain(
        stranger.walk([*STARTS, *_links(village.house), receipt]),
        head.walk(["/desk"]),
        head.walk([closing]),
        administrator.walk(["/desk/mail", "/desk/mail?state=dead", "/mailbox"], beside=head),
        _rare(village),
    ):
        if name.startswith("GET /pages/"):
            continue  # told in the words of whoever runs this, who may write "JavaScript"
        left = latin.in_answer(answer.headers["Content-Type"] or "", answer.body)
        found |= {f"{name} {answer.status}: {text}" for text in left}
    assert not found, "\n".join(sorted(found))
    missed = _pages() - shown - {"desk_components.html"}  # specimens, whose words are of nobody's language
    assert not missed, f"never looked at: {sorted(missed)}"


def _pages() -> set[str]:
    """Templates that handlers show: what extends another, layouts aside."""
    templates = {path.name: path.read_text("utf-8") for path in ROOT.glob("*/**/templates/*.html")}
    layouts = {layout for text in templates.values() for layout in re.findall(r'{% extends "(.*?)"', text)}
    return {name for name, text in templates.items() if "{% extends" in text} - layouts


def test_no_answer_of_the_api_has_english_of_ours(village: Village) -> None:
    grammar, latin, found = village.grammar(5), Latin(TYPED), []
    for _ in range(600):
        call = grammar.call()
        headers = [(n, v) for n, v in call.headers if n.lower() not in ("cookie", "accept-language")]
        answer = village.house.send(
            call.method, call.address, [*headers, ("Accept-Language", "ar")], call.body, call.at
        )
        if answer.body and answer.headers.get("Content-Type", "").startswith("application/problem"):
            found += [
                f"{call.method} {call.address[:60]}: {left}"
                for left in latin.in_answer("application/problem+json", answer.body)
            ]
    assert not found, "\n".join(sorted(set(found)))


ARABIC = [
    *payloads.every_payload(registrant=payloads.person("ar", "أمينة", "ديالو")),
    *payloads.every_inquiry_payload("ar"),
    payloads.merged("ar"),
    payloads.found("ar", 2),
]


@pytest.mark.parametrize("payload", ARABIC, ids=lambda payload: payload.type)
def test_no_mail_has_english_of_ours(payload: Payload) -> None:
    typed = {text for one in ARABIC for text in strings(one.model_dump(mode="json"))} | {"onestop", "reply+"}
    latin, found = Latin(typed), list[str]()
    language = {"language": "ar"} if "language" in type(payload).model_fields else {}
    with pseudo():
        for mail in mails_for(BusEvent("event", payloads.NOW, "", payload.model_copy(update=language))):
            sent = render(mail, "event", "onestop <noreply@onestop.example>", payloads.NOW)
            found += _left(message_from_bytes(sent.content, policy=policy.default), latin)
    assert not found


def _left(message: EmailMessage, latin: Latin) -> list[str]:
    parts = {kind: message.get_body((kind,)) for kind in ("plain", "html")}
    assert all(parts.values())
    lines = [str(message["Subject"]), *str(parts["plain"].get_content()).split("\n")]  # type: ignore[union-attr]
    left = [rest for line in lines if (rest := latin.left(line))]
    return left + latin.in_page(str(parts["html"].get_content()))  # type: ignore[union-attr]


def test_what_is_planted_is_found() -> None:
    latin = Latin(["Amina"])
    page = f"<p>{veiled('Hello')} Amina <b>ABCD-2345</b></p><p>Choose one</p><a title='Close it'>ж</a><textarea>Typed"
    assert latin.in_page(page) == ["Choose one", "Close it"]
    assert latin.left(veiled("Choose one of: {expected}.").format(expected="a or b")) != ""
    assert latin.in_answer("application/problem+json", b'{"title": "Gone", "errors": [{"detail": "Input should be"}]}')
    assert latin.in_answer("text/csv", "\ufeffreference,x\r\n1,2\r\n".encode()) == ["reference"]

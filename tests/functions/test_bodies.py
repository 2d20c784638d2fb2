"""Bodies that are too large, too deep, broken or no text: answered in our own words, and nothing of them is kept."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.functions.inquiry_world import REQUEST as INQUIRY
from tests.house import Answer, House

JSON = [("Content-Type", "application/json")]
FORM = [("Content-Type", "application/x-www-form-urlencoded")]
OPEN_EVENT = "local-production-forum-next"
PERSON = {
    "given_name": "Amina",
    "family_name": "Tester",
    "email": "amina@ministry.example",
    "country": "KE",
    "category": "delegation",
    "consent": True,
}


def multipart(fields: dict[str, str], name: str, content: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """A form with one file, which stands before the fields."""
    parts = [f'--b\r\nContent-Disposition: form-data; name="attachments"; filename="{name}"\r\n\r\n'.encode(), content]
    for field, value in fields.items():
        parts.append(f'\r\n--b\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}'.encode())
    return [("Content-Type", "multipart/form-data; boundary=b")], b"".join([*parts, b"\r\n--b--\r\n"])


def form_at(house: House, path: str) -> tuple[dict[str, str], tuple[str, str]]:
    """What a browser would send back of the form at ``path``, and its cookies."""
    page = house.get(path)
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    cookies = "; ".join(value.partition(";")[0] for value in page.headers.getlist("Set-Cookie"))
    return {name: html.unescape(value) for name, value in hidden.items()}, ("Cookie", cookies)


def kept(house: House, *collections: str) -> int:
    return sum(house.platform.store.count(collection) for collection in collections)


def files(house: House) -> list[Path]:
    return list((house.platform.settings.data / "files").rglob("*"))


def is_page(answer: Answer) -> bool:
    return answer.headers["Content-Type"].startswith("text/html") and "Content-Security-Policy" in answer.headers


# -- too large --


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("path", "headers", "size", "page"),
    [
        (f"/api/events/{OPEN_EVENT}/registrations", JSON, 270_000, False),
        ("/api/inquiries", JSON, 31 * 2**20, False),
        ("/inbound/mail", [], 31 * 2**20, False),
        ("/desk/sign-in", FORM, 270_000, True),
        ("/desk/quarantine/ab12/dismiss", FORM, 270_000, True),
        ("/desk/mail/retry", FORM, 270_000, True),
        ("/contact", FORM, 12 * 2**20, True),
        (f"/events/{OPEN_EVENT}/register", FORM, 12 * 2**20, True),
    ],
)
def test_a_body_over_its_limit_is_413(
    house: House, path: str, headers: list[tuple[str, str]], size: int, page: bool, chunked: bool
) -> None:
    if path == "/inbound/mail":
        headers = [("Authorization", "Bearer the hook's secret")]
    body = b"x=" + b"y" * size if headers is FORM else b'"' + b"y" * size + b'"'
    answer = house.send("POST", path, headers, body, chunked=chunked)
    assert answer.status == 413, answer.text
    assert "X-Google-Status" not in answer.headers
    assert is_page(answer) if page else answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_push_over_its_limit_is_413(house: House, chunked: bool) -> None:
    headers = [("Authorization", house.push_authorization)]
    answer = house.send("POST", "/", headers, b" " * (33 * 2**20), at="registration-events", chunked=chunked)
    assert (answer.status, "X-Google-Status" in answer.headers) == (413, False)


def test_of_a_form_with_too_large_a_file_only_the_file_must_be_chosen_again(house: House) -> None:
    fields, cookie = form_at(house, "/contact")
    typed = {name: value for name, value in INQUIRY.items() if isinstance(value, str)}
    headers, body = multipart(fields | typed | {"consent": "on"}, "plan.pdf", b"%PDF-" + b"x" * 12 * 2**20)
    answer = house.send("POST", "/contact", [*headers, cookie], body)
    assert answer.status == 413
    assert is_page(answer)
    assert 'href="#f-attachments"' in answer.text
    for name in ("subject", "message", "given_name", "email"):
        assert html.escape(typed[name]) in answer.text, name
    assert not files(house)
    assert kept(house, "inquiries") == 0


def test_a_form_with_too_long_a_text_comes_back_with_it(house: House) -> None:
    address = f"/events/{OPEN_EVENT}/register"
    fields, cookie = form_at(house, address)
    long = "needs " * 50_000
    body = urlencode(fields | PERSON | {"consent": "on", "answers.accessibility": long}).encode()
    answer = house.send("POST", address, [*FORM, cookie], body)
    assert answer.status == 413
    assert is_page(answer)
    assert 'value="Amina ' in answer.text
    assert kept(house, "registrations") == 0


@pytest.mark.parametrize("path", ["/api/inquiries", "/contact", "/desk/sign-in"])
def test_fields_are_not_counted_for_ever(house: House, path: str) -> None:
    assert house.send("POST", path, FORM, b"a=b&" * 7 * 2**20).status == 413
    assert house.send("POST", path, FORM, b"a=b&" * 2000).status == 413


def test_an_endless_address_is_414(house: House) -> None:
    for address in (f"/{'x' * 20_000}", f"/events?{'a=b&' * 10_000}"):
        assert house.get(address).status == 414


def test_the_way_back_from_signing_in_fits_into_a_header(house: House) -> None:
    for query, back in (("q=x", "?next=/desk/inquiries%3Fq%3Dx"), ("q=x&" * 2000, "")):
        answer = house.get(f"/desk/inquiries?{query}")
        assert (answer.status, answer.headers["Location"].partition("/desk/sign-in")[2]) == (303, back)


def test_a_body_that_breaks_off_is_the_visitors_fault(house: House) -> None:
    class BadChunk(Exception):
        """As gunicorn's, which is no OSError."""

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise BadChunk

    for path, at in (("/contact", ""), ("/api/inquiries", ""), ("/", "notification-events")):
        for headers in (FORM, JSON):
            authorized = [*headers, ("Authorization", house.push_authorization)]
            assert house.send("POST", path, authorized, Broken(), at=at, chunked=True).status in (400, 403)


# -- no JSON, or more than JSON --


def deep(depth: int) -> bytes:
    return b'{"given_name":' + b"[" * depth + b"]" * depth + b"}"


FAULTS: list[tuple[bytes, str]] = [
    (deep(10_000), "body"),
    (deep(500), "given_name"),
    (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "body"),
    (b'{"given_name": "\\ud800"}', "given_name"),
    (b'{"answers": {"dietary": ["\\udfff"]}}', "answers.dietary.0"),
    (b'{"\\ud800": 1}', "body"),
    (b'{"given_name": NaN}', "body"),
    (b'{"given_name": 1e999}', "given_name"),
    (b'{"given_name": -Infinity}', "body"),
    (b'{"given_name": 10000000000000000000}', "given_name"),
    (b'{"given_name": ' + b"1" * 5000 + b"}", "body"),
    (b'{"given_name": [' + b"0," * 100_000 + b"0]}", "body"),
    (b"\xff\xfe{\x00}\x00", "body"),
    (b"", "body"),
    (b"[]", "body"),
]


@pytest.mark.parametrize(("body", "field"), FAULTS)
@pytest.mark.parametrize("path", [f"/api/events/{OPEN_EVENT}/registrations", "/api/inquiries"])
def test_json_that_cannot_be_kept_is_refused_at_its_place(house: House, path: str, body: bytes, field: str) -> None:
    answer = house.send("POST", path, JSON, body)
    assert answer.status == (413 if len(body) > 256 * 1024 and "events" in path else 422), answer.text
    if answer.status == 422:
        assert [error["field"] for error in json.loads(answer.body)["errors"]] == [field]


@pytest.mark.parametrize("at", ["registration-events", "inquiries-events", "notification-events"])
def test_a_push_that_is_none_is_400(house: House, at: str) -> None:
    def push(**message: Any) -> bytes:
        return json.dumps({"message": {"data": base64.b64encode(b"{}").decode()} | message}).encode()

    bodies = [body for body, _ in FAULTS]
    bodies += [b'{"message": {}, "deliveryAttempt": 1e999}', b'{"message": {}, "deliveryAttempt": "x"}']
    bodies += [push(attributes=[1]), push(attributes={"event_id": "\ud800"}), push(data="%"), push(data=7)]
    for body in bodies:
        answer = house.send("POST", "/", [("Authorization", house.push_authorization)], body, at=at)
        assert answer.status == 400, (body[:100], answer.body)


def test_a_file_is_written_only_with_an_inquiry_that_names_it(house: House) -> None:
    file = {"name": "\ud800.txt", "content": base64.b64encode(b"text").decode()}
    body = json.dumps(INQUIRY | {"attachments": [file]}).encode()
    answer = house.send("POST", "/api/inquiries", JSON, body)
    assert answer.status == 422
    assert json.loads(answer.body)["errors"][0]["field"] == "attachments.0.name"
    assert not files(house)


# -- TOML of the dry run --


@pytest.mark.parametrize(
    "draft",
    ["a=" + "[" * 5000, "a=" + "{a=" * 5000, "a." * 100_000 + "a=1", "[" + "a." * 50_000 + "a]", "a=" + "1" * 5000],
)
def test_a_draft_of_rules_is_read_in_bounded_time(draft: str) -> None:
    from functions.inquiries.desk.routing import BadDraft, _read

    with pytest.raises(BadDraft):
        _read(draft, str)

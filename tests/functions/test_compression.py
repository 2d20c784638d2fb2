"""Compressed answers: when, how, and that their length tells no secret."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Response
from werkzeug.test import TestResponse

from shared.staff.gate import DeskGate
from shared.web import static_files, visit
from shared.web.http import compression
from shared.web.http.compression import SMALLEST, packed
from shared.web.site import ANYBODY, Site
from shared.web.spreadsheets import csv_file, xlsx_file
from shared.web.static_files import asset, static_file
from shared.web.visit import Visit
from tests.functions.browser import Browser, forms, platform

GZIP = {"Accept-Encoding": "gzip, deflate, br, zstd"}
LONG = "Registration is open. " * 200
KINDS: dict[str, tuple[str, int, dict[str, str]]] = {
    "text": (LONG, 200, {"Content-Type": "text/html; charset=utf-8"}),
    "least": ("x" * SMALLEST, 200, {"Content-Type": "text/plain"}),
    "less": ("x" * (SMALLEST - 1), 200, {"Content-Type": "text/plain"}),
    "picture": (LONG, 200, {"Content-Type": "image/png"}),
    "part": (LONG, 206, {"Content-Type": "text/html", "Content-Range": "bytes 0-4399/9000"}),
    "missing": (LONG, 404, {"Content-Type": "text/html"}),
}
FORM = """<main>{{ visit.in_language("ar") }}
<form action="/form"><input type="hidden" name="csrf_token" value="{{ visit.csrf_token }}"></form></main>"""


def unpacked(answer: TestResponse) -> bytes:
    return zlib.decompress(answer.data, 31)


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return Browser(_site(tmp_path))


def _site(folder: Path, gate: DeskGate | None = None) -> Site:
    (folder / "form.html").write_text(FORM)
    made = Site(platform(folder), folder, gate)

    @made.route("/kind/<name>", may=ANYBODY)
    def kind(visit: Visit, name: str) -> Response:
        return Response(*KINDS[name])

    @made.route("/form", "GET", "POST", may=ANYBODY)
    def form(visit: Visit) -> Response:
        return visit.page("form.html")

    @made.route("/tagged", may=ANYBODY)
    def tagged(visit: Visit) -> Response:
        response = Response(LONG, content_type="text/css")
        response.set_etag("one")
        return response

    made.route("/assets/<name>", may=ANYBODY)(static_file)
    return made


def test_a_text_comes_compressed(browser: Browser) -> None:
    answer = browser.get("/kind/text", headers=GZIP)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert int(answer.headers["Content-Length"]) == len(answer.data) < 200
    assert unpacked(answer) == LONG.encode()
    asked = browser._open("/kind/text", method="HEAD", headers=GZIP)
    assert (asked.headers["Content-Length"], asked.data) == (answer.headers["Content-Length"], b"")


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [
        ("gzip", True),
        ("GZIP;q=0.2", True),
        ("br;q=1, gzip;q=0.5, *;q=0", True),
        ("*", True),
        ("identity, gzip", True),
        ("", False),
        ("br, zstd", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("identity, gzip;q=0.5", False),
    ],
)
def test_the_browser_says_what_it_takes(browser: Browser, accepted: str, is_packed: bool) -> None:
    answer = browser.get("/kind/text", headers={"Accept-Encoding": accepted})
    assert ("Content-Encoding" in answer.headers) is is_packed
    assert answer.headers["Vary"] == "Accept-Encoding"  # for a cache, whichever it has
    assert (unpacked(answer) if is_packed else answer.data) == LONG.encode()


@pytest.mark.parametrize(
    ("name", "is_packed"), [("least", True), ("less", False), ("picture", False), ("part", False), ("missing", True)]
)
def test_only_what_pays_is_compressed(browser: Browser, name: str, is_packed: bool) -> None:
    answer = browser.get(f"/kind/{name}", headers=GZIP)
    assert ("Content-Encoding" in answer.headers) is is_packed
    assert ("Vary" in answer.headers) is is_packed


def test_a_list_is_compressed_as_it_comes(tmp_path: Path) -> None:
    given: list[int] = []

    def rows() -> Iterator[list[str]]:
        for number in range(100_000):
            given.append(number)
            yield [f"name{hash(str(number))}", str(number)]

    made = Site(platform(tmp_path), tmp_path)
    made.route("/list")(lambda visit: csv_file("list", ["a", "b"], rows()))
    made.route("/sheet")(lambda visit: xlsx_file("list", ["a"], [["b" * 5000]]))
    browser = Browser(made)
    answer = browser.get("/list", headers=GZIP, buffered=False)
    pieces = answer.iter_encoded()
    begun = zlib.decompressobj(31).decompress(next(pieces) + next(pieces))
    assert begun.startswith("\ufeffa,b".encode())
    assert len(given) < 10_000
    assert "Content-Length" not in answer.headers
    answer.close()
    whole = browser.get("/list", headers=GZIP)
    assert unpacked(whole) == browser.get("/list").data
    assert "Content-Encoding" not in browser.get("/sheet", headers=GZIP).headers


def test_a_tag_of_the_bytes_as_they_are_is_weak_for_others(browser: Browser) -> None:
    assert browser.get("/tagged").headers["ETag"] == '"one"'
    assert browser.get("/tagged", headers=GZIP).headers["ETag"] == 'W/"one"'


def test_a_style_sheet_is_compressed_once(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    static_files._packed.cache_clear()
    times: list[int] = []
    monkeypatch.setattr(
        compression, "packed", lambda body, level: times.append(level) or zlib.compress(body, level, 31)
    )
    address = asset("style.css")
    first, again = browser.get(address, headers=GZIP), browser.get(address, headers=GZIP)
    assert first.data == again.data
    sheet = (static_files.STATIC / "style.css").read_text()
    assert unpacked(first).decode() == re.sub(r"(\s|/\*.*?\*/)+", " ", sheet, flags=re.DOTALL)
    assert times == [static_files.BEST]
    kept = browser.get(address, headers={**GZIP, "If-None-Match": first.headers["ETag"]})
    assert (kept.status_code, kept.data) == (304, b"")
    assert kept.headers["Vary"] == "Accept-Encoding"
    assert "Content-Encoding" not in kept.headers
    plain = browser.get(address)
    assert plain.data == unpacked(first)
    assert plain.headers["ETag"] != first.headers["ETag"]
    assert browser.get(address, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


# -- secrets --


def _token(page: TestResponse) -> str:
    (form,) = forms(page)
    return dict(form.fields)["csrf_token"]


def _signed(tmp_path: Path, browser: Browser) -> str:
    """What is under the pad."""
    return platform(tmp_path).tokens.sign("csrf", browser.cookie("visitor"))


def _told(tmp_path: Path, browser: Browser) -> float:
    """Bytes by which a page is shorter where its address repeats the form's secret: what an attacker looks for."""
    browser.get("/form")
    secret = _signed(tmp_path, browser)[-40:]
    guesses = [secret, secret.swapcase()[::-1]]
    right, wrong = [sum(len(packed(browser.get(f"/form?q={guess}").data)) for _ in range(10)) / 10 for guess in guesses]
    return wrong - right


def test_the_length_of_a_page_tells_nothing_of_its_form_s_token(tmp_path: Path, browser: Browser) -> None:
    assert abs(_told(tmp_path, browser)) < 8


def test_without_the_pad_it_would(tmp_path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    monkeypatch.setattr(visit, "padded", lambda secret: secret)
    assert _told(tmp_path, browser) > 16


def test_a_form_s_token_is_another_in_each_answer_and_every_one_is_taken(tmp_path: Path, browser: Browser) -> None:
    pages = [browser.get("/form") for _ in range(3)]
    assert len({_token(page) for page in pages}) == 3
    for page in pages:
        assert _signed(tmp_path, browser) not in page.text
        assert browser.cookie("visitor") not in page.text
        assert browser.post("/form", {"csrf_token": _token(page)}).status_code == 200


def test_no_other_form_s_token_is_taken(tmp_path: Path, browser: Browser) -> None:
    good = _token(browser.get("/form"))
    changed = ("A" if good[0] != "A" else "B") + good[1:]
    unpadded = _signed(tmp_path, browser)
    for bad in (unpadded, changed, good[:-4], good[4:], good + "AAAA", "", "=", "é" * 8, "%%%%", "A" * 100_000):
        assert browser.post("/form", {"csrf_token": bad}).status_code == 403
    assert browser.post("/form", {"csrf_token": good}).status_code == 200
    stranger = Browser(_site(tmp_path))
    stranger.get("/form")
    assert stranger.post("/form", {"csrf_token": good}).status_code == 403


@pytest.mark.parametrize(
    ("source", "is_packed"), [(None, True), ("none", True), ("same-origin", True), ("cross-site", False)]
)
def test_what_another_site_asks_a_desk_for_is_not_compressed(
    tmp_path: Path, source: str | None, is_packed: bool
) -> None:
    headers = {**GZIP, **({"Sec-Fetch-Site": source} if source else {})}
    desk, public = Browser(_site(tmp_path, DeskGate())), Browser(_site(tmp_path))
    assert ("Content-Encoding" in desk.get("/kind/text", headers=headers).headers) is is_packed
    assert "Content-Encoding" in public.get("/kind/text", headers=headers).headers

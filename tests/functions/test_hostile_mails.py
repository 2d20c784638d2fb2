"""Mails and texts that are made to stall whoever reads them: the work grows no faster than they do.

The inputs are those that parsers were slow or deep with, in three sizes. Times are compared with each other, never with
a clock: where work is quadratic, a byte takes 20 times as long in an input of 20 times the size.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from functions.inquiries.inbound_mail import charsets, html_text, parse
from functions.inquiries.inbound_mail.headers import Malformed
from functions.inquiries.inbound_mail.quotations import split

SIZES = (10_000, 50_000, 200_000)  # bytes
HEADER_SIZES = (10_000, 50_000, 120_000)  # what is longer is not looked at
MAX_GROWTH = 4  # of the time for a byte
HEAD = b"From: a@ministry.example\nTo: b@onestop.example\nMIME-Version: 1.0\n"
FLOOR = 0.001  # seconds; below it the machine is measured, not the parser

HTML = {
    "unfinished tags": "<a ",
    "comments": "<!--",
    "open attributes": '<a b="',
    "blockquotes": "<blockquote>x",
    "end tags of nothing": "<b></p>",
    "formats to be opened again": "<font color={n}><p>x",
    "tables": "<table><td>",
    "attributes": " a{n}=1",
    "entities": "&#",
    "angles": "<",
    "lines": "<br>x",
}
FIELDS = ("From", "To", "Content-Type")
VALUES = ('"', "\\", "(", "<", ",", ":", "[", "a@", ";a=", ';a="', "; a*0*=", "=?utf-8?q?a?= ", "=?", "\n ", "reply+")
TEXTS = (
    *("> ", "\n", "x: y\n", "<", "<a@b ", "a@", "_", "* ", "1 ", "\n>a\nb", "wrote:\n", "-----\n"),
    *("a@onestop.example\n", "On 1 <a@onestop.example>\nwrote:\n"),
)
ENDS = ("", ":\n> x\nmine", " a@onestop.example", "\nx: y\nTo: a@onestop.example\nSubject: x\n")


def repeated(piece: str, size: int) -> str:
    return "".join(piece.replace("{n}", str(n)) for n in range(size // len(piece)))


def html_mail(piece: str, size: int) -> bytes:
    start = "<a" if piece.startswith(" ") else "<b>" * 400 if "</" in piece else ""
    return HEAD + b"Content-Type: text/html\n\n" + (start + repeated(piece, size)).encode()


def header_mail(field: str, value: str, size: int) -> bytes:
    start = "multipart/mixed; boundary=b" if field == "Content-Type" else "a "
    head = HEAD.replace(b"From: a@ministry.example\n", b"") if field == "From" else HEAD
    return head + f"{field}: {start}{repeated(value, size)}\n\n--b\n\nx\n--b--\n".encode()


def mime_mail(shape: str, size: int) -> bytes:
    match shape:
        case "many parts":
            return HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * (size // 8)
        case "deep parts":
            levels = (f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(size // 60))
            return HEAD + "".join(levels).encode()
        case "almost boundaries":
            return HEAD + b"Content-Type: multipart/mixed; boundary=" + b"-" * 60 + b"\n\n" + b"-" * size
        case "lines like boundaries":
            return HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + b"--bx\n" * (size // 5)
        case "many headers":
            return HEAD + b"X: y\n" * (size // 5) + b"\n"
        case "mails in mails":
            return HEAD + b"Content-Type: message/rfc822\n\n" * (size // 30)
        case "bytes of no charset":
            return HEAD + b"\n" + bytes(range(128, 256)) * (size // 128)
        case "quoted-printable":
            return HEAD + b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=" * size
        case "base64":
            return HEAD + b"Content-Transfer-Encoding: base64\n\n" + b"=A" * (size // 2)
    raise ValueError(shape)


SHAPES = (
    *("many parts", "deep parts", "almost boundaries", "lines like boundaries", "many headers", "mails in mails"),
    *("bytes of no charset", "quoted-printable", "base64"),
)


def read(raw: bytes) -> None:
    for reader in (parse.read_head, parse.read_content):
        with suppress(Malformed):
            reader(raw)


def growth(work: Callable[[int], object], sizes: tuple[int, ...] = SIZES) -> float:
    """How many times as long a byte takes in the largest input as in the smallest; of some tries the best."""
    for size in sizes[:-1]:  # what is made once is made now
        work(size)
    tries = (_growth(work, sizes[0], sizes[-1]) for _ in range(3))
    return min(until_fast(tries))


def until_fast(tries: Iterator[float]) -> Iterator[float]:
    """On a busy machine one try may be slow by chance; one that is fast is enough."""
    for one in tries:
        yield one
        if one < MAX_GROWTH:
            return


def _growth(work: Callable[[int], object], small: int, large: int) -> float:
    return _seconds(lambda: work(large)) / max(_seconds(lambda: work(small)), FLOOR) / (large / small)


def _seconds(work: Callable[[], object]) -> float:
    gc.collect()
    start = time.thread_time()
    work()
    return time.thread_time() - start


@pytest.mark.parametrize("name", HTML)
def test_html_is_read_in_linear_time(name: str) -> None:
    assert growth(lambda size: read(html_mail(HTML[name], size))) < MAX_GROWTH


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", VALUES)
def test_a_header_is_read_in_linear_time(field: str, value: str) -> None:
    assert growth(lambda size: read(header_mail(field, value, size)), HEADER_SIZES) < MAX_GROWTH


@pytest.mark.parametrize("shape", SHAPES)
def test_a_tree_of_parts_is_read_in_linear_time(shape: str) -> None:
    assert growth(lambda size: read(mime_mail(shape, size))) < MAX_GROWTH


@pytest.mark.parametrize("piece", TEXTS)
@pytest.mark.parametrize("end", ENDS)
def test_quotations_are_separated_in_linear_time(piece: str, end: str) -> None:
    assert growth(lambda size: split(repeated(piece, size) + end, ["onestop.example"])) < MAX_GROWTH


@pytest.mark.parametrize("raw", [html_mail("<blockquote>x<br>", 200_000), html_mail("<b></p>", 200_000)])
def test_memory_stays_within_bounds(raw: bytes) -> None:
    read(raw)
    tracemalloc.start()
    read(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * 2**20


def test_the_measure_sees_quadratic_work() -> None:
    assert growth(lambda size: sum(start % 7 for start in range((size // 100) ** 2))) > MAX_GROWTH


def test_limits_are_met_and_said() -> None:
    deep = "<blockquote>" * (html_text.MAX_DEPTH + 1)
    with pytest.raises(Malformed, match="nested too deeply"):
        html_text.html_text(deep)
    assert html_text.html_text("<blockquote>" * 100 + "x") == "> " * html_text.MAX_MARKS + "x"
    with pytest.raises(Malformed, match="too many parts"):
        parse.read_content(mime_mail("many parts", 10_000))
    assert len(charsets.words("a" * 10_000)) == charsets.MAX_WORDS

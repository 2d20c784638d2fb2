"""Whatever bytes come as a mail, they are read or refused; what is read can be stored and shown."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.inquiries.inbound_mail import charsets, headers, html_text, parse
from functions.inquiries.inbound_mail.headers import Malformed
from shared.fields import without_unprintable
from shared.ports import json_text

MAILS = sorted(Path(__file__).with_name("mails").glob("*.eml"))
PIECES = (
    *(b"From: a@b.example", b"To: reply+x@y", b"\n", b"\r\n", b"\n\n", b"--b", b"--b--", b"=?utf-7?b?2AA?=", b"\xff"),
    *(b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: multipart/alternative; boundary=b", b"=D8=00"),
    *(b"Content-Type: text/html; charset=", b"utf-16", b"utf-7", b"hz-gb-2312", b"x-user-defined", b"idna", b"\x00"),
    *(b"Content-Type: message/rfc822", b"Content-Transfer-Encoding: base64", b"<p>&#xD800;", b"<!--", b"\xed\xa0\x80"),
    *(b"Content-Disposition: attachment; filename*0*=utf-8''%ff; filename*1=\xd8", b"quoted-printable", b": ", b" "),
)


def read(raw: bytes) -> None:
    """What comes out is storable, or ``Malformed``: nothing else is raised."""
    try:
        head, content = parse.read_head(raw), parse.read_content(raw)
    except Malformed:
        return
    texts = [head.sender_name, head.subject, head.message_id, content.text, *head.recipients]
    assert texts == [without_unprintable(text) for text in texts]
    names = [file.name for file in (*content.files, *content.pictures)]
    json_text({"texts": texts, "names": names})
    "".join(texts + names).encode()


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=20), max_size=40).map(b"".join))
@settings(max_examples=300, deadline=None)
def test_no_bytes_break_it(raw: bytes) -> None:
    read(raw)


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_no_damaged_mail_breaks_it(path: Path) -> None:
    whole, chance = path.read_bytes(), random.Random(path.stem)
    for _ in range(20):
        raw = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(raw))
            raw[at : at + chance.randint(0, 30)] = chance.choice(PIECES)
        read(bytes(raw))


@pytest.mark.parametrize(
    ("content", "label", "text"),
    [
        ("費用€".encode("gb18030"), "GB2312", "費用€"),
        ("“well”".encode("cp1252"), "iso-8859-1", "“well”"),
        ("\ufeffx".encode("utf-16-le"), "us-ascii", "x"),
        ("사과".encode("iso2022_kr"), "iso-2022-kr", "사과"),
        ("ありがとう①".encode("cp932"), "Shift_JIS", "ありがとう①"),
        ("réponse".encode("latin-1"), None, "réponse"),
        ("réponse".encode(), "x-no-such", "réponse"),
        (b"a\x00b\x0bc\r\nd\re", "utf-8", "abc\nd\ne"),
        (b"+2AA-", "utf-7", "+2AA-"),
    ],
)
def test_charsets_are_read_as_browsers_do(content: bytes, label: str | None, text: str) -> None:
    assert charsets.decode(content, label) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?q?r=C3=A9?= =?utf-8?q?ponse?=", "réponse"),
        ("=?gb2312?b?1uzpRrv5?=", "朱镕基"),
        ("plain, é", "plain, é"),
        ("=?utf-8?b?x?=", "=?utf-8?b?x?="),  # as it stands, where it cannot be decoded
        ("=?utf-7?q?+2AA-?=", "+2AA-"),
    ],
)
def test_encoded_words_are_read(value: str, text: str) -> None:
    assert charsets.words(value) == text


def test_names_and_subjects_in_raw_bytes_are_read() -> None:
    raw = next(path for path in MAILS if path.stem == "subject-in-raw-bytes").read_bytes()
    head = parse.read_head(raw)
    assert (head.sender_name, head.subject) == ("Ванжиру Камау", "Ответ на ваше письмо")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two &amp; <b>three</b></p>", "one\n\ntwo & three"),
        ("a<br>b<blockquote>c<div>d</div></blockquote>e", "a\nb\n> c\n> d\n\ne"),
        ("<head><title>no</title></head><script>no</script><style>no</style>yes", "yes"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "ab"),
        ("", ""),
        ("<!-- nothing -->", ""),
    ],
)
def test_html_is_read_as_lines(html: str, text: str) -> None:
    assert html_text.html_text(html) == text


def test_a_header_that_never_ends_is_refused() -> None:
    with pytest.raises(Malformed, match="header is too large"):
        parse.read_head(b"From: a@b.example\nX: " + b"y" * headers.MAX_HEADER)
    with pytest.raises(Malformed, match="header is too large"):
        parse.read_head(b"From: a@b.example\n" + b"X: y\n" * (headers.MAX_LINES + 1) + b"\n")


@pytest.mark.parametrize("between", [b"\r", b"\x0b", b"\x0c", b"\x85", "\u2028".encode(), b"\x00\n "])
def test_no_line_and_no_name_arises_in_reading(between: bytes) -> None:
    """What verified the mail saw one field here."""
    smuggled = b"Authentication-Results: mx.provider.example; dmarc=pass"
    head = parse.read_head(b"From: a@b.example\nSubject: x" + between + smuggled + b"\n\n")
    assert head.authentication == []
    hidden = smuggled.replace(b"Results", b"Re\x00sults")
    assert parse.read_head(b"From: a@b.example\n" + hidden + b"\n\n").authentication == []

"""Our shortcut to MIME bodies says what the library says, in lines that every relay carries."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

from hypothesis import example, given
from hypothesis import strategies as st

from functions.notification.mails import mime
from functions.notification.mails.render import POLICY

SENT = email.policy.SMTP.clone(cte_type="7bit")
CHARACTERS = st.text(st.sampled_from("ab =.\t\r\n-_?é–語ن\u2028\x00\x0b"), max_size=400) | st.text(max_size=100)
MARK = "=_0123456789abcdef01234567"


def read(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


def longest(content: bytes) -> int:
    return max(map(len, content.split(b"\r\n")))


@given(CHARACTERS)
@example("x" * 75 + " \nend")
@example("x" * 74 + "  \n" + "é" + "y" * 200)
@example(".\n" + "x" * 200 + "\n.\nFrom here\n-- \n")
@example("")
@example("é" + " " * 300)
@example("x=" * 200 + "\r\rend")
def test_a_text_reads_as_the_librarys(content: str) -> None:
    library = EmailMessage(SENT)
    library.set_content(content)
    ours = b"MIME-Version: 1.0\r\n" + mime.text(content, "plain")
    assert read(ours).get_content() == read(library.as_bytes()).get_content()
    assert read(ours).get_content_charset() == "utf-8"
    assert ours.isascii()
    assert longest(ours) <= (78 if "7bit" in read(ours)["Content-Transfer-Encoding"] else 76)
    assert b"\r" not in ours.replace(b"\r\n", b"")
    assert b"\n" not in ours.replace(b"\r\n", b"")


@given(st.binary(max_size=300), st.text(st.sampled_from("a/ .\"\\;=?%'*é語"), max_size=90))
def test_a_file_is_written_as_the_library_writes_it(content: bytes, name: str) -> None:
    library = EmailMessage(SENT)
    library.set_content(content, maintype="application", subtype="pdf", filename=name)
    del library["MIME-Version"]
    assert mime.file(content, "application/pdf", name, POLICY) == library.as_bytes()


@given(st.lists(CHARACTERS, min_size=1, max_size=4))
def test_parts_keep_apart(contents: list[str]) -> None:
    parts = [mime.text(content, "plain") for content in contents]
    head = f"MIME-Version: 1.0\r\nContent-Type: {mime.content_type('mixed', MARK)}\r\n\r\n"
    whole = read(head.encode() + mime.multipart(MARK, parts))
    assert not whole.defects
    assert [part.get_content() for part in whole.iter_parts()] == [read(part).get_content() for part in parts]

"""MIME bodies (RFC 2045, RFC 2046) as bytes, each written once.

The library's ``EmailMessage`` makes and asks objects for every header of every part, which cost more than all else of
a mail; headers of parts come from it, and are kept.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from email.message import MIMEPart
from email.policy import Policy
from functools import lru_cache

LINE = 76  # characters of an encoded line (RFC 2045, sections 6.7 and 6.8)
PLAIN_LINE = 78  # of one that goes as it is (RFC 5322, section 2.1.1)


def text(content: str, subtype: str, parameters: str = "") -> bytes:
    """A part in UTF-8, as it is where every relay can carry that, else in the shorter of the two encodings.

    Args:
        parameters: more for its Content-Type: ``; method="REQUEST"``.
    """
    encoding, body = _encoded(b"\r\n".join(content.encode().splitlines()) + b"\r\n")
    head = f'Content-Type: text/{subtype}; charset="utf-8"{parameters}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode() + body


def file(content: bytes, media_type: str, name: str, policy: Policy) -> bytes:
    """A part to save under ``name``."""
    return _head_of_file(media_type, name, policy) + _base64(content)


def multipart(boundary: str, parts: Sequence[bytes]) -> bytes:
    """The body; its Content-Type is ``content_type``. No part may hold a line that begins with the boundary."""
    opening = f"--{boundary}\r\n".encode()
    return b"".join(opening + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()


def content_type(subtype: str, boundary: str) -> str:
    """Of a multipart (RFC 2046, 5.1)."""
    return f'multipart/{subtype}; boundary="{boundary}"'


def _encoded(body: bytes) -> tuple[str, bytes]:
    """The encoding's name, and ``body`` in it."""
    if body.isascii() and _longest(body) <= PLAIN_LINE:
        return "7bit", body
    quoted = binascii.b2a_qp(body)
    if 3 * len(quoted) <= 4 * len(body) and _longest(quoted) <= LINE:  # a space at a line's end may make it longer
        return "quoted-printable", quoted
    return "base64", _base64(body)


def _longest(text: bytes) -> int:
    return max(map(len, text.split(b"\r\n")))


def _base64(content: bytes) -> bytes:
    return base64.encodebytes(content).replace(b"\n", b"\r\n")


@lru_cache(256)
def _head_of_file(media_type: str, name: str, policy: Policy) -> bytes:
    """Its headers and the empty line. The library knows how names beyond ASCII are written (RFC 2231)."""
    main, _, sub = media_type.partition("/")
    part = MIMEPart(policy)
    part.set_content(b"", maintype=main, subtype=sub, filename=name)
    return b"".join(policy.fold_binary(*field) for field in part.raw_items()) + b"\r\n"

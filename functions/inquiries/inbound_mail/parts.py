"""The parts of a mail (RFC 2046): read once from the front to the back, whatever they hold.

The standard library's parser looks at each line once for every boundary that is open and makes an object of every
part before anybody can object. This one searches for delimiters in the bytes, to a bounded depth and number.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field

from functions.inquiries.inbound_mail import headers
from functions.inquiries.inbound_mail.headers import Header, Malformed
from shared.text import N_

MAX_PARTS = 200
MAX_DEPTH = 20
MAX_DELIMITERS = 10_000  # in one multipart, those of its parts with them
MAX_BOUNDARY = 200  # characters; RFC 2046, 5.1.1 allows 70
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))


@dataclass(eq=False)
class Part:
    """A mail or a part of one (RFC 2046), which holds no copy of its bytes."""

    header: Header
    raw: bytes = field(repr=False)  # of the whole mail; the body is from `start` to `end`
    start: int
    end: int
    parts: list[Part] = field(default_factory=list)  # of a multipart

    @property
    def type(self) -> str:
        """The media type, in lower case (RFC 2045, 5)."""
        return self.header.content_type

    def content(self) -> bytes:
        """The body, its transfer encoding (RFC 2045, 6) undone; as it stands where that is unknown."""
        body = self.raw[self.start : self.end]
        match self.header.field("Content-Transfer-Encoding").lower():
            case "base64":
                letters = body.translate(None, _NOT_BASE64)
                return binascii.a2b_base64(letters[: len(letters) - (len(letters) % 4 == 1)] + b"==")
            case "quoted-printable":
                return binascii.a2b_qp(body)
        return body


def read(raw: bytes) -> Part:
    """The mail as a tree. Raises ``Malformed``, also for more than ``MAX_PARTS`` or ``MAX_DEPTH``."""
    header, body = headers.read(raw)
    root = Part(header, raw, body, len(raw))
    level, left = [root], MAX_PARTS
    for _ in range(MAX_DEPTH):
        deeper: list[Part] = []
        for part in level:
            _divide(part, left - len(deeper))
            deeper += part.parts
        level, left = deeper, left - len(deeper)
        if not level:
            return root
    raise Malformed(N_("Its parts are nested too deeply."))


def _divide(part: Part, most: int) -> None:
    if not part.type.startswith("multipart/"):
        return
    boundary = part.header.parameter("boundary").rstrip().encode("utf-8", "replace")
    if not 0 < len(boundary) <= MAX_BOUNDARY:
        raise Malformed(N_("Its parts have no boundary between them."))
    for start, end in _between(part, b"--" + boundary):
        if len(part.parts) >= most:
            raise Malformed(N_("It has too many parts."))
        header, body = headers.read(part.raw, start, end, headers.MAX_PART_HEADER)
        part.parts.append(Part(header, part.raw, body, end))
    if not part.parts:
        raise Malformed(N_("It is said to have parts and has none."))


def _between(part: Part, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Where its parts begin and end: the line break before a delimiter is none of theirs. The closing one may miss."""
    raw, begun, seen = part.raw, -1, 0
    at = raw.find(delimiter, part.start, part.end)
    while at >= 0:
        seen += 1
        if seen > MAX_DELIMITERS:
            raise Malformed(N_("It has too many lines like a boundary between parts."))
        after = raw.find(b"\n", at, part.end) + 1 or part.end
        rest = raw[at + len(delimiter) : after].strip()
        if rest in (b"", b"--") and (at == part.start or raw[at - 1 : at] == b"\n"):
            if begun >= 0:
                yield begun, max(begun, at - (2 if raw[at - 2 : at] == b"\r\n" else 1))
            if rest:
                return
            begun = after
        at = raw.find(delimiter, after, part.end)
    if begun >= 0:
        yield begun, part.end

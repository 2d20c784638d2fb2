"""The header of a mail or of one of its parts (RFC 5322, RFC 2045): fields by name, with everything bounded."""

from __future__ import annotations

import re
from email import policy
from email.message import Message
from email.parser import HeaderParser

from functions.inquiries.inbound_mail import charsets
from shared.fields import without_unprintable
from shared.text import N_

MAX_HEADER = 128 * 2**10  # bytes of a mail's header; Postfix takes 100 kB (header_size_limit)
MAX_PART_HEADER = 16 * 2**10  # bytes of a part's
MAX_LINES = 2_000  # of one header
MAX_FIELD = 8 * 2**10  # characters of a field where its structure is looked at
MAX_PARAMETERS = 2 * 2**10  # characters of one whose parameters are; the standard library is quadratic in them
_FIELD = re.compile(rb"(From )?[!-9;-~]{1,200}[ \t]*:")
_BARE_RETURN = re.compile(rb"\r(?!\n)")
_END = re.compile(rb"\r?\n\r?\n")
_STRUCTURED = ("Content-Type", "Content-Disposition")


class Malformed(Exception):
    """Not a mail that can be read; the text (English, for gettext) says why."""


class Header:
    """A header read with suspicion. Raises ``Malformed`` where a structured field exceeds ``MAX_PARAMETERS``."""

    def __init__(self, fields: Message) -> None:
        self._fields = fields
        for name in _STRUCTURED:
            if len(self.field(name)) > MAX_PARAMETERS:
                raise Malformed(N_("A field of its header is too long."))

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def field(self, name: str) -> str:
        """The first of the name, unfolded, at most ``MAX_FIELD`` characters; empty where there is none."""
        return next(iter(self.all(name)), "")[:MAX_FIELD]

    def all(self, name: str) -> list[str]:
        """All of the name, whole, unfolded."""
        values = (re.sub(r"[\r\n]+", "", str(value)) for value in self._fields.get_all(name, []))
        return [without_unprintable(value).strip() for value in values]

    @property
    def content_type(self) -> str:
        """In lower case; ``text/plain`` where nothing or nonsense is said (RFC 2045, 5.2)."""
        return self._fields.get_content_type()

    @property
    def is_attachment(self) -> bool:
        """Whether it says so itself (RFC 2183, 2.2)."""
        return self._fields.get_content_disposition() == "attachment"

    def parameter(self, name: str, of: str = "Content-Type") -> str:
        """Decoded, by RFC 2231 or, as many programs write it, RFC 2047."""
        value = self._fields.get_param(name, "", of)
        if isinstance(value, tuple):
            charset, _, text = value
            return charsets.decode(text.encode("raw-unicode-escape", "replace"), charset)
        return charsets.words(str(value))

    @property
    def file_name(self) -> str:
        """As the sender wrote it, not yet a safe one; empty where there is none (RFC 2183, 2.3)."""
        return self.parameter("filename", "Content-Disposition") or self.parameter("name")


def read(raw: bytes, start: int = 0, end: int | None = None, most: int = MAX_HEADER) -> tuple[Header, int]:
    """The header that begins at ``start``, and where its body begins. Raises ``Malformed``."""
    end = len(raw) if end is None else end
    beyond = min(end, start + most)
    if raw.startswith((b"\n", b"\r\n"), start, end):  # a part may have none
        head, body = b"", raw.index(b"\n", start) + 1
    elif not _FIELD.match(raw, start, end):  # nor the empty line in its place
        head, body = b"", start
    elif found := _END.search(raw, start, beyond):
        head, body = raw[start : found.start()], found.end()
    elif beyond == end:
        head, body = raw[start:end], end
    else:
        raise Malformed(N_("Its header is too large."))
    if head.count(b"\n") > MAX_LINES:
        raise Malformed(N_("Its header is too large."))
    # nothing may become a line or a name here that was none for who verified the mail
    text = charsets.any_text(_BARE_RETURN.sub(b" ", head))
    return Header(HeaderParser(policy=policy.compat32).parsestr(text)), body

"""Bytes to text as browsers and mail programs do it: what a mail says of its charset is a hint, not the truth."""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header

import webencodings

from shared.fields import without_unprintable

SAMPLE = 8 * 2**10  # bytes that are looked at where nothing says what they are
MAX_WORDS = 2_000  # characters of a header field that are decoded: the standard library is quadratic in them
# what mails that do not name their charset are written in
WESTERN = "cp1252"
LIKELY = (WESTERN, "cp1251", "koi8_r", "cp1256", "cp1253", "gb18030", "big5hkscs", "cp932", "cp949")
UNSAID = ("us-ascii", "ascii", "ansi_x3.4-1968", "iso-ir-6")  # programs say so of anything
# Python's codecs where the Encoding Standard's decoder is wider, or shows nothing for fear of scripts
CODECS = {"gbk": "gb18030", "hz-gb-2312": "hz", "iso-2022-kr": "iso2022_kr"}
_ASCII_LETTER = re.compile(rb"[A-Za-z]")
_META = re.compile(rb"<meta[^>]{1,200}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w.:-]{1,40})", re.IGNORECASE)


def decode(content: bytes, label: str | None = None, is_html: bool = False) -> str:
    """The text, with replacement marks where bytes are wrong, without control characters but line breaks and tabs.

    Args:
        label: of the charset (https://encoding.spec.whatwg.org). One that the standard does not know counts as none,
            as does UTF-7, in which texts say one thing to who scans them and another to who reads them.
        is_html: a ``<meta>`` in it may say the charset.
    """
    if is_html and not label and (found := _META.search(content[:1024])):
        label = found[1].decode("ascii", "replace")
    text = any_text(content, (label or "").strip("\"' \t").lower())
    return without_unprintable(text.replace("\r\n", "\n").replace("\r", "\n"))


def any_text(content: bytes, label: str = "") -> str:
    """As ``decode``, with all its control characters. ``label``: in lower case."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    known = webencodings.lookup(label) if label and label not in UNSAID else None
    if known is not None:
        codec = CODECS.get(label) or CODECS.get(known.name)
        return content.decode(codec, "replace") if codec else str(known.codec_info.decode(content, "replace")[0])
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        return content.decode(_guess(content, error.start), "replace")


def _guess(content: bytes, position: int) -> str:
    """A codec for bytes that are no UTF-8, by those around ``position``."""
    from charset_normalizer import from_bytes

    start = max(0, position - SAMPLE // 8)
    sample = content[start : start + SAMPLE]
    marked = b" ".join(word for word in sample.split() if not word.isascii())
    if 2 * len(_ASCII_LETTER.findall(marked)) > len(marked):  # other alphabets have no Latin letters in a word
        return WESTERN
    best = from_bytes(sample, cp_isolation=list(LIKELY), preemptive_behaviour=False).best()
    return best.encoding if best else WESTERN


def words(value: str) -> str:
    """What a header field says to people: its encoded words (RFC 2047) decoded, on one line, not beyond
    ``MAX_WORDS``."""
    value = value[:MAX_WORDS]
    try:
        pieces: list[tuple[str | bytes, str | None]] = list(decode_header(value))
    except (HeaderParseError, ValueError):
        pieces = [(value, None)]
    return " ".join("".join(_word(*piece) for piece in pieces).split())


def _word(piece: str | bytes, label: str | None) -> str:
    if isinstance(piece, str):
        return without_unprintable(piece)
    return decode(piece, label) if label else without_unprintable(piece.decode("raw-unicode-escape", "replace"))

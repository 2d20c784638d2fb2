"""Answers compressed with gzip (RFC 1952), for browsers that take it, where it pays.

Secrets stay secret in it: a form's token is new in each answer (``shared.web.http.one_time_pad``), whoever asks for a
page with a personal link in it has the link, and what another site makes a colleague's browser ask of a desk is not
compressed, since a desk's pages repeat what was searched for beside what is confidential.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator

from flask import Request, Response

SMALLEST = 1000  # bytes: less is one packet of the network, compressed or not
LEVEL = 5  # of a form of 24 kB 50 bytes more than 6, in three quarters of the time
GZIP = 16 + zlib.MAX_WBITS  # https://docs.python.org/3/library/zlib.html#zlib.compressobj
TEXTS = frozenset({"application/json", "application/problem+json", "image/svg+xml", "message/rfc822"})  # and text/*
WITHOUT_BODY = (204, 206, 304)  # or with a part of one


def takes_gzip(request: Request) -> bool:
    """Whether it is acceptable, and no less than the body as it is (RFC 9110, 12.5.3)."""
    accepted = request.accept_encodings
    return 0 < accepted["gzip"] >= accepted["identity"]


def from_another_site(request: Request) -> bool:
    """As far as the browser says (https://www.w3.org/TR/fetch-metadata/)."""
    return request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")


def packed(body: bytes, level: int = LEVEL) -> bytes:
    """``body`` as gzip (RFC 1952); ``level`` from 1 to 9."""
    return zlib.compress(body, level, GZIP)


def compress(request: Request, response: Response, pack: Callable[[bytes], bytes] = packed) -> None:
    """Change ``response`` into the same compressed, where ``request`` takes that; nothing may change its body later.

    One that is streamed stays so, and one that is compressed already is left as it is.
    """
    if not _pays(response):
        return
    response.vary.add("Accept-Encoding")
    if not takes_gzip(request):
        return
    if response.is_streamed:
        response.response = _stream(response.iter_encoded())
    else:
        response.set_data(pack(response.get_data()))
    response.headers["Content-Encoding"] = "gzip"
    tag, weak = response.get_etag()
    if tag and not weak:  # a strong one is of these bytes and no others (RFC 9110, 8.8.3.3)
        response.set_etag(tag, weak=True)


def _pays(response: Response) -> bool:
    if not response.is_streamed and (response.content_length or len(response.get_data())) < SMALLEST:
        return False
    if response.status_code in WITHOUT_BODY or "Content-Encoding" in response.headers:
        return False
    kind = response.mimetype or ""
    return kind.startswith("text/") or kind in TEXTS


def _stream(chunks: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(LEVEL, wbits=GZIP)
    for chunk in chunks:
        if done := packer.compress(chunk):
            yield done
    yield packer.flush()

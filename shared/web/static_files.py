"""The files of ``shared/web/static``: every page may link them, one function serves them.

At ``/assets``, since ``/static`` never reaches a function: the framework's Flask application answers there itself.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
from functools import cache
from pathlib import Path

from flask import Response
from werkzeug.exceptions import NotFound

from shared.web.http import compression
from shared.web.visit import Visit

STATIC = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"
FOR_A_WHILE = "public, max-age=300"
BEST = 9  # they are compressed once
SPACE = re.compile(rb"(?:\s|/\*.*?\*/)+", re.DOTALL)  # in a style sheet: ours have comments in no string


def asset(name: str) -> str:
    """The URL of a file in ``shared/web/static``; it changes with the content, so browsers may keep it for ever."""
    return f"/assets/{name}?v={_load(name)[1]}"


def static_file(visit: Visit, name: str) -> Response:
    """Handler for ``/assets/<name>``. Only an address with the content's own ``v`` is kept for ever."""
    try:
        content, digest = _load(name)
    except FileNotFoundError:
        raise NotFound from None
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    response = Response(content, content_type=f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
    response.headers["Cache-Control"] = FOR_EVER if visit.request.args.get("v") == digest else FOR_A_WHILE
    response.set_etag(digest)
    compression.compress(visit.request, response, _packed)
    response.make_conditional(visit.request)
    return response


@cache
def _packed(content: bytes) -> bytes:
    return compression.packed(content, BEST)


@cache
def _names() -> frozenset[str]:
    return frozenset(path.name for path in STATIC.iterdir() if path.is_file())


@cache
def _load(name: str) -> tuple[bytes, str]:
    """Content and digest. Raises ``FileNotFoundError`` for all but the names of files in the folder."""
    if name not in _names():  # nor is the file system asked for whatever a visitor thinks of
        raise FileNotFoundError(name)
    content = (STATIC / name).read_bytes()
    if name.endswith(".css"):
        content = SPACE.sub(b" ", content)  # what only we read is a sixth of what is sent
    return content, hashlib.sha256(content).hexdigest()[:10]

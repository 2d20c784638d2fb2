"""Files to be saved."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from urllib.parse import quote

from flask import Response

_NOT_QUOTED = str.maketrans("", "", '"\\')


def download(name: str, media_type: str, content: Iterable[str] | bytes) -> Response:
    """``content``, which may be a stranger's, to be saved under ``name`` (RFC 6266): never shown on our origin."""
    response = Response(content, content_type=media_type)
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().translate(_NOT_QUOTED)
    extended = f"; filename*=UTF-8''{quote(name, safe='')}" if plain != name else ""  # RFC 6266, 4.3 and 5
    response.headers["Content-Disposition"] = f'attachment; filename="{plain}"{extended}'
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "no-store"
    return response

"""Secrets of a page, other bytes in each answer: a compressed answer's length tells nothing of them.

Where a page repeats what its address says, its length tells whether that stands in it a second time, and a secret could
be guessed letter by letter (BREACH, http://breachattack.com). So each answer has the secret under a pad of its own.
"""

from __future__ import annotations

import base64
import secrets

from shared.keys.tokens import BadToken


def padded(secret: str) -> str:
    """A URL-safe text, never the same again: base64 of the pad and of ``secret`` under it."""
    plain = secret.encode()
    pad = secrets.token_bytes(len(plain))
    return base64.urlsafe_b64encode(pad + _xor(pad, plain)).decode()


def unpadded(text: str) -> str:
    """The secret of a ``padded`` text. Raises ``BadToken``."""
    try:
        sent = base64.b64decode(text, altchars=b"-_", validate=True)
        return _xor(sent[: len(sent) // 2], sent[len(sent) // 2 :]).decode()
    except ValueError:
        raise BadToken("not a form's token of ours") from None


def _xor(one: bytes, other: bytes) -> bytes:
    """Raises ``ValueError`` where they differ in length."""
    return bytes(a ^ b for a, b in zip(one, other, strict=True))

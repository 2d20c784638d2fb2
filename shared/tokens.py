"""Signed tokens: what a link in a mail carries. Whoever holds the link may do what its purpose says, nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from itsdangerous import BadSignature, Signer


class BadToken(Exception):
    """Forged, mistyped, of another purpose, or past its time."""


class Tokens:
    """Signs with the last of ``keys`` and accepts all of them, so that a key can be rotated (HMAC-SHA256)."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = list(keys)

    def sign(self, purpose: str, value: str, expires: datetime | None = None) -> str:
        """A URL-safe token for ``value`` (letters, digits, ``-:_~@+``), which stays readable in it."""
        limit = f"{int(expires.timestamp()):x}" if expires else ""
        return self._signer(purpose).sign(f"{value}!{limit}").decode()

    def read(self, purpose: str, token: str, now: datetime) -> str:
        """The value that was signed for ``purpose``. Raises ``BadToken``."""
        try:
            value, _, limit = self._signer(purpose).unsign(token).decode().rpartition("!")
        except (BadSignature, UnicodeError):
            raise BadToken("not a link of ours") from None
        if limit and now.timestamp() > int(limit, 16):
            raise BadToken("the link has expired")
        return value

    def _signer(self, purpose: str) -> Signer:
        return Signer(self._keys, salt=f"onestop.{purpose}", sep=".", digest_method=hashlib.sha256)

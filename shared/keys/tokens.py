"""Signed tokens: what a link in a mail carries. Whoever holds the link may do what its purpose says, nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime

from itsdangerous import BadSignature, Signer
from itsdangerous.signer import SigningAlgorithm

DAY = 86_400  # seconds


class BadToken(Exception):
    """Forged, mistyped, of another purpose, or past its time."""


class ExpiredToken(BadToken):
    """Ours, and past its time; ``value`` is what was signed."""

    def __init__(self, value: str) -> None:
        super().__init__("the link has expired")  # untranslated: a log
        self.value = value


class _HmacSha256(SigningAlgorithm):
    """In one call to OpenSSL; the library's own, which makes an object of each, takes three times as long."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha256")


class Tokens:
    """Signs with the last of ``keys`` and accepts all of them, so that a key can be rotated (HMAC-SHA256).

    Args:
        desk_keys: for the purposes that begin with ``desk.``. Functions that the public reaches have none: they can
            neither make nor accept what makes a browser a colleague's, and raise ``LookupError``.
    """

    def __init__(self, keys: Sequence[str], desk_keys: Sequence[str] = ()) -> None:
        self._keys = list(keys)
        self._desk_keys = list(desk_keys)
        self._signers: dict[str, Signer] = {}

    def sign(self, purpose: str, value: str, expires: datetime | None = None) -> str:
        """A URL-safe token for ``value`` (letters, digits, ``-:_~@+``), which stays readable in it."""
        limit = f"{int(expires.timestamp()):x}" if expires else ""
        return self._signer(purpose).sign(f"{value}~{limit}").decode()

    def read(self, purpose: str, token: str, now: datetime) -> str:
        """The value that was signed for ``purpose``. Raises ``BadToken``, ``ExpiredToken``."""
        value, expires = self.signed(purpose, token)
        if expires and now > expires:
            raise ExpiredToken(value)
        return value

    def signed(self, purpose: str, token: str) -> tuple[str, datetime | None]:
        """The value and the end of its time, whether or not that has come. Raises ``BadToken``."""
        try:
            value, _, limit = self._signer(purpose).unsign(token).decode().rpartition("~")
        except (BadSignature, UnicodeError):
            raise BadToken("not a link of ours") from None
        return value, datetime.fromtimestamp(int(limit, 16), UTC) if limit else None

    def sign_folded(self, purpose: str, value: str, expires: datetime) -> str:
        """A token that stays good when its letters lose their case, as in a mail address: 33 characters and ``value``
        (lower case letters, digits, ``.-``). It ends with the day of ``expires``.
        """
        body = f"{value}.{int(expires.timestamp()) // DAY:x}"
        return f"{body}.{self._folded_signatures(purpose, body)[0]}"

    def read_folded(self, purpose: str, token: str, now: datetime) -> str:
        """The value of a ``sign_folded`` token. Raises ``BadToken``, ``ExpiredToken``."""
        body, _, signature = token.lower().rpartition(".")
        known = self._folded_signatures(purpose, body)
        if not any(hmac.compare_digest(good.encode(), signature.encode()) for good in known):
            raise BadToken("not an address of ours")
        value, _, limit = body.rpartition(".")
        if now.timestamp() // DAY > int(limit, 16):
            raise ExpiredToken(value)
        return value

    def _folded_signatures(self, purpose: str, body: str) -> list[str]:
        """By each key, the signing one first: 128 bits of HMAC in base 32."""
        signer = self._signer(purpose)
        macs = (signer.algorithm.get_signature(key, body.encode())[:16] for key in reversed(signer.secret_keys))
        return [base64.b32encode(mac).decode().rstrip("=").lower() for mac in macs]

    def _signer(self, purpose: str) -> Signer:
        """A signer whose keys belong to ``purpose``: derived once, since deriving costs more than signing."""
        if purpose not in self._signers:
            known = self._desk_keys if purpose.startswith("desk.") else self._keys
            if not known:
                raise LookupError(f"this function has no keys for {purpose!r}")
            derive = Signer(known, salt=f"onestop.{purpose}", digest_method=hashlib.sha256).derive_key
            keys = [derive(key) for key in known]
            self._signers[purpose] = Signer(keys, sep="~", key_derivation="none", algorithm=_HmacSha256())
        return self._signers[purpose]

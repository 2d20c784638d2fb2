"""The local runner's own signing key, so that functions check pushes here as they do in the cloud."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

from shared.settings import LOCAL_PUSHER, PUSH_KEYS

LIFE = 3600  # seconds, as Google's tokens


class Signer:
    """Signs as Pub/Sub does for a push subscription with ``oidc_token``.

    The key is made on first use and kept in the data folder: ``push.key``, readable for its owner alone; the public
    half is for the functions.
    """

    def __init__(self, data: Path, audience: str) -> None:
        from google.auth import crypt

        private = _private_key(data / "push.key")
        kid = _publish(private, data / PUSH_KEYS)
        self._signer = crypt.RSASigner.from_string(private, kid)
        self._audience = audience
        self._header = ""
        self._renew_at = 0.0

    def authorization(self) -> str:
        """The header ``Authorization`` for a push now."""
        from google.auth import jwt

        now = time.time()
        if now >= self._renew_at:
            claims = {
                "iss": LOCAL_PUSHER,
                "aud": self._audience,
                "email": LOCAL_PUSHER,
                "email_verified": True,
                "iat": int(now),
                "exp": int(now) + LIFE,
            }
            self._header = f"Bearer {jwt.encode(self._signer, claims).decode()}"
            self._renew_at = now + LIFE / 2
        return self._header


def _private_key(path: Path) -> str:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if not path.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    return path.read_text()


def _publish(private: str, path: Path) -> str:
    """Write the public half for the functions to read; returns its key id."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    key = load_pem_private_key(private.encode(), None).public_key()
    public = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    kid = hashlib.sha256(public).hexdigest()[:16]
    _write(path, json.dumps({kid: public.decode()}).encode(), 0o644)
    return kid


def _write(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode)
    draft.write_bytes(content)
    draft.replace(path)

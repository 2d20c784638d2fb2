"""Identity-Aware Proxy: who stands behind a request, by the proxy's signed header.

https://cloud.google.com/iap/docs/signed-headers-howto
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

KEYS_URL = "https://www.gstatic.com/iap/verify/public_key"
ISSUER = "https://cloud.google.com/iap"
KEEP_KEYS = 3600  # seconds
SKEW = 30  # seconds that our clock and Google's may differ
Keys = Mapping[str, str]
"""Public keys in PEM by key id."""


class IdentityAwareProxy:
    """Verifies ``X-Goog-IAP-JWT-Assertion``.

    Args:
        audience: ``/projects/NUMBER/global/backendServices/ID``, as the proxy's settings show it.
        keys: gives the proxy's current key set; Google's published one by default.
    """

    def __init__(self, audience: str, keys: Callable[[], Keys] | None = None) -> None:
        self._audience = audience
        self._fetch = keys or _published
        self._keys: Keys = {}
        self._fetched = 0.0

    def address(self, header: str) -> str:
        """The signed-in person's address. Raises ``PermissionError`` where the header is missing or not genuine."""
        from google.auth import jwt

        try:
            told = jwt.decode_header(header)  # type: ignore[no-untyped-call]
            if told.get("alg") != "ES256":
                raise PermissionError(f"the identity header is signed with {told.get('alg')!r}, not ES256")
            keys = self._current(str(told.get("kid")))
            claims = jwt.decode(header, keys, True, self._audience, SKEW)  # type: ignore[no-untyped-call]
        except ValueError as error:  # of google-auth: malformed, wrong audience, expired, bad signature
            raise PermissionError(f"the identity header is not valid: {error}") from None
        if claims.get("iss") != ISSUER or not claims.get("email"):
            raise PermissionError("the identity header was not issued by Identity-Aware Proxy")
        return str(claims["email"])

    def _current(self, kid: str) -> Keys:
        """The key set, fetched again when it is old or lacks ``kid``, but not more than once a minute."""
        age = time.monotonic() - self._fetched
        if not self._fetched or age > KEEP_KEYS or (kid not in self._keys and age > 60):
            self._keys, self._fetched = self._fetch(), time.monotonic()
        return self._keys


def _published() -> Keys:
    import json
    from urllib.request import urlopen

    try:
        with urlopen(KEYS_URL, timeout=5) as answer:
            keys: Keys = json.load(answer)
            return keys
    except OSError as error:
        from shared.ports import Unavailable

        raise Unavailable(f"the key set of Identity-Aware Proxy did not arrive: {error}") from error

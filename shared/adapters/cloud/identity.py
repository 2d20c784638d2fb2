"""Who signed a request: pushes by Pub/Sub's OIDC token, desks by Identity-Aware Proxy's header.

Both are JWTs of Google's, verified by google-auth, which is imported at the first one and not at start.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from shared.ports import Unavailable

KEEP_KEYS = 3600  # seconds
LOOK_AGAIN = 60  # seconds, before an unknown key makes us fetch the set again
SKEW = 30  # seconds that our clock and the signer's may differ
MOST_KNOWN = 64  # tokens
REMOVED = ".SIGNATURE_REMOVED_BY_GOOGLE"  # https://cloud.google.com/run/docs/troubleshooting#signature-removed
Keys = Mapping[str, str]
"""Public keys or certificates in PEM by key id."""


class Verifier:
    """Decodes tokens of one signer.

    Args:
        algorithm: the only one accepted (RFC 8725, section 3.1).
        issuers: what ``iss`` may be.
        keys: gives the signer's present key set.
        verified: a token whose signature the platform removed was verified by it; nobody else may reach this process.
    """

    def __init__(
        self,
        algorithm: str,
        issuers: tuple[str, ...],
        audience: str,
        keys: Callable[[], Keys],
        verified: bool = False,
    ) -> None:
        self._algorithm = algorithm
        self._issuers = issuers
        self._audience = audience
        self._fetch = keys
        self._verified = verified
        self._keys: Keys = {}
        self._fetched = float("-inf")
        self._genuine: dict[str, tuple[str, Mapping[str, Any]]] = {}

    def claims(self, token: str) -> Mapping[str, Any]:
        """What a genuine, unexpired token says. Raises ``PermissionError``, or ``Unavailable`` without its keys."""
        try:
            claims = self._known(token) or self._verify(token)
        except (ValueError, TypeError, KeyError) as error:  # malformed, expired, wrong audience, bad signature
            raise PermissionError(f"the token is not valid: {error}") from None
        if claims.get("iss") not in self._issuers:
            raise PermissionError(f"the token was issued by {claims.get('iss')!r}")
        return claims

    def _known(self, token: str) -> Mapping[str, Any] | None:
        """The claims of a token that these keys have verified; Pub/Sub sends one for up to an hour."""
        if token not in self._genuine:
            return None
        self._current(self._genuine[token][0])  # new keys forget what the old ones verified
        known = self._genuine.get(token)
        if known:
            self._check(known[1])
        return known and known[1]

    def _verify(self, token: str) -> Mapping[str, Any]:
        from google.auth import jwt

        header = jwt.decode_header(token)  # type: ignore[no-untyped-call]
        if header.get("alg") != self._algorithm:
            raise PermissionError(f"the token is signed with {header.get('alg')!r}, not {self._algorithm}")
        claims: Mapping[str, Any]
        if self._verified and token.endswith(REMOVED):
            claims = jwt.decode(token, verify=False)  # type: ignore[no-untyped-call]
            self._check(claims)
            return claims
        kid = str(header.get("kid"))
        genuine = self._genuine  # before the keys: never of newer ones
        keys = self._current(kid)
        claims = jwt.decode(token, keys, True, self._audience, SKEW)  # type: ignore[no-untyped-call]
        if len(genuine) < MOST_KNOWN:
            genuine[token] = kid, claims
        return claims

    def _check(self, claims: Mapping[str, Any]) -> None:
        """What the library checks of a token with a signature. Raises ``ValueError``."""
        if claims["aud"] != self._audience:
            raise ValueError(f"the audience is {claims['aud']!r}")
        if not claims["iat"] - SKEW <= time.time() <= claims["exp"] + SKEW:
            raise ValueError("it is not of this time")

    def _current(self, kid: str) -> Keys:
        age = time.monotonic() - self._fetched
        if age > KEEP_KEYS or (kid not in self._keys and age > LOOK_AGAIN):
            self._keys, self._fetched = self._fetch(), time.monotonic()
            self._genuine = {}
        return self._keys


class PushGuard:
    """Lets pushes of our own subscriptions in (https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions).

    Args:
        audience: as the subscription's ``oidc_token`` names it.
        account: the address of the service account that signs.
        issuers, keys: Google's by default.
        verified: see ``Verifier``.
    """

    def __init__(
        self,
        audience: str,
        account: str,
        issuers: tuple[str, ...] = ("https://accounts.google.com", "accounts.google.com"),
        keys: Callable[[], Keys] | None = None,
        verified: bool = False,
    ) -> None:
        self._account = account
        self._verifier = Verifier("RS256", issuers, audience, keys or published(GOOGLE_KEYS), verified)

    def __call__(self, authorization: str) -> None:
        """Raises ``PermissionError`` unless the header ``Authorization`` is a token of the account for us."""
        if not self._account:
            raise PermissionError("nobody may push: ONESTOP_PUSH_ACCOUNT is not set")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise PermissionError("the push carries no bearer token")
        claims = self._verifier.claims(token)
        if claims.get("email") != self._account or claims.get("email_verified") is not True:
            raise PermissionError(f"the token speaks for {claims.get('email')!r}")


class IdentityAwareProxy:
    """Verifies ``X-Goog-IAP-JWT-Assertion`` (https://cloud.google.com/iap/docs/signed-headers-howto).

    Args:
        audience: ``/projects/NUMBER/global/backendServices/ID``, as the proxy's settings show it.
        keys: the proxy's published ones by default.
    """

    def __init__(self, audience: str, keys: Callable[[], Keys] | None = None) -> None:
        self._verifier = Verifier("ES256", ("https://cloud.google.com/iap",), audience, keys or published(IAP_KEYS))

    def address(self, header: str) -> str:
        """The signed-in person's address. Raises ``PermissionError`` where the header is missing or not genuine."""
        address = self._verifier.claims(header).get("email")
        if not address:
            raise PermissionError("the token names nobody")
        return str(address)


GOOGLE_KEYS = "https://www.googleapis.com/oauth2/v1/certs"
IAP_KEYS = "https://www.gstatic.com/iap/verify/public_key"


def published(url: str) -> Callable[[], Keys]:
    """Fetches a key set that Google publishes as a JSON object."""

    def fetch() -> Keys:
        from urllib.request import urlopen

        try:
            with urlopen(url, timeout=4) as answer:  # noqa: S310 - one of the two above
                keys: Keys = json.load(answer)
                return keys
        except (OSError, ValueError) as error:
            raise Unavailable(f"the key set {url} did not arrive: {error}") from error

    return fetch


def kept(path: Path) -> Callable[[], Keys]:
    """Reads a key set from a file of that form, which the local runner keeps."""

    def read() -> Keys:
        try:
            keys: Keys = json.loads(path.read_text())
            return keys
        except (OSError, ValueError) as error:
            raise Unavailable(f"the key set {path} cannot be read: {error}") from error

    return read

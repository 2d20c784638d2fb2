"""Proof of work, ALTCHA protocol version 2 (https://altcha.org): our challenge, and whether it was solved."""

from __future__ import annotations

import base64
import json
import time
from datetime import timedelta
from typing import Any

from shared.keys.ids import key_of
from shared.ports import Conflict, Create, utc_text
from shared.web.http.rate_limits import LIMITS
from shared.web.visit import Visit

ALGORITHM, COST = "PBKDF2/SHA-256", 2000  # 256 tries on average: a second of a telephone
CHALLENGE_LIFE = 900  # seconds
MAX_PROOF = 4096  # characters


def new_challenge(visit: Visit) -> dict[str, Any]:
    """What is to be solved; nothing is stored until it is."""
    import altcha

    challenge = altcha.create_challenge(
        ALGORITHM,
        COST,
        expires_at=int(time.time()) + CHALLENGE_LIFE,  # the library compares with the machine's clock
        hmac_secret=_secret(visit),
    )
    found: dict[str, Any] = challenge.to_dict()
    return found


def proved(visit: Visit, proof: str) -> bool:
    """Whether ``proof`` is the solution of a challenge of ours that nobody has used before; it is used up now."""
    import altcha

    if not 0 < len(proof) <= MAX_PROOF or not altcha.verify_solution(proof, _secret(visit)).verified:
        return False
    nonce = json.loads(base64.b64decode(proof))["challenge"]["parameters"]["nonce"]
    expires = visit.platform.clock.now() + timedelta(seconds=2 * CHALLENGE_LIFE)
    try:
        visit.platform.store.commit([Create(LIMITS, key_of("altcha", nonce), {"expire_at": utc_text(expires)})])
    except Conflict:
        return False
    return True


def _secret(visit: Visit) -> str:
    return key_of(visit.platform.settings.secret_keys[-1], "altcha")

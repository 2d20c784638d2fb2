"""Only our own push subscriptions get past the door of an ``events`` target."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from google.auth import crypt, jwt
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from infra.local.identity import Signer
from shared import settings, wiring
from shared.adapters.cloud import identity
from shared.adapters.cloud.identity import PushGuard
from shared.intake import Intake
from shared.ports import Unavailable
from shared.settings import BadSettings
from shared.wiring import Platform

AUDIENCE, ACCOUNT = "https://registration-events.run.app", "pusher@project.iam.gserviceaccount.com"


class Key:
    def __init__(self, kid: str) -> None:
        pair = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = pair.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        private = pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.kid, self.public = kid, public.decode()
        self.signer = crypt.RSASigner.from_string(private.decode(), kid)


GOOGLE, STRANGER, SAME_ID = Key("google"), Key("stranger"), Key("google")


def bearer(key: Key = GOOGLE, **changed: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": "https://accounts.google.com",
        "aud": AUDIENCE,
        "email": ACCOUNT,
        "email_verified": True,
        "iat": now - 5,
        "exp": now + 3600,
    }
    return f"Bearer {jwt.encode(key.signer, claims | changed).decode()}"


def unsigned() -> str:
    _, body, signature = bearer().split(".")
    return f"Bearer {part({'alg': 'none', 'typ': 'JWT'})}.{body}.{signature}"


def signed_with_the_public_key() -> str:
    """The confusion of RFC 8725, section 2.1: our public key taken for a shared secret."""
    text = f"{part({'alg': 'HS256', 'kid': 'google', 'typ': 'JWT'})}.{bearer().split('.')[1]}"
    digest = hmac.new(GOOGLE.public.encode(), text.encode(), hashlib.sha256).digest()
    return f"Bearer {text}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def altered() -> str:
    head, _, signature = bearer().split(".")
    return f"{head}.{bearer(iat=1).split('.')[1]}.{signature}"


def part(content: Mapping[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def here(data: Path, **environ: str) -> Platform:
    return wiring.build(settings.from_environment({"ONESTOP_DATA": str(data), **environ}))


def guarded(data: Path, keys: Callable[[], identity.Keys] = lambda: {"google": GOOGLE.public}) -> Platform:
    return replace(here(data), push_guard=PushGuard(AUDIENCE, ACCOUNT, keys=keys))


def push(platform: Platform, authorization: str) -> int:
    body = {"message": {"data": "", "attributes": {"event_id": "e", "type": "x", "time": "2026-01-01T00:00:00Z"}}}
    headers = {"Authorization": authorization} if authorization else {}
    request = Request(EnvironBuilder(method="POST", json=body, headers=headers).get_environ())
    return Intake(platform, "registration", {})(request).status_code  # type: ignore[arg-type]


FAULTS = {
    "nothing": lambda: "",
    "no token": lambda: "Bearer ",
    "another scheme": lambda: bearer().replace("Bearer", "Basic"),
    "no JWT": lambda: "Bearer x.y.z",
    "unsigned": unsigned,
    "signed with the public key": signed_with_the_public_key,
    "altered": altered,
    "expired": lambda: bearer(iat=int(time.time()) - 7200, exp=int(time.time()) - 3600),
    "without an end": lambda: bearer(exp=None),
    "of the future": lambda: bearer(iat=int(time.time()) + 3600),
    "wrong audience": lambda: bearer(aud="https://inquiries-events.run.app"),
    "wrong issuer": lambda: bearer(iss="https://accounts.example.com"),
    "wrong account": lambda: bearer(email="somebody@project.iam.gserviceaccount.com"),
    "address not verified": lambda: bearer(email_verified=False),
    "wrong key": lambda: bearer(STRANGER),
    "wrong key under the right id": lambda: bearer(SAME_ID),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_push_that_is_not_ours_is_refused(tmp_path: Path, fault: str) -> None:
    assert push(guarded(tmp_path), FAULTS[fault]()) == 403


def test_a_push_of_ours_is_taken(tmp_path: Path) -> None:
    platform = guarded(tmp_path)
    assert push(platform, bearer()) == 204
    assert push(platform, bearer(iss="accounts.google.com")) == 204


@pytest.mark.parametrize("fault", FAULTS)
def test_without_the_guard_every_one_of_these_would_get_in(tmp_path: Path, fault: str) -> None:
    assert push(replace(guarded(tmp_path), push_guard=None), FAULTS[fault]()) == 204


def stripped(authorization: str) -> str:
    """As Cloud Run hands on a token that it has verified itself."""
    return authorization.rpartition(".")[0] + identity.REMOVED


def behind_cloud_run(data: Path) -> Platform:
    keys = lambda: {"google": GOOGLE.public}  # noqa: E731
    return replace(here(data), push_guard=PushGuard(AUDIENCE, ACCOUNT, keys=keys, verified=True))


def test_a_token_that_cloud_run_verified_is_taken_without_its_signature_there_alone(tmp_path: Path) -> None:
    assert push(behind_cloud_run(tmp_path), stripped(bearer())) == 204
    assert push(behind_cloud_run(tmp_path), bearer()) == 204
    assert push(guarded(tmp_path), stripped(bearer())) == 403


@pytest.mark.parametrize("fault", FAULTS)
def test_behind_cloud_run_every_other_fault_is_still_refused(tmp_path: Path, fault: str) -> None:
    assert push(behind_cloud_run(tmp_path), FAULTS[fault]()) == 403
    if fault not in ("unsigned", "wrong key", "wrong key under the right id", "altered"):  # faults of a signature
        assert push(behind_cloud_run(tmp_path), stripped(FAULTS[fault]())) == 403


def test_a_new_key_is_fetched_but_not_at_every_strangers_wish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published, fetched = {"google": GOOGLE.public}, []
    platform = guarded(tmp_path, lambda: fetched.append(1) or dict(published))  # type: ignore[func-returns-value]
    assert push(platform, bearer()) == 204
    published["stranger"] = STRANGER.public
    assert push(platform, bearer(STRANGER)) == 403
    assert len(fetched) == 1
    monkeypatch.setattr(identity, "LOOK_AGAIN", -1)
    assert push(platform, bearer(STRANGER)) == 204
    assert len(fetched) == 2


def test_a_token_that_is_known_is_not_decoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    platform, token = guarded(tmp_path), bearer()
    assert [push(platform, token) for _ in range(2)] == [204, 204]
    monkeypatch.setattr(jwt, "decode", None)
    assert push(platform, token) == 204
    assert push(platform, bearer(iat=1)) == 403


def test_a_token_that_is_known_ends_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    platform, token = guarded(tmp_path), bearer()
    assert [push(platform, token) for _ in range(2)] == [204, 204]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3600 + 2 * identity.SKEW)
    assert push(platform, token) == 403


def test_a_key_that_is_withdrawn_takes_its_tokens_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = {"google": GOOGLE.public}
    platform, token = guarded(tmp_path, lambda: dict(published)), bearer()
    assert [push(platform, token) for _ in range(2)] == [204, 204]
    del published["google"]
    assert push(platform, token) == 204, "the set is kept for an hour"
    monkeypatch.setattr(identity, "KEEP_KEYS", -1)
    assert push(platform, token) == 403


def test_without_the_key_set_the_push_comes_again_later(tmp_path: Path) -> None:
    def nothing() -> identity.Keys:
        raise Unavailable("no network")

    assert push(guarded(tmp_path, nothing), bearer()) == 503


def test_the_local_engine_checks_the_runners_signature(tmp_path: Path) -> None:
    ours, theirs = Signer(tmp_path / "ours", "onestop"), Signer(tmp_path / "theirs", "onestop")
    platform = here(tmp_path / "ours")
    assert push(platform, ours.authorization()) == 204
    assert push(platform, Signer(tmp_path / "ours", "onestop").authorization()) == 204, "the key is kept"
    assert push(platform, theirs.authorization()) == 403
    assert push(platform, Signer(tmp_path / "ours", "others").authorization()) == 403
    assert push(platform, "") == 403
    assert (tmp_path / "ours" / "push.key").stat().st_mode & 0o077 == 0


def test_a_local_function_without_the_runners_key_takes_nothing(tmp_path: Path) -> None:
    assert push(here(tmp_path / "ours"), Signer(tmp_path / "theirs", "onestop").authorization()) == 503


CLOUD = {"ONESTOP_ENGINE": "cloud", "ONESTOP_SECRET_KEYS": "k" * 32}
EMULATORS = {**CLOUD, "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1"}


def test_in_the_cloud_nobody_gets_in_until_the_account_is_named(tmp_path: Path) -> None:
    guard = here(tmp_path, **CLOUD).push_guard
    assert guard is not None
    with pytest.raises(PermissionError, match="ONESTOP_PUSH_ACCOUNT"):
        guard(bearer(email="", aud=""))


def test_the_check_can_be_off_on_the_emulators_only(tmp_path: Path) -> None:
    assert here(tmp_path, **EMULATORS).push_guard is not None
    assert here(tmp_path, **EMULATORS, ONESTOP_PUSH_AUTH="off").push_guard is None
    for environ in ({}, CLOUD):
        with pytest.raises(BadSettings, match="ONESTOP_PUSH_AUTH"):
            here(tmp_path, **environ, ONESTOP_PUSH_AUTH="off")
    with pytest.raises(BadSettings, match="ONESTOP_PUSH_AUTH"):
        here(tmp_path, **EMULATORS, ONESTOP_PUSH_AUTH="maybe")

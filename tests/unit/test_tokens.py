"""Keys for each purpose: what the public reaches cannot make what opens the desk."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.keys.tokens import BadToken, Tokens
from shared.settings import from_environment

NOW = datetime(2026, 11, 25, tzinfo=UTC)
CLOUD = {"ONESTOP_ENGINE": "cloud", "ONESTOP_SECRET_KEYS": "public-key"}


def test_the_desks_keys_sign_what_opens_the_desk_and_nothing_else() -> None:
    desk, public = Tokens(["public-key"], ["desk-key"]), Tokens(["public-key"])
    assert desk.read("manage", public.sign("manage", "K7QM-3XHD"), NOW) == "K7QM-3XHD"
    assert desk.read("desk.session", desk.sign("desk.session", "s1"), NOW) == "s1"


def test_a_public_function_can_neither_make_nor_read_a_session() -> None:
    public = from_environment(CLOUD)
    assert public.desk_keys == ()
    for use in (
        lambda tokens: tokens.sign("desk.session", "s1"),
        lambda tokens: tokens.read("desk.session", "s1~~x", NOW),
    ):
        with pytest.raises(LookupError, match=r"desk\.session"):
            use(Tokens(public.secret_keys, public.desk_keys))


def test_who_has_the_public_keys_alone_cannot_forge_a_session() -> None:
    desk = from_environment(CLOUD | {"ONESTOP_DESK_KEYS": "old desk-key"})
    forged = Tokens([], ["public-key"]).sign("desk.session", "s1")
    with pytest.raises(BadToken):
        Tokens(desk.secret_keys, desk.desk_keys).read("desk.session", forged, NOW)
    careless = Tokens(desk.secret_keys, desk.secret_keys)  # one key for all: then it could
    assert careless.read("desk.session", forged, NOW) == "s1"

"""Seats kept for unverified registrations: so many of a pool, so many for a network, and for as long as seats allow."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from functions.registration.errors import Full
from functions.registration.registrations import holds
from functions.registration.registrations.documents import changing
from functions.registration.registrations.models import Registration
from shared.ports import from_utc_text
from tests.functions.registration_world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def crowd(world: World, count: int, *networks: str) -> None:
    """Invented addresses, from one network after the other."""
    for number in range(count):
        world.register(f"P{number}", origin=networks[number % len(networks)])


def kept(world: World) -> list[Registration]:
    return [registration for registration in world.registrations("unverified") if registration.pools]


def length(world: World, name: str) -> timedelta:
    registration = next(r for r in world.registrations() if r.given_name == name)
    return from_utc_text(registration.held_until or registration.created_at) - from_utc_text(registration.created_at)


def test_invented_addresses_of_one_network_keep_a_handful_of_seats(world: World) -> None:
    world.event(verify_email=True, seats=60)
    crowd(world, 60, "one")
    assert len(kept(world)) == holds.PER_NETWORK
    assert world.tickets("forum:*") == 60 - holds.PER_NETWORK
    assert world.register("Ada", origin="two").state == "unverified"
    assert world.verify("Ada").state == "confirmed"


def test_invented_addresses_of_many_networks_keep_a_share_of_a_pool(world: World) -> None:
    world.event(verify_email=True, seats=60)
    crowd(world, 60, *(f"network {n}" for n in range(60)))
    assert 0 < len(kept(world)) <= 60 // holds.SHARE
    assert world.tickets("forum:*") >= 45
    world.register("Ada", origin="hers")
    assert world.verify("Ada").state == "confirmed"


def test_without_the_limits_they_would_take_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    monkeypatch.setattr(holds, "SHARE", 1)
    world.event(verify_email=True, seats=60)
    crowd(world, 200, "")
    assert world.tickets("forum:*") < 15


def test_an_office_behind_one_address_gets_through_by_verifying(world: World) -> None:
    world.event(verify_email=True, seats=60)
    crowd(world, 30, "office")
    without = [r.given_name for r in world.registrations("unverified") if not r.pools]
    for name in without:
        assert world.verify(name).state == "confirmed"
    for registration in kept(world):
        assert world.verify(registration.given_name).state == "confirmed"
    assert len(world.names("confirmed")) == 30
    assert world.store.count(holds.HOLDS) == 0
    world.register("Late", origin="office")
    assert [r.given_name for r in kept(world)] == ["Late"], "who verified has made room"


def test_our_own_programs_are_counted_in_the_share_alone(world: World) -> None:
    world.event(verify_email=True, seats=800)
    crowd(world, 20, "")
    assert len(kept(world)) == 20


def test_nothing_is_kept_where_seats_have_no_limit(world: World) -> None:
    world.event(verify_email=True)
    crowd(world, 10, "one")
    assert world.store.count(holds.HOLDS) == 0
    assert all(row.data["data"]["kept_until"] for row in world.outbox("registration.received"))


@pytest.mark.parametrize("end", ["cancel", "expire"])
def test_what_ends_a_hold_makes_room_for_another(world: World, end: str) -> None:
    world.event(verify_email=True, seats=4)
    world.register("Ada")
    world.register("Bob")
    assert [r.given_name for r in kept(world)] == ["Ada"], "one of four"
    if end == "cancel":
        world.service.cancel(world.manage("Ada"))
    else:
        world.clock.pass_(hours=49)
    world.keeper.tick()
    assert world.store.count(holds.HOLDS) == 0
    world.service.seats._left.clear()
    world.register("Cy")
    assert [r.given_name for r in kept(world)] == ["Cy"]


def test_the_fewer_seats_are_left_the_shorter_one_is_kept(world: World) -> None:
    world.event(verify_email=True, seats=100, verify_within_hours=24)
    world.register("Early")
    world.store.commit(world.service.seats.take(["forum:*"] * 49) or [])
    world.service.seats._left.clear()
    world.register("Half")
    world.store.commit(world.service.seats.take(["forum:*"] * 24) or [])
    world.service.seats._left.clear()
    world.register("Late")
    world.store.commit(world.service.seats.take(["forum:*"] * 23) or [])
    world.service.seats._left.clear()
    world.register("Last")
    assert length(world, "Early") == timedelta(hours=24)
    assert length(world, "Half") == timedelta(hours=24)
    assert length(world, "Late") == timedelta(hours=12)
    assert length(world, "Last") == holds.SHORTEST


def test_a_hold_that_is_over_gives_the_seat_on_and_the_registration_can_still_be_verified(world: World) -> None:
    world.event(verify_email=True, seats=1)
    world.register("Ada")
    registration = world.registrations()[0]
    registration.held_until = registration.created_at
    world.store.commit([changing(registration)])
    world.register("Bob")
    assert world.verify("Bob").state == "waitlisted"
    world.clock.pass_(minutes=1)
    world.keeper.tick()
    assert world.names("confirmed") == ["Bob"]
    assert world.outbox("registration.expired") == []
    assert world.verify("Ada").state == "waitlisted"
    assert world.keeper.release_holds() == 0


def test_the_mail_tells_the_true_times(world: World) -> None:
    world.event(verify_email=True, seats=4)
    world.register("Ada")
    world.register("Bob")
    told = {
        row.data["data"]["registrant"]["given_name"]: row.data["data"] for row in world.outbox("registration.received")
    }
    ada = next(r for r in world.registrations() if r.given_name == "Ada")
    assert from_utc_text(told["Ada"]["kept_until"]) == from_utc_text(ada.held_until or "")
    assert told["Bob"]["kept_until"] is None
    assert told["Ada"]["verify_by"] == told["Bob"]["verify_by"]


def test_where_there_is_no_waitlist_the_last_seats_are_for_those_who_verify(world: World) -> None:
    world.event(verify_email=True, seats=2, waitlist=False)
    for name in ("Ada", "Bob", "Cy"):
        assert world.register(name).state == "unverified"
    assert world.verify("Bob").state == "confirmed"
    with pytest.raises(Full):
        world.verify("Cy")
    assert world.verify("Ada").state == "confirmed"
    world.service.seats._left.clear()
    with pytest.raises(Full):
        world.register("Di")


def test_of_a_large_pool_a_thousand_free_seats_are_half(world: World) -> None:
    event = world.event(verify_email=True, seats=3000)
    world.register("Ada")
    assert length(world, "Ada") == timedelta(hours=event.verify_within_hours)

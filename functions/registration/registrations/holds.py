"""Seats that are kept for people whose address is not verified yet: so few that nobody takes a hall in others' names.

A hold is a document with one of a limited number of ids, so there can be no more of them whoever counts: for each pool
a share of its seats, for each network a handful at an event. Whoever registers when they are used up gets a seat by
verifying, if one is free then; verifying makes room for the next hold, so an office behind one address gets through.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from functions.registration.events.models import EventDefinition
from functions.registration.registrations.models import Registration
from shared.ports import Create, Delete, Store, Write, from_utc_text, utc_text

HOLDS = "holds"
SHARE = 4  # one in so many seats of a pool may be kept
PER_NETWORK = 5
LOOKED_AT = 8  # ids of a pool: where all are used, we take the share for used up
SHORTEST = timedelta(minutes=30)
KEEP = timedelta(days=1)  # a document that was left behind, past its time


def find(store: Store, event: EventDefinition, pools: Sequence[str], origin: str) -> list[str] | None:
    """Ids for one hold that were free a moment ago, one for each pool and the network; None where there are none.

    Args:
        origin: the network, hashed; empty for our own programs, which are not counted.
    """
    sizes = event.capacities()
    asked = [_some(pool, -(-sizes[pool] // SHARE), LOOKED_AT) for pool in pools]
    if origin and pools:
        asked.append(_some(f"{event.id}@{origin}", PER_NETWORK, PER_NETWORK))
    used = {hold.id for hold in store.get_many(HOLDS, [id for ids in asked for id in ids])}
    free = [next((id for id in ids if id not in used), "") for ids in asked]
    return free if all(free) else None


def _some(prefix: str, count: int, looked_at: int) -> list[str]:
    return [f"{prefix}:{number}" for number in random.sample(range(count), min(count, looked_at))]


def until(event: EventDefinition, registration: Registration, free: float, now: datetime) -> datetime:
    """How long a seat is kept: the whole time to verify while half of the seats are ``free`` (a share, from 0 to 1, of
    2,000 where there are more), then the shorter, the fewer there are."""
    assert registration.verify_by
    whole = timedelta(hours=event.verify_within_hours)
    return min(now + max(whole * min(1, 2 * free), SHORTEST), from_utc_text(registration.verify_by))


def keep(registration: Registration, ids: list[str], held_until: datetime) -> list[Write]:
    """Writes that note the hold; each fails with ``Conflict`` where somebody has taken its id."""
    registration.holds, registration.held_until = ids, utc_text(held_until)
    expires = utc_text(held_until + KEEP)
    return [Create(HOLDS, id, {"event": registration.event, "expire_at": expires}) for id in ids]


def drop(registration: Registration) -> list[Write]:
    """Writes that end the registration's hold, if it has one. The seat itself is another matter."""
    ids, registration.holds, registration.held_until = registration.holds, [], None
    return [Delete(HOLDS, id, None) for id in ids]

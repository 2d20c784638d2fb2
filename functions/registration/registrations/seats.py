"""Seats: one document for each seat that nobody has, so that a pool can never be oversold.

Taking a seat deletes its ticket, ``seats/{pool}:{random}``, under a version precondition and in the same commit as the
registration: two people cannot delete one document. Giving it back puts a ticket among the ``returned_seats``: only
``settle`` decides whether somebody in the waitlist gets it or whether it is free for newcomers again.

A newcomer takes free tickets only. Whoever finds none joins the waitlist and, in the same commit, moves one of the
event's *gates* forward; freeing a ticket needs all of them unmoved since the waitlist was seen empty. So nobody can
begin to wait while a ticket becomes free, and the waitlist is never jumped. Giving a ticket on needs one gate unmoved,
and whoever changes what seats there are (fewer of them, other categories) moves all: what was decided by an earlier
definition is decided anew.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future

from functions.registration.events.models import Category, EventDefinition, pool_id
from functions.registration.registrations.tally_changes import change
from shared.ports import MAX_COUNTED, Create, Data, Delete, Document, Replace, Store, Write, decide, every, within

SEATS = "seats"
RETURNED = "returned_seats"
POOLS = "pools"
GATES = "gates"
GATE_SHARDS = 32  # joining a long waitlist must not queue up at one document
HINTS = (16, 64)  # tickets read at once: doubled each time, and few again after a conflict
CHUNK = 200
MAX_CATEGORIES = 14  # of one event: freeing a seat moves the gates of all in one commit
FRESH = 2.0  # seconds for which a count is shown
EMPTY = 0.5  # seconds for which a pool that was seen empty is taken for empty, where nothing depends on it


class Seats:
    """Finds free tickets cheaply, from the first seat to the last.

    A process keeps free tickets that it has seen, read from a random place so that processes seldom meet. They are
    hints: the claim's precondition decides, and after a conflict the pool is read again. It reads more at a time while
    seats are plenty, few when they run out, and so about one document for each claim.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._hints: defaultdict[str, list[Document]] = defaultdict(list)
        self._next_limit: dict[str, int] = {}
        self._reading: dict[str, Future[int]] = {}
        self._left: dict[str, tuple[float, int]] = {}
        self._empty: dict[str, float] = {}  # when a pool was seen to have no free ticket
        self._lock = threading.Lock()

    def take(self, pools: Sequence[str], certain: bool = True) -> list[Write] | None:
        """Writes that claim one seat for each entry of ``pools``, all in one commit or none; None where one is lacking.

        A pool stands there once for each person who needs a seat of it. Where the caller will ask again before it acts
        on None, it need not be ``certain``: a pool that was empty a moment ago is then not read again.
        """
        now = time.monotonic()
        if not certain and any(now - self._empty.get(pool, float("-inf")) < EMPTY for pool in pools):
            return None
        found: list[Document] = []
        for pool, wanted in Counter(pools).items():
            tickets = self._next(pool, wanted)
            found += tickets
            if len(tickets) < wanted:
                with self._lock:
                    for seen in found:
                        self._hints[seen.data["pool"]].append(seen)
                return None
        return [Delete(SEATS, ticket.id, ticket.version) for ticket in found]

    def forget(self, pools: Iterable[str]) -> None:
        """After a conflict: somebody else takes seats here, so read them afresh."""
        with self._lock:
            for pool in pools:
                self._hints.pop(pool, None)
                self._next_limit.pop(pool, None)

    def left(self, pool: str) -> int:
        """How many seats are free, as of the last two seconds; counting ends at ``MAX_COUNTED``."""
        read_at, left = self._left.get(pool, (float("-inf"), 0))
        if time.monotonic() - read_at > FRESH:
            left = self._store.count(SEATS, *within(pool), at_most=MAX_COUNTED)
            self._left[pool] = (time.monotonic(), left)
        return left

    def _next(self, pool: str, wanted: int) -> list[Document]:
        """``wanted`` different tickets of the pool, or all that there are; nobody else gets them from us."""
        asked_since = False
        while True:
            with self._lock:
                hints = self._hints[pool]
                if len(hints) >= wanted:
                    return [hints.pop() for _ in range(wanted)]
                reading = self._reading.get(pool)
                if mine := reading is None or reading.done():
                    self._reading[pool] = reading = Future()
            if mine:
                return self._read(pool, wanted, reading)
            found = reading.result()  # of another thread: a crowd asks once, not all at once
            if asked_since and found < wanted:
                return []
            asked_since = True  # the first one may have begun before we were called, and tells no news

    def _read(self, pool: str, wanted: int, reading: Future[int]) -> list[Document]:
        limit = max(self._next_limit.get(pool, HINTS[0]), wanted)
        try:
            fresh = self._free(pool, limit, wanted)
        except BaseException as error:
            reading.set_exception(error)
            raise
        random.shuffle(fresh)
        with self._lock:
            self._hints[pool] = fresh[wanted:]
            self._next_limit[pool] = min(2 * limit, HINTS[1])
            if fresh:
                self._empty.pop(pool, None)
            else:
                self._empty[pool] = time.monotonic()
        reading.set_result(len(fresh))
        return fresh[:wanted]

    def _free(self, pool: str, limit: int, wanted: int) -> list[Document]:
        """Up to ``limit`` free tickets from a random place on; where too few follow it, from the beginning."""
        if pool in self._empty:
            return self._store.query(SEATS, *within(pool), limit=limit)
        start = f"{pool}:{secrets.token_hex(8)}"
        found = self._store.query(SEATS, *within(pool), after=(start, start), limit=limit)
        return found if len(found) >= wanted else self._store.query(SEATS, *within(pool), limit=limit)


def ticket(collection: str, event: str, pool: str) -> Create:
    """The write of one seat, under a random id in the range of its pool (``within``)."""
    return Create(collection, f"{pool}:{secrets.token_hex(8)}", {"event": event, "pool": pool})


def seats_left(event: EventDefinition, category: Category | None, free: Callable[[str], int]) -> int | None:
    """Free seats for a category, or (None) for anybody; None where there is no limit. ``free``: of a pool."""
    if event.kept.line_first and event.waitlist:
        return 0  # until those who wait have had their turn
    if category is not None:
        return min(map(free, event.pools(category)), default=None)
    total = [free(pool_id(event.id))] if event.seats is not None else []
    quotas = [seats_left(event, entry, free) for entry in event.categories]
    if any(left is None for left in quotas):
        return min(total, default=None)
    return min([*total, sum(left or 0 for left in quotas)])


def freed(writes: Iterable[Write]) -> Counter[str]:
    """How many more seats are free after ``writes``, by pool."""
    found: Counter[str] = Counter()
    for write in writes:
        if write.collection == SEATS:
            found[write.id.rpartition(":")[0]] += 1 if isinstance(write, Create) else -1
    return found


def give_back(event: str, pools: Iterable[str]) -> list[Write]:
    """Writes that return one seat to each pool."""
    return [ticket(RETURNED, event, pool) for pool in pools]


def gate_reading(store: Store, event: str) -> Document | str:
    """One of the event's gates, read before looking for seats: the document, or the id of one still to be made."""
    id = random.choice(_gates(event))
    return store.get(GATES, id) or id


def move_gate(reading: Document | str) -> Write:
    """Fails with ``Conflict`` where the gate has moved since it was read."""
    if isinstance(reading, str):
        return Create(GATES, reading, {"moves": 1})
    return Replace(GATES, reading.id, {"moves": reading.data["moves"] + 1}, reading.version)


def gates_reading(store: Store, event: str) -> list[Document | str]:
    """All gates of the event."""
    known = {gate.id: gate for gate in store.get_many(GATES, _gates(event))}
    return [known.get(id, id) for id in _gates(event)]


def _gates(event: str) -> list[str]:
    return [f"{event}:{shard}" for shard in range(GATE_SHARDS)]


def resize(store: Store, event: EventDefinition, drop: bool = False) -> None:
    """Issue or withdraw tickets until every pool has as many seats as the definition says.

    Runs again where it was interrupted. Seats that are taken stay taken: a pool that is too full withdraws the next
    ones that come back (``withdraw``). Tickets issued later count as returned: somebody may wait for them.

    Args:
        drop: empty also the pools that the definition does not have (any more).
    """
    wanted = event.capacities()
    known = {pool.id for pool in every(store, POOLS, ("event", "==", event.id))} if drop else set()
    for pool in sorted(wanted.keys() | known):
        while decide(lambda pool=pool: _resize_step(store, event.id, pool, wanted.get(pool, 0))):  # type: ignore[misc]
            pass


def _resize_step(store: Store, event: str, pool: str, wanted: int) -> bool:
    """One chunk towards ``wanted`` seats; False when there is nothing more to do now."""
    known = store.get(POOLS, pool)
    data: Data = known.data if known else {"event": event, "wanted": wanted, "issued": 0, "filled": False}
    if wanted < data["wanted"]:  # first of all, so that what is under way gives none of them on by the old number
        stirred = [Replace(GATES, id, {"moves": 0}, None) for id in _gates(event)]
        store.commit([Replace(POOLS, pool, {**data, "wanted": wanted}, known.version if known else None), *stirred])
        return True
    missing = wanted - data["issued"]
    writes: list[Write] = []
    if missing > 0:
        collection = RETURNED if data["filled"] else SEATS
        writes = [ticket(collection, event, pool) for _ in range(min(missing, CHUNK))]
    elif missing < 0:
        limit = min(-missing, CHUNK)
        idle = store.query(SEATS, *within(pool), limit=limit) or store.query(RETURNED, *within(pool), limit=limit)
        writes = [Delete(spare.collection, spare.id, spare.version) for spare in idle]
    issued = data["issued"] + (len(writes) if missing > 0 else -len(writes))
    after = {**data, "wanted": wanted, "issued": issued, "filled": data["filled"] or issued >= wanted}
    if known and after == known.data:
        return False
    counted = Replace(POOLS, pool, after, known.version) if known else Create(POOLS, pool, after)
    told = [change(event, moves) for moves in [freed(writes)] if moves]
    store.commit([counted, *told, *writes])
    return issued != wanted and bool(writes)


def withdraw(store: Store, returned: Document) -> bool:
    """Take a returned ticket out of a pool that has more seats than it should; False where it may stay."""
    pool = store.get(POOLS, returned.data["pool"])
    if pool is None or pool.data["issued"] <= pool.data["wanted"]:
        return False
    less = {**pool.data, "issued": pool.data["issued"] - 1}
    store.commit([Replace(POOLS, pool.id, less, pool.version), Delete(RETURNED, returned.id, returned.version)])
    return True

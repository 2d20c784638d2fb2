"""What a commit does to an event's tally (``tallies.py``): a new document in the same commit, so that nobody waits."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from shared.ports import Create

CHANGES = "event_tally_changes"  # {"event": ..., "moves": {"waitlisted": -1, "confirmed": 1, "forum:*": -1}}


def change(event: str, moves: Mapping[str, int]) -> Create:
    """``moves``: by state, how many more registrations are in it; by pool, how many more seats are free."""
    return Create(CHANGES, f"{event}:{secrets.token_hex(8)}", {"event": event, "moves": dict(moves)})

"""What a commit does to an organisation's weeks (``weeks.py``): a new document in the same commit, so nobody waits."""

from __future__ import annotations

import secrets
from collections import Counter
from datetime import datetime

from shared.ports import Create, from_utc_text, utc_text

CHANGES = "inquiry_tally_changes"  # {"organisation": ..., "received_at": ..., "moves": {"received": 1, "2.5": 1}}
RECEIVED = "received"


def counted_as(received_at: str, answered_at: str | None) -> Counter[str]:
    """What one organisation's part in an inquiry adds to the week: that it was received, and after how many hours it
    was answered first, rounded to a tenth below a hundred and to an hour above."""
    found = Counter({RECEIVED: 1})
    if answered_at:
        hours = (from_utc_text(answered_at) - from_utc_text(received_at)).total_seconds() / 3600
        found[f"{round(hours, 1 if hours < 100 else 0)}"] += 1
    return found


def changes(
    received_at: datetime, before: dict[str, datetime | None], after: dict[str, datetime | None]
) -> list[Create]:
    """What becomes of the weeks of the organisations that have a part in an inquiry, each with the first answer."""
    received, writes = utc_text(received_at), []
    for organisation in sorted(before.keys() | after.keys()):
        moves = Counter[str]()
        for parts, sign in ((before, -1), (after, 1)):
            if organisation in parts:
                answered = parts[organisation]
                counts = counted_as(received, utc_text(answered) if answered else None)
                moves.update({name: sign * count for name, count in counts.items()})
        if moves := Counter({name: count for name, count in moves.items() if count}):
            data = {"organisation": organisation, "received_at": received, "moves": dict(moves)}
            writes.append(Create(CHANGES, f"{organisation}:{secrets.token_hex(8)}", data))
    return writes

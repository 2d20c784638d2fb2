"""The audit trail: what was done, by whom."""

from __future__ import annotations

from typing import Any

from shared.documents import Stored
from shared.fields import Instant

AUDIT = "audit"


class AuditEntry(Stored):
    """Collection ``audit``: created, never changed."""

    time: Instant
    inquiry: str
    actor: str  # address of the staff, "requester" or "system"
    organisation: str | None
    action: str
    detail: dict[str, Any] = {}

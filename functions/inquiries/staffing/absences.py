"""Who is away: the rota passes them over, and their days end by themselves."""

from __future__ import annotations

import secrets
from datetime import date

from functions.inquiries.base import Invalid, Means, Member, NotFound
from functions.inquiries.casework.models import AuditEntry
from shared.ports import Create, Replace, decide
from shared.staff.models import Staff
from shared.text import N_


def set_absence(means: Means, actor: Member, email: str, first: date | None, last: date | None) -> None:
    """Days away of a colleague of the actor's organisation, both included; no ``first``: not away.

    Raises ``NotFound``, ``Invalid`` (``last``).
    """
    if last and (first is None or last < first):
        raise Invalid({"last": N_("The last day must not lie before the first.")})

    def attempt() -> None:
        document = means.store.get("staff", email)
        if document is None or document.data["organisation"] != actor.organisation:
            raise NotFound
        person = Staff.model_validate(document.data).model_copy(update={"absent_from": first, "absent_until": last})
        said = {"person": email, "from": first and first.isoformat(), "until": last and last.isoformat()}
        entry = AuditEntry(
            time=means.clock.now(),
            inquiry="",
            actor=actor.email,
            organisation=actor.organisation,
            action="absence",
            detail=said,
        )
        means.store.commit(
            [
                Replace("staff", email, person.data(), document.version),
                Create("staff_audit", secrets.token_hex(12), entry.data()),
            ]
        )

    decide(attempt)

"""Who is away: the rota passes them over, and their days end by themselves."""

from __future__ import annotations

import secrets
from datetime import date

from functions.inquiries.audit import AuditEntry
from functions.inquiries.errors import PersonNotFound
from functions.inquiries.means import Means, Member
from shared.errors import FaultyFields
from shared.ports import Create, Replace, decide
from shared.staff.models import Staff
from shared.text import N_


def set_absence(means: Means, actor: Member, email: str, first: date | None, last: date | None) -> None:
    """Days away of a colleague of the actor's organisation, both included; no ``first``: not away.

    Raises ``PersonNotFound``, ``FaultyFields`` (``last``).
    """
    if last and (first is None or last < first):
        raise FaultyFields({"last": N_("The last day must not lie before the first.")})

    def attempt() -> None:
        document = means.store.get("staff", email)
        if document is None or document.data["organisation"] != actor.organisation:
            raise PersonNotFound(email)
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

"""Who is signed in. Staff are content and read afresh for every request: a role that is taken away is gone with the
next click.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.formats.addresses import folded_address
from shared.ports import Store
from shared.staff.permissions import ROLES, allowed
from shared.web.visit import Visit

STAFF = "staff"


@dataclass(frozen=True)
class Member:
    """A member of staff, as the content describes them now."""

    email: str
    name: str
    organisation: str
    role: str
    languages: tuple[str, ...]
    queues: tuple[str, ...]

    def may(self, permission: str) -> bool:
        """Whether the member's role has the ``permission`` (``inquiries.assign``)."""
        return allowed(self.role, permission)


def find(store: Store, email: str) -> Member | None:
    """The member of staff with this address, in a role that we know."""
    document = store.get(STAFF, folded_address(email))
    if document is None or document.data.get("role") not in ROLES:
        return None
    data = document.data
    return Member(
        document.id,
        data["name"],
        data["organisation"],
        data["role"],
        tuple(data.get("languages", ())),
        tuple(data.get("queues", ())),
    )


def member(visit: Visit) -> Member:
    """Who is signed in; for handlers behind the gate."""
    assert isinstance(visit.staff, Member)
    return visit.staff

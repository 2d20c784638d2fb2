"""The slice's content as the store has it, read at most once a minute: content changes are rare and never urgent.

Staff are read afresh: who is absent or has left must not get the next request.
"""

from __future__ import annotations

from functions.inquiries.content_models import (
    Activity,
    CannedReply,
    CountryGroup,
    Organisation,
    RequesterType,
    Rule,
    Staff,
    Topic,
)
from shared.ports import Clock, Store


class Directory:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @property
    def organisations(self) -> dict[str, Organisation]:
        """By id, in the order of their names."""
        raise NotImplementedError

    @property
    def topics(self) -> dict[str, Topic]:
        raise NotImplementedError

    @property
    def activities(self) -> dict[str, Activity]:
        raise NotImplementedError

    @property
    def country_groups(self) -> dict[str, CountryGroup]:
        raise NotImplementedError

    @property
    def canned_replies(self) -> dict[str, CannedReply]:
        raise NotImplementedError

    def rules(self) -> tuple[str, list[Rule]]:
        """The version in force and its rules. Raises ``LookupError`` where none were imported."""
        raise NotImplementedError

    def staff(self, organisation: str) -> list[Staff]:
        """By address, absent ones included."""
        raise NotImplementedError

    def find_activities(
        self,
        organisation: str | None = None,
        topic: str | None = None,
        kind: str | None = None,
        audience: RequesterType | None = None,
        search: str = "",
    ) -> list[Activity]:
        """Activities for which all that is given holds, dated ones first. ``search``: words of title or summary."""
        raise NotImplementedError

"""The slice's content as the store has it, read at most once a minute: content changes are rare and never urgent.

Staff are read afresh: who is absent or has left must not get the next request.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TypeVar

from functions.inquiries.content_models import (
    Activity,
    CannedReply,
    Content,
    CountryGroup,
    Organisation,
    RequesterType,
    Rule,
    Staff,
    Topic,
)
from functions.inquiries.routing import RuleSet, plain_words
from shared.addresses import folded_address
from shared.ports import Clock, Store

FRESH = timedelta(minutes=1)
RULE_SETS, CURRENT = "rule_sets", "current"
C = TypeVar("C", bound=Content)


class Directory:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._cache: dict[str, tuple[datetime, dict[str, Content]]] = {}
        self._compiled: tuple[str, RuleSet] | None = None

    @property
    def organisations(self) -> dict[str, Organisation]:
        """By id."""
        return self._cached("organisations", Organisation)

    @property
    def topics(self) -> dict[str, Topic]:
        return self._cached("topics", Topic)

    @property
    def activities(self) -> dict[str, Activity]:
        return self._cached("activities", Activity)

    @property
    def country_groups(self) -> dict[str, CountryGroup]:
        return self._cached("country_groups", CountryGroup)

    @property
    def canned_replies(self) -> dict[str, CannedReply]:
        return self._cached("canned_replies", CannedReply)

    @property
    def short_names(self) -> dict[str, str]:
        return {id: organisation.short_name for id, organisation in self.organisations.items()}

    def rules(self) -> tuple[str, list[Rule]]:
        """The version in force and its rules. Raises ``LookupError`` where none were imported."""
        current = self._store.get(RULE_SETS, CURRENT)
        rule_set = self._store.get(RULE_SETS, current.data["version"]) if current else None
        if rule_set is None:
            raise LookupError("no routing rules: import the content first")
        return rule_set.id, [Rule.model_validate(rule) for rule in rule_set.data["rules"]]

    def rule_set(self) -> tuple[str, RuleSet]:
        """The version in force, ready to decide. Raises ``LookupError``."""
        current = self._store.get(RULE_SETS, CURRENT)
        if current is None:
            raise LookupError("no routing rules: import the content first")
        if self._compiled is None or self._compiled[0] != current.data["version"]:
            version, rules = self.rules()
            self._compiled = version, self.compile(rules)
        return self._compiled

    def compile(self, rules: list[Rule]) -> RuleSet:
        """Raises ``ValueError`` for rules that do not make a set."""
        return RuleSet(rules, {id: group.countries for id, group in self.country_groups.items()})

    def items(self) -> dict[str, dict[str, Content]]:
        """All content but rules, by kind, as ``content_checks`` wants it."""
        everybody = self._store.query("staff", limit=1000)
        return {
            "organisations": dict(self.organisations),
            "staff": {one.id: Staff.model_validate(one.data) for one in everybody},
            "topics": dict(self.topics),
            "activities": dict(self.activities),
            "country_groups": dict(self.country_groups),
            "canned_replies": dict(self.canned_replies),
        }

    def staff(self, organisation: str) -> list[Staff]:
        """By address, absent ones included."""
        found = self._store.query("staff", ("organisation", "==", organisation), limit=1000)
        return [Staff.model_validate(document.data) for document in found]

    def person(self, email: str) -> Staff | None:
        document = self._store.get("staff", folded_address(email))
        return Staff.model_validate(document.data) if document else None

    def find_activities(
        self,
        organisation: str | None = None,
        topic: str | None = None,
        kind: str | None = None,
        audience: RequesterType | None = None,
        search: str = "",
    ) -> list[Activity]:
        """Activities for which all that is given holds, dated ones first. ``search``: words of title or summary."""
        words = plain_words(search)
        found = [
            activity
            for activity in self.activities.values()
            if (not organisation or organisation in activity.organisations)
            and (not topic or topic in activity.topics)
            and (not kind or kind == activity.kind)
            and (not audience or audience in activity.audience)
            and (not words or _has_all(words, activity, self.topics))
        ]
        return sorted(found, key=lambda activity: (activity.starts_on or date.max, activity.title["en"]))

    def _cached(self, kind: str, model: type[C]) -> dict[str, C]:
        now = self._clock.now()
        read_at, items = self._cache.get(kind, (now - FRESH, {}))
        if now - read_at >= FRESH:
            found = self._store.query(kind, limit=1000)
            items = {document.id: model.model_validate(document.data) for document in found}
            self._cache[kind] = (now, items)
        return items  # type: ignore[return-value]


def _has_all(words: list[str], activity: Activity, topics: Mapping[str, Topic]) -> bool:
    """Whether each word begins one of the activity's, in any of its languages."""
    texts = [*activity.title.values(), *activity.summary.values()]
    for topic in activity.topics:
        texts += topics[topic].name.values() if topic in topics else ()
    known = plain_words("\n".join(texts))
    return all(any(one.startswith(word) for one in known) for word in words)

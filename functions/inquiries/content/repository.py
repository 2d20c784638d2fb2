"""The slice's content as the store has it, read at most once a minute: content changes are rare and never urgent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

from functions.inquiries.content.models import Activity, CannedReply, CountryGroup, RequesterType, Rule, Topic
from functions.inquiries.content.routing_rules import RuleSet
from functions.inquiries.errors import ActivityNotFound
from shared.documents import Content
from shared.formats import countries
from shared.formats.words import terms
from shared.ports import Clock, Store, every
from shared.staff.directory import StaffDirectory
from shared.staff.models import Staff

RULE_SETS, CURRENT = "rule_sets", "current"


@cache
def listed_groups() -> dict[str, CountryGroup]:
    """The country groups of ``countries.toml``, which every function carries."""
    listed = countries.content().groups
    return {
        group.id: CountryGroup(**group.model_dump(), countries=list(countries.members()[group.id])) for group in listed
    }


class Directory(StaffDirectory):
    """With the organisations and their staff, whom the slice asks all the time."""

    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__(store, clock)
        self._compiled: tuple[str, RuleSet] | None = None

    @property
    def topics(self) -> dict[str, Topic]:
        """By id, at most a minute old."""
        return self._cached("topics", Topic)

    @property
    def activities(self) -> dict[str, Activity]:
        """By id, at most a minute old."""
        return self._cached("activities", Activity)

    def activity(self, id: str) -> Activity:
        """Raises ``ActivityNotFound``."""
        found = self.activities.get(id)
        if found is None:
            raise ActivityNotFound(id)
        return found

    @property
    def country_groups(self) -> dict[str, CountryGroup]:
        """By id: those of ``countries.toml``, and imported ones beside them, at most a minute old."""
        return self._cached("country_groups", CountryGroup) | listed_groups()

    @property
    def canned_replies(self) -> dict[str, CannedReply]:
        """By id, at most a minute old, those of all organisations."""
        return self._cached("canned_replies", CannedReply)

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
        """Raises ``BadRules`` for rules that do not make a set."""
        return RuleSet(rules, {id: group.countries for id, group in self.country_groups.items()})

    def items(self) -> dict[str, dict[str, Content]]:
        """All content but rules, by kind, as ``content_checks`` wants it."""
        everybody = every(self._store, "staff")
        return {
            "organisations": dict(self.organisations),
            "staff": {one.id: Staff.model_validate(one.data) for one in everybody},
            "topics": dict(self.topics),
            "activities": dict(self.activities),
            "country_groups": dict(self.country_groups),
            "canned_replies": dict(self.canned_replies),
        }

    def find_activities(
        self,
        organisation: str | None = None,
        topic: str | None = None,
        kind: str | None = None,
        audience: RequesterType | None = None,
        search: str = "",
    ) -> list[Activity]:
        """Activities for which all that is given holds, dated ones first. ``search``: words of title or summary."""
        words = terms(search)
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


def _has_all(words: list[str], activity: Activity, topics: Mapping[str, Topic]) -> bool:
    """Whether each word begins one of the activity's, in any of its languages."""
    texts = [*activity.title.values(), *activity.summary.values()]
    for topic in activity.topics:
        texts += topics[topic].name.values() if topic in topics else ()
    known = terms("\n".join(texts))
    return all(any(one.startswith(word) for one in known) for word in words)

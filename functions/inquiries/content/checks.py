"""What one content entry says of another must be so: names that exist, examples that route as they state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import pairwise
from typing import Any, cast

from functions.inquiries.content.models import SHARE_WITH_ALL, Rule
from functions.inquiries.content.routing_rules import RuleSet, check_examples, check_words
from functions.inquiries.content.working_time import WorkingTime, merged
from shared.content_files import ANY_ID
from shared.formats.addresses import folded_address
from shared.staff.models import Organisation, Staff

MAX_WEEKS = 104  # that a target may take, holidays aside

Faults = list[str]
Items = Mapping[str, Mapping[str, Any]]
"""Content models by kind (``organisations``, ``staff`` ...) and id."""


def check(items: Items, origin: Mapping[tuple[str, str], str], broken: Set[tuple[str, str]] = frozenset()) -> Faults:
    """Every fault as a line ``file: kind (id): key: what and mend``.

    Args:
        origin: the file by kind and id.
        broken: kind and id (``ANY_ID``: whichever) of entries that are there and cannot be read, so that nothing that
            depends on what stands in them is a fault.
    """
    found = [*_references(items, broken), *(("rules", id, message) for id, message in _words(items))]
    if not any(kind in ("rules", "country_groups") for kind, *_ in [*found, *broken]):
        found += [("rules", id, message) for id, message in _routes(items)]
    return [f"{origin.get((kind, id), kind)}: {kind} ({id}): {message}" for kind, id, message in found]


def check_rules(rules: list[Rule], items: Items) -> Faults:
    """The same for a draft set of rules, with the other content as it is."""
    return check({**items, "rules": {rule.id: rule for rule in rules}}, {})


def _references(items: Items, broken: Set[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Names that do not exist: ``(kind, id, message)``."""
    organisations: dict[str, Organisation] = dict(items["organisations"])

    def is_known(kind: str, name: str) -> bool:
        return name in items[kind] or not broken.isdisjoint({(kind, name), (kind, ANY_ID)})

    def missing(kind: str, wanted: list[str], key: str) -> Iterator[str]:
        for name in wanted:
            if not is_known(kind, name):
                yield f"{key}: there is no {name!r} among the {kind}; correct it or add that entry"

    for id, organisation in organisations.items():
        address = folded_address(organisation.focal_point)
        if address in items["staff"] or not is_known("staff", address):
            yield from (("organisations", id, message) for message in _focal_point(organisation, items["staff"]))
        yield from (("organisations", id, message) for message in _overlaps(organisation))
    for id, person in items["staff"].items():
        yield from (("staff", id, m) for m in missing("organisations", [person.organisation], "organisation"))
        yield from (("staff", id, m) for m in _queues(organisations.get(person.organisation), person.queues, "queues"))
    for kind in ("topics", "activities", "canned_replies"):
        for id, item in items[kind].items():
            yield from ((kind, id, m) for m in missing("organisations", item.organisations, "organisations"))
    for kind in ("activities", "canned_replies"):
        for id, item in items[kind].items():
            yield from ((kind, id, m) for m in missing("topics", item.topics, "topics"))
    for id, rule in items["rules"].items():
        yield from (("rules", id, m) for m in missing("organisations", [rule.lead, *rule.supporting], "lead"))
        yield from (("rules", id, m) for m in _queues(organisations.get(rule.lead), [rule.queue], "queue"))
        yield from (("rules", id, m) for m in _out_of_reach(rule, organisations))
        for kind in ("topics", "activities", "country_groups"):
            yield from (("rules", id, m) for m in missing(kind, getattr(rule.when, kind), f"when.{kind}"))
        for number, example in enumerate(rule.examples, 1):
            key = f"examples[{number}]"
            yield from (("rules", id, m) for m in missing("topics", example.topics, f"{key}.topics"))
            if example.share_with != SHARE_WITH_ALL:
                wanted = [example.share_with]
                yield from (("rules", id, m) for m in missing("organisations", wanted, f"{key}.share_with"))


def _focal_point(organisation: Organisation, staff: Mapping[str, Staff]) -> Iterator[str]:
    person = staff.get(folded_address(organisation.focal_point))
    if person is None or person.organisation != organisation.id:
        yield "focal_point: must be one of this organisation's staff; correct the address or add the person"


def _overlaps(organisation: Organisation) -> Iterator[str]:
    for day, hours in organisation.working_hours.items():
        in_order = sorted((each.start, each.end) for each in hours)
        if any(later[0] < earlier[1] for earlier, later in pairwise(in_order)):
            better = ", ".join(f'{{ from = "{begins:%H:%M}", to = "{ends:%H:%M}" }}' for begins, ends in merged(hours))
            yield f"working_hours.{day}: some of these hours overlap and would count twice; write [{better}]"


def _out_of_reach(rule: Rule, organisations: Mapping[str, Organisation]) -> Iterator[str]:
    for id in (rule.lead, *rule.supporting):
        weekly = WorkingTime(organisations[id]).weekly if id in organisations else rule.target_hours
        if rule.target_hours > weekly * MAX_WEEKS:
            yield (
                f"target_hours: {rule.target_hours:g} hours take {rule.target_hours / weekly:.0f} weeks at {id}, which"
                f" works {weekly:g} hours a week; at most {weekly * MAX_WEEKS:g} fit into {MAX_WEEKS} weeks"
            )


def _queues(organisation: Organisation | None, wanted: list[str], key: str) -> Iterator[str]:
    if organisation is not None:
        known = [queue.id for queue in organisation.queues]
        for name in wanted:
            if name not in known:
                yield f"{key}: {organisation.id} has no queue {name!r}; it has {', '.join(known)}"


def _words(items: Items) -> Iterator[tuple[str, str]]:
    return _told(check_words(_rules(items)))


def _routes(items: Items) -> Iterator[tuple[str, str]]:
    """Of the set as a whole: what compiling it refuses, and examples that go elsewhere."""
    rules = _rules(items)
    if not rules:
        return
    groups = {id: group.countries for id, group in items["country_groups"].items()}
    try:
        rule_set = RuleSet(rules, groups)
    except ValueError as error:
        yield "all", str(error)
        return
    yield from _told(check_examples(rules, rule_set))


def _rules(items: Items) -> list[Rule]:
    return cast("list[Rule]", list(items["rules"].values()))


def _told(faults: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for key, message in faults:
        yield key.partition(".")[0], f"{key.partition('.')[2]}: {message}"

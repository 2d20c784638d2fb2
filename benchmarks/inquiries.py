"""Inquiries: accepted a second, routed a second, and the desk's lists with many of them, each beside a yardstick."""

from __future__ import annotations

import itertools
import json
import random
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from benchmarks import load
from benchmarks.filled import words
from benchmarks.load import Result
from benchmarks.registration import ROUNDS, bare, staged
from benchmarks.servers import ROOT, Served, serve
from functions.inquiries import toml_files
from functions.inquiries.content.models import Conditions, Example, Rule
from functions.inquiries.content.repository import listed_groups
from functions.inquiries.content.routing_rules import Facts, RuleSet
from shared import topology
from shared.adapters.embedded.store import SqliteStore

SECONDS = 5.0
CLIENTS = 16
RULES = 200


def report() -> None:
    report_accepting()
    report_routing()


# -- accepting --


def bodies() -> Iterator[bytes]:
    for number in itertools.count():
        request = {
            "given_name": "Amina",
            "family_name": f"Diallo {number}",
            "email": f"amina.diallo.{number}@health.example",
            "country": "SN",
            "organisation": "Ministry of Health",
            "requester_type": "government",
            "topics": ["local-production", "trips-flexibilities"],
            "subject": "A vaccine plant",
            "message": "We want to build a plant for vaccines and ask how to begin. " * 5,
            "language": "fr",
            "consent": True,
        }
        yield json.dumps(request).encode()


def report_accepting() -> None:
    shape = topology.load().local_servers["web"]
    ours = {"WORKERS": str(shape.workers), "THREADS": str(shape.threads)}
    print(
        f"\nInquiries a second through the API, {CLIENTS} clients, {shape.workers} workers of {shape.threads} threads;"
    )
    print(f"the best of {ROUNDS} rounds of {SECONDS:.0f} s each, the yardstick under the same settings\n")
    taken, inserted = [], []
    for _ in range(ROUNDS):
        with bare(ours) as served:
            inserted.append(_posted(served, "/"))
        with tempfile.TemporaryDirectory() as folder, onestop(Path(folder), "web", ours, "/api/activities") as served:
            taken.append(_posted(served, "/api/inquiries"))
    mine, other = (max(results, key=lambda result: result.rate) for results in (taken, inserted))
    print("bare insert  inquiries  p95 ms  inquiries/bare")
    print(f"{other.rate:11.0f} {mine.rate:10.0f} {mine.p95:7.0f} {mine.rate / other.rate:15.2f}")


def _posted(served: Served, path: str) -> Result:
    result = load.run(served.port, (load.post(path, body) for body in bodies()), CLIENTS, SECONDS)
    assert set(result.statuses) == {201}, f"not everything was taken: {result.statuses}"
    return result


@contextmanager
def onestop(folder: Path, target: str, environment: Mapping[str, str], path: str) -> Iterator[Served]:
    """A target of the inquiries function as the runner starts it, on a store with the sample content."""
    store = SqliteStore(folder / "store.db", topology.load().store)
    toml_files.import_into(store, toml_files.read(toml_files.sample_files()), datetime.now(UTC))
    data = {"ONESTOP_DATA": str(folder), "PYTHONPATH": str(ROOT), "ONESTOP_LIMITS": "off", **environment}
    with serve(staged(folder, "inquiries"), target, data, path) as served:
        yield served


# -- routing --


def report_routing() -> None:
    items = toml_files.read(toml_files.sample_files()).items
    groups = {id: group.countries for id, group in listed_groups().items()}
    samples = [cast(Rule, rule) for rule in items["rules"].values()]
    topics, countries = list(items["topics"]), sorted({country for group in groups.values() for country in group})
    many = RuleSet(_rules(random.Random(1), topics, list(groups)), groups)
    facts = _facts(random.Random(2), topics, countries)
    few_rate, many_rate = _decisions(RuleSet(samples, groups), facts), _decisions(many, facts)
    print(f"\nRouting decisions a second, one thread, with the explanation of every rule (best of {ROUNDS})\n")
    print("rules  decisions  decisions x rules")
    for rules, rate in ((len(samples), few_rate), (RULES, many_rate)):
        print(f"{rules:5} {rate:10.0f} {rate * rules:18.0f}")


def _rules(chance: random.Random, topics: Sequence[str], groups: Sequence[str]) -> list[Rule]:
    """Conditions of every kind, of which a few hold for one inquiry; and the default."""
    rules = []
    for number in range(RULES - 1):
        when = [
            Conditions(topics=chance.sample(topics, 2)),
            Conditions(topics=chance.sample(topics, 4), country_groups=[chance.choice(groups)]),
            Conditions(words=[f"word{chance.randrange(3000)}" for _ in range(5)]),
            Conditions(topics=chance.sample(topics, 3), languages=["fr", "es"], requester_types=["government"]),
        ][number % 4]
        rules.append(_rule(f"rule-{number}", when))
    return [*rules, _rule("default", Conditions())]


def _rule(id: str, when: Conditions) -> Rule:
    return Rule(
        id=id,
        title=id,
        default=when.empty,
        when=when,
        lead="who",
        queue="general",
        target_hours=16,
        examples=[Example(lead="who")],
    )


def _facts(chance: random.Random, topics: Sequence[str], countries: Sequence[str]) -> list[Facts]:
    return [
        Facts(
            topics=chance.sample(topics, 2),
            requester_type=chance.choice(["government", "industry"]),
            country=chance.choice(countries),
            language=chance.choice(["en", "fr", "ar"]),
            activity=None,
            subject=words(chance, 6),
            message=words(chance, 60),
            share_with="all",
        )
        for _ in range(500)
    ]


def _decisions(rules: RuleSet, facts: Sequence[Facts]) -> float:
    best = 0.0
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for one in facts:
            rules.route(one).explanation("bench", {})
        best = max(best, len(facts) / (time.perf_counter() - started))
    return best

"""Inquiries: accepted a second, routed a second, and the desk's lists with many of them, each beside a yardstick."""

from __future__ import annotations

import itertools
import json
import random
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from benchmarks import load
from benchmarks.load import Result
from benchmarks.registration import ROUNDS, bare, staged
from benchmarks.servers import ROOT, Served, serve
from functions.inquiries import toml_files
from functions.inquiries.casework.case import ASSIGNMENTS, assignment_id
from functions.inquiries.casework.models import Assignment, Inquiry, Requester
from functions.inquiries.casework.search_terms import terms_of
from functions.inquiries.content.models import Conditions, Example, Rule
from functions.inquiries.content.routing_rules import Facts, RuleSet
from shared import settings, topology
from shared.adapters.embedded.store import SqliteStore
from shared.keys.ids import new_reference
from shared.keys.tokens import Tokens
from shared.ports import Create, utc_text

SECONDS = 5.0
CLIENTS = 16
RULES = 200
FEW, MANY = 500, 50_000
PAGES = 100  # requests for one list
ME = "noor.haddad@who.example"
LISTS = {
    "all": "",
    "mine": "?assignee=me",
    "one state": "?state=answered",
    "mine in one state": "?assignee=me&state=assigned",
    "one topic, nearest target": "?topic=local-production&order=target",
    "a frequent word": "?q=word1",
    "a rare word": "?q=word2000",
    "a rare word in one state": "?q=word2000&state=answered",
    "two frequent words": "?q=word1+word2",
    "the first page": None,
}


def report() -> None:
    report_accepting()
    report_routing()
    report_lists()


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
    groups = {id: group.countries for id, group in items["country_groups"].items()}
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
            subject=_words(chance, 6),
            message=_words(chance, 60),
            share_with="all",
        )
        for _ in range(500)
    ]


def _words(chance: random.Random, count: int) -> str:
    """As in a language: a few words are frequent, most are rare."""
    return " ".join(f"word{min(int(chance.paretovariate(0.6)), 9999)}" for _ in range(count))


def _decisions(rules: RuleSet, facts: Sequence[Facts]) -> float:
    best = 0.0
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for one in facts:
            rules.route(one).explanation("bench", {})
        best = max(best, len(facts) / (time.perf_counter() - started))
    return best


# -- the desk's lists --


def report_lists() -> None:
    shape = topology.load().local_servers["desk"]
    ours = {"WORKERS": str(shape.workers), "THREADS": str(shape.threads)}
    print(f"\nThe desk's lists, {PAGES} requests each by one client, milliseconds (median and 95th percentile),")
    print(f"where one organisation has {FEW} and {MANY} inquiries\n")
    measured = {}
    for count in (FEW, MANY):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with onestop(folder, "desk", ours, "/healthz") as served:
                fill(folder, count)
                cookie = session(folder)
                for label, query in LISTS.items():
                    path = "/desk" if query is None else f"/desk/inquiries{query}"
                    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n".encode()
                    result = load.run(served.port, itertools.repeat(request, PAGES), 1, 60.0)
                    assert set(result.statuses) == {200}, f"{path} answers {result.statuses}"
                    measured[label, count] = result
    print(f"{'list':27} {FEW:>6}  p95 {MANY:>9}  p95   p95/p95")
    for label in LISTS:
        few, many = measured[label, FEW], measured[label, MANY]
        print(
            f"{label:27} {few.median:6.0f} {few.p95:4.0f} {many.median:9.0f} {many.p95:4.0f} {many.p95 / few.p95:9.2f}"
        )


def fill(folder: Path, count: int) -> None:
    """Parts of inquiries, all of one organisation: what its lists read."""
    store, chance, now = SqliteStore(folder / "store.db", topology.load().store), random.Random(3), datetime.now(UTC)
    ids = list(toml_files.read(toml_files.sample_files()).items["topics"])
    parts = (_part(chance, ids, now - timedelta(days=730) * chance.random()) for _ in range(count))
    while batch := list(itertools.islice(parts, 250)):
        store.commit([Create(ASSIGNMENTS, assignment_id(part.inquiry, "who"), part.data()) for part in batch])


def _part(chance: random.Random, topics: Sequence[str], received: datetime) -> Assignment:
    requester = Requester(
        given_name="Amina",
        family_name=f"Name{chance.randrange(5000)}",
        email=f"person{chance.randrange(20_000)}@health.example",
        country=chance.choice(["SN", "KE", "BR", "IN"]),
        organisation=f"Ministry{chance.randrange(300)}",
        type="government",
    )
    inquiry = Inquiry(
        requester=requester,
        topics=chance.sample(topics, 2),
        activity=None,
        subject=_words(chance, 6),
        language="en",
        share_with="all",
        received_at=received,
        updated_at=received,
    )
    reference, waits = new_reference(), chance.random() < 0.02
    due = received + timedelta(days=3)
    return Assignment(
        inquiry=reference,
        organisation="who",
        part=chance.choice(["lead", "supporting"]),
        queue="general",
        assignee=chance.choice([ME, "lucas.ferreira@who.example", "amara.diallo@who.example", "li.wen@who.example"]),
        target_hours=16,
        remind_at=received + timedelta(days=2),
        due_at=due,
        clock="running" if waits else "stopped",
        next_at=due if waits else None,
        late=waits and chance.random() < 0.3,
        state="assigned" if waits else chance.choice(["answered", "closed", "closed", "closed"]),
        subject=inquiry.subject,
        requester=requester.name,
        country=requester.country,
        language="en",
        topics=inquiry.topics,
        received_at=received,
        updated_at=received,
        answered_at=None if waits else received + timedelta(hours=chance.randrange(1, 60)),
        terms=terms_of(reference, inquiry, _words(chance, 60)),
    )


def session(folder: Path) -> str:
    """The cookie of a member of staff who is signed in."""
    id, now = secrets.token_hex(16), datetime.now(UTC)
    here = settings.from_environment({"ONESTOP_DATA": str(folder)})
    data = {"email": ME, "created_at": utc_text(now), "seen_at": utc_text(now)}
    data["expire_at"] = utc_text(now + timedelta(hours=2))
    SqliteStore(folder / "store.db", topology.load().store).commit([Create("sessions", id, data)])
    return f"desk={Tokens((), here.desk_keys).sign('desk.session', id)}"

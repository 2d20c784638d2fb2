"""The topology, the code, and what Terraform would create: three views of one system that must agree."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from infra import build
from shared import topology
from shared.contracts.bus_events import Payload
from shared.contracts.clock import Tick
from shared.observability.masks import masked
from tests.indexes import missing
from tests.terraform.provider import serving

ROOT = Path(__file__).parents[2]
GCP = ROOT / "infra" / "gcp"
RAW: dict[str, Any] = json.loads(build.topology_json())
CONFIGURATION = "\n".join(path.read_text("utf-8") for path in sorted(GCP.glob("*.tf")))


def test_terraform_reads_the_topology_as_it_is() -> None:
    assert build.TOPOLOGY.read_text("utf-8") == build.topology_json(), "run `make build`: the topology has changed"


@pytest.fixture
def gcp(tmp_path: Path) -> Path:
    """A copy of ``infra/gcp`` that ``terraform`` may write to."""
    if not shutil.which("terraform"):
        pytest.skip("terraform was not found: install Terraform 1.9 or newer")
    return shutil.copytree(GCP, tmp_path / "gcp", ignore=shutil.ignore_patterns(".terraform*"))


def terraform(folder: Path, *commands: str) -> str:
    """What the first command that failed said; empty where all went well."""
    with serving(folder.parent) as provider:
        environment = {**os.environ, **provider, "TF_CLI_CONFIG_FILE": os.devnull, "TF_IN_AUTOMATION": "1"}
        for command in commands:
            asked = ["terraform", *command.split()]
            done = subprocess.run(asked, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                return f"{command}: {done.stdout}{done.stderr}"
    return ""


def test_terraform_finds_the_configuration_valid_and_its_own_tests_pass(gcp: Path) -> None:
    said = terraform(gcp, "fmt -check -diff -recursive", "init -backend=false -input=false", "validate", "test")
    assert not said, said


def test_terraform_would_see_an_argument_that_does_not_exist(gcp: Path) -> None:
    """The negative control."""
    (gcp / "wrong.tf").write_text('resource "google_pubsub_topic" "wrong" {\n  nome = "x"\n}\n')
    assert '"nome" is not expected here' in terraform(gcp, "init -backend=false -input=false", "validate")


@pytest.mark.parametrize(
    ("resource", "source"),
    [
        ("google_cloudfunctions2_function", "local.targets"),
        ("google_service_account", "local.targets"),
        ("google_pubsub_topic", "local.topology.topics"),
        ("google_pubsub_subscription", "local.topology.subscriptions"),
        ("google_cloud_scheduler_job", "local.topology.schedules"),
        ("google_firestore_index", "local.indexes"),
        ("google_firestore_field", "local.expiring"),
        ("google_compute_backend_service", "local.fronts"),
    ],
)
def test_everything_is_made_from_the_topology(resource: str, source: str) -> None:
    assert re.search(rf'resource "{resource}" "\w+" {{\n\s+for_each\s+= {re.escape(source)}\n', CONFIGURATION)


def test_every_subscription_and_schedule_names_things_that_exist() -> None:
    for name, subscription in RAW["subscriptions"].items():
        assert subscription["topic"] in RAW["topics"], name
        assert "events" in RAW["functions"][subscription["function"]], name
    for name, schedule in RAW["schedules"].items():
        assert schedule["topic"] in RAW["topics"], name


def handled(function: str) -> set[type[Payload]]:
    handlers = importlib.import_module(f"functions.{function}.handlers")
    return set(handlers.intake(Mock(), Mock()).handlers) | {Tick}  # which every intake takes


def test_a_subscription_takes_the_types_that_its_function_handles() -> None:
    functions = {s.function: handled(s.function) for s in topology.load().subscriptions}
    for subscription in topology.load().subscriptions:
        topic = {kind for kind in Payload.kinds.values() if kind.topic == subscription.topic}
        wanted = {kind.type for kind in topic & functions[subscription.function]}
        declared = set() if wanted == {kind.type for kind in topic} else wanted
        assert subscription.types == declared, f"[subscriptions] {subscription.name}: types = {sorted(declared)}"


def test_no_two_targets_claim_one_path_and_one_target_takes_the_rest() -> None:
    paths = [path for target in topology.load().targets for path in target.paths]
    assert len(paths) == len(set(paths))
    assert "/" in paths
    assert all(path.startswith("/") and (path == "/" or not path.endswith("/")) for path in paths)


def test_every_target_is_an_entry_point_of_its_package() -> None:
    for target in topology.load().targets:
        main = importlib.import_module(f"functions.{target.function}.main")
        assert target.name in main.__all__, target.id


def test_settings_given_by_terraform_are_settings_that_the_code_reads() -> None:
    given = set(re.findall(r"\bONESTOP_[A-Z_]+", CONFIGURATION))
    read = {
        name for path in (ROOT / "shared").rglob("*.py") for name in re.findall(r"\bONESTOP_[A-Z_]+", path.read_text())
    }
    assert given <= read, given - read


def test_alerts_count_messages_that_the_code_logs() -> None:
    metrics = re.search(r"log_metrics = \{\n(.*?)\n  \}", CONFIGURATION, re.DOTALL)
    assert metrics
    messages = re.findall(r'\\"([^"]+)\\"', metrics[1])
    assert len(messages) >= 4
    sources = "".join(path.read_text("utf-8") for top in ("shared", "functions") for path in (ROOT / top).rglob("*.py"))
    assert [message for message in messages if f'"{message}' not in sources] == []


def test_the_server_is_told_its_shape() -> None:
    assert {"WORKERS", "THREADS"} <= set(re.findall(r"\b[A-Z]+(?=\s+= local\.topology\.server\.cloud)", CONFIGURATION))


def test_a_function_may_publish_where_it_announces() -> None:
    """A slice's events name their topics; without the grant the outbox would never empty."""
    granted = {
        function: {topic for target in targets.values() for topic in target.get("publishes", ())}
        for function, targets in RAW["functions"].items()
    }
    announced = dict(_announced())
    assert announced, "no slice announces anything?"
    for function, topics in announced.items():
        assert topics <= granted[function], f"{function} lacks `publishes` for {topics - granted[function]}"


def _announced() -> Iterator[tuple[str, set[str]]]:
    """The topics of the payloads that a slice makes, by the calls in its sources."""
    for module in (ROOT / "shared" / "contracts").glob("*.py"):
        importlib.import_module(f"shared.contracts.{module.stem}")
    topics = {kind.__name__: kind.topic for kind in Payload.kinds.values() if kind.topic}
    for folder in (ROOT / "functions").iterdir():
        made = {
            topics[node.func.id]
            for path in folder.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in topics
        }
        if made:
            yield folder.name, made


@pytest.mark.parametrize(
    ("where", "order", "descending", "lacking"),
    [
        ([], "time", False, None),
        ([("state", "==", "open")], "id", False, None),
        ([("state", "==", "open"), ("event", "==", "e")], "id", False, None),
        ([("tags", "contains", "x"), ("state", "==", "open")], "id", False, None),
        ([("state", "==", "open")], "time", False, None),
        ([("state", "in", ["open"]), ("time", "<", "t")], "time", False, None),
        ([("time", "<", "t"), ("state", "==", "open")], "id", False, None),
        ([("kind", "==", "k"), ("state", "==", "open")], "time", False, None),  # two indexes are merged
        ([("tags", "contains", "x")], "time", False, ("tags[]", "time")),
        ([("state", "==", "open")], "time", True, ("state", "time")),
        ([("event", "==", "e"), ("state", "==", "open")], "time", False, ("event", "state", "time")),
        ([("body", "==", "b")], "id", False, ("body",)),
        ([], "expire_at", False, ("expire_at",)),
    ],
)
def test_a_query_needs_an_index_where_firestore_does(
    where: list[Any], order: str, descending: bool, lacking: tuple[str, ...] | None
) -> None:
    rules = {"indexes": [["state", "time"], ["kind", "time"]], "unindexed": ["body"], "ttl": True}
    assert missing(rules, where, order, descending) == lacking


def test_links_that_are_keys_are_kept_out_of_all_logs() -> None:
    sources = [path.read_text("utf-8") for folder in ("functions", "shared") for path in (ROOT / folder).rglob("*.py")]
    routes = {found for text in sources for found in re.findall(r'"(?:/[\w-]+|\{SIGN_IN\}|/<\w+>)+/<token>', text)}
    assert routes, "no route carries a token any more?"
    for route in routes:
        before = route.removeprefix('"').replace("{SIGN_IN}", "/desk/sign-in").removesuffix("<token>")
        assert any(before.endswith(path) for path in RAW["bearer_paths"]), f"{before}: add it to bearer_paths"
    for path in RAW["bearer_paths"]:
        assert masked(f"GET {path}secret-token/correct") == f"GET {path}***/correct"

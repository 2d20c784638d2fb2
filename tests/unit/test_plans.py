"""The guard over query plans sees what costs more as a store grows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.adapters.embedded.store import SqliteStore
from shared.ports import Create, Where, having
from tests.plans import watched

SCHEMA = {"people": {"indexes": [["event", "state", "at"], ["tags[]", "at"]], "single": ["at", "name"]}}
OF_EVENT: list[Where] = [("event", "==", "e"), ("state", "==", "s")]


@pytest.mark.parametrize(
    ("where", "options", "seen"),
    [
        pytest.param([], {}, "", id="pages by id"),
        pytest.param([], {"order": "at"}, "", id="pages by a field with an index"),
        pytest.param([], {"order": "age"}, "reads the whole", id="sorts by a field without one"),
        pytest.param(OF_EVENT, {"order": "at"}, "", id="all of an index"),
        pytest.param([*OF_EVENT, ("at", "<", "t")], {"order": "at", "descending": True}, "", id="a part of an index"),
        pytest.param(OF_EVENT, {}, "reads the whole", id="another order"),
        pytest.param(OF_EVENT[:1], {"order": "at"}, "sorts", id="a field is left out"),
        pytest.param([*OF_EVENT, ("age", "==", 3)], {"order": "at"}, "2 of 3", id="a field too many"),
        pytest.param([("name", "==", "n")], {}, "", id="a field alone"),
        pytest.param([("age", "==", 3)], {}, "reads the whole", id="a field alone without an index"),
        pytest.param([("tags", "contains", "x")], {"order": "at"}, "", id="a list"),
        pytest.param([("tags", "contains", "x")], {}, "reads the whole", id="a list in another order"),
        pytest.param([*OF_EVENT, having("at")], {"count": True}, "", id="a count"),
        pytest.param(OF_EVENT, {"count": True}, "reads the whole", id="a count that does not name the last field"),
        pytest.param([], {"count": True}, "reads the whole", id="a count of all"),
    ],
)
def test_what_no_index_leads_to_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: list[Where], options: dict[str, Any], seen: str
) -> None:
    store = SqliteStore(tmp_path / "store.db", SCHEMA)
    store.commit([Create("people", "a", {"event": "e", "state": "s", "at": "t", "name": "n", "age": 3, "tags": ["x"]})])
    faults = watched(monkeypatch, ours=lambda path: path == Path(__file__))
    options = dict(options)
    ask = store.count if options.pop("count", False) else store.query
    ask("people", *where, **options)
    assert (seen in " ".join(faults)) if seen else not faults, faults


@pytest.mark.parametrize(("since", "seen"), [("2026-11-25", ""), ("", "2 of 4")])
def test_a_filtered_list_is_counted_since_an_instant_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, since: str, seen: str
) -> None:
    store = SqliteStore(tmp_path / "store.db", {"assignments": {"indexes": [["organisation", "updated_at"]]}})
    faults = watched(monkeypatch, ours=lambda path: path == Path(__file__))
    filters: list[Where] = [("organisation", "==", "who"), ("part", "==", "lead"), ("country", "==", "KE")]
    store.count("assignments", *filters, ("updated_at", ">", since))
    assert (seen in " ".join(faults)) if seen else not faults, faults


@pytest.mark.parametrize(("order", "descending"), [("id", False), ("at", False), ("at", True)])
def test_a_page_far_into_a_range_costs_what_the_first_costs(tmp_path: Path, order: str, descending: bool) -> None:
    store = SqliteStore(tmp_path / "store.db", SCHEMA)
    ids = [f"a:{number:04}" for number in range(3000)]
    for start in range(0, len(ids), 500):
        store.commit([Create("people", id, {"at": id}) for id in ids[start : start + 500]])
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    store._database._connection().set_progress_handler(count, 100)  # called after so many instructions

    def cost(after: str) -> int:
        nonlocal steps
        steps = 0
        within: list[Where] = [(order, ">", "a:"), (order, "<", "a;")]
        found = store.query("people", *within, order=order, descending=descending, after=(after, after), limit=10)
        assert len(found) == 10
        return steps

    near, far = ("a:2990", "a:0020") if descending else ("a:0010", "a:2980")
    assert cost(far) <= cost(near) + 5

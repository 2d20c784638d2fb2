"""What ``shared.ports.Store`` promises of queries, compared with a plain reading of the same documents in Python."""

from __future__ import annotations

import itertools
import random

import pytest

from shared.ports import Create, Delete, Document, Replace, Store, Where

THINGS = "things"
KINDS = ["blue", "green", "red"]


def sample() -> dict[str, dict[str, object]]:
    """120 documents with many ties; some lack a field, some hold None."""
    dice = random.Random(1)
    documents: dict[str, dict[str, object]] = {}
    for number in range(120):
        data: dict[str, object] = {
            "kind": dice.choice(KINDS),
            "rank": dice.randrange(12),
            "name": dice.choice(["a", "B", "é", "z", "Z", "10", "9", "ab"]),
            "tags": dice.sample(["x", "y", "z"], dice.randrange(4)),
            "done": dice.random() < 0.5,
            "expire_at": f"2030-01-{dice.randrange(1, 9):02}T00:00:00.00000{dice.randrange(3)}Z",
        }
        if dice.random() < 0.1:
            del data[dice.choice(["kind", "rank", "tags", "expire_at"])]
        if dice.random() < 0.1:
            data["rank"] = None
        documents[f"{dice.choice('abcXYZ')}{number:03}"] = data
    return documents


@pytest.fixture
def filled(store: Store) -> Store:
    store.commit([Create(THINGS, id, data) for id, data in sample().items()])
    return store


def holds(id: str, data: dict[str, object], where: Where) -> bool:
    name, operator, wanted = where
    value = id if name == "id" else data.get(name)
    if value is None:
        return False
    match operator:
        case "==":
            return bool(value == wanted)
        case "in":
            return value in wanted
        case "contains":
            return isinstance(value, list) and wanted in value
        case "<":
            return bool(value < wanted)
        case "<=":
            return bool(value <= wanted)
        case ">":
            return bool(value > wanted)
        case _:
            return bool(value >= wanted)


def expected(*where: Where, order: str = "id", descending: bool = False) -> list[str]:
    found = [(id, data) for id, data in sample().items() if all(holds(id, data, one) for one in where)]
    if order == "id":
        return sorted((id for id, _ in found), reverse=descending)
    keyed = sorted(((data[order], id) for id, data in found if data.get(order) is not None), reverse=descending)
    return [id for _, id in keyed]


CONDITIONS: list[list[Where]] = [
    [],
    [("kind", "==", "red")],
    [("kind", "==", "red"), ("done", "==", True)],
    [("kind", "in", ["red", "blue"])],
    [("kind", "in", ["nothing"])],
    [("name", "==", "é"), ("kind", "==", "green")],
    [("tags", "contains", "x")],
    [("tags", "contains", "x"), ("kind", "==", "red")],
    [("tags", "contains", "y"), ("done", "==", False)],
    [("tags", "contains", "x"), ("kind", "==", "red"), ("done", "==", True)],
    [("name", "contains", "a")],
]


@pytest.mark.parametrize(
    ("order", "descending"),
    [("id", False), *itertools.product(("rank", "name", "expire_at"), (False, True))],
)
def test_every_filter_under_every_order_pages_to_its_end_without_gap_or_repeat(
    filled: Store, order: str, descending: bool
) -> None:
    for where in CONDITIONS:
        found: list[Document] = []
        while page := filled.query(
            THINGS,
            *where,
            order=order,
            descending=descending,
            after=found[-1].cursor(order) if found else None,
            limit=7,
        ):
            assert len(page) <= 7
            found.extend(page)
        assert [d.id for d in found] == expected(*where, order=order, descending=descending), where
        assert all(d.data == sample()[d.id] for d in found)


@pytest.mark.parametrize(
    ("order", "low", "high"),
    [
        ("rank", 3, 8),
        ("name", "B", "z"),
        ("id", "X", "b050"),
        ("expire_at", "2030-01-03T00:00:00.000001Z", "2030-01-06T00:00:00.000000Z"),
    ],
)
def test_ranges_end_where_they_should(filled: Store, order: str, low: object, high: object) -> None:
    for above, below in itertools.product((">", ">="), ("<", "<=")):
        where: list[Where] = [(order, above, low), (order, below, high), ("kind", "==", "red")]  # type: ignore[list-item]
        first = filled.query(THINGS, *where, order=order, limit=3)
        rest = filled.query(THINGS, *where, order=order, after=first[-1].cursor(order))
        assert [d.id for d in [*first, *rest]] == expected(*where, order=order)
        assert filled.count(THINGS, *where) == len(expected(*where, order=order))


def test_counts_agree_with_queries(filled: Store) -> None:
    for where in CONDITIONS:
        assert filled.count(THINGS, *where) == len(expected(*where)), where
        for limit in (0, 1, 20, 1000):
            assert filled.count(THINGS, *where, at_most=limit) == min(limit, len(expected(*where))), (where, limit)


def test_ids_can_be_asked_for_like_a_field(filled: Store) -> None:
    ids = sorted(sample())[:25]
    assert [d.id for d in filled.query(THINGS, ("id", "in", ids))] == ids
    assert [d.id for d in filled.query(THINGS, ("id", "==", ids[3]), ("done", "in", [True, False]))] == [ids[3]]


def test_in_nothing_finds_nothing(filled: Store) -> None:
    assert filled.query(THINGS, ("kind", "in", [])) == []
    assert filled.count(THINGS, ("kind", "in", [])) == 0


def test_lists_are_found_by_their_present_elements(store: Store) -> None:
    def found(tag: str) -> list[str]:
        plain = [d.id for d in store.query(THINGS, ("tags", "contains", tag))]
        indexed = [d.id for d in store.query(THINGS, ("tags", "contains", tag), ("kind", "==", "k"), order="rank")]
        assert plain == indexed
        return plain

    store.commit([Create(THINGS, "one", {"kind": "k", "rank": 1, "tags": ["x", "y", "x"]})])
    assert (found("x"), found("y")) == (["one"], ["one"])
    store.commit([Replace(THINGS, "one", {"kind": "k", "rank": 1, "tags": ["y", "z"]}, None)])
    assert (found("x"), found("y"), found("z")) == ([], ["one"], ["one"])
    store.commit([Replace(THINGS, "one", {"kind": "k", "rank": 1, "tags": "x"}, None)])
    assert (found("x"), found("y")) == ([], []), "a text is not a list"
    store.commit([Replace(THINGS, "one", {"kind": "k", "rank": 1, "tags": ["x"]}, None)])
    store.commit([Delete(THINGS, "one", None)])
    assert found("x") == []


@pytest.mark.parametrize(
    ("where", "order"),
    [
        ([("kind", "==", None)], "id"),
        ([("kind", "in", ["red", None])], "id"),
        ([("rank", "<", 3)], "id"),
        ([("rank", "<", 3), ("name", ">", "a")], "rank"),
        ([("tags", "contains", "x"), ("tags", "contains", "y")], "id"),
        ([("name", "in", [str(n) for n in range(31)])], "id"),
    ],
)
def test_what_not_every_engine_answers_is_refused(store: Store, where: list[Where], order: str) -> None:
    with pytest.raises(ValueError, match=r"None|range|list|at most 30"):
        store.query(THINGS, *where, order=order)


def test_ids_come_in_ascending_order_only(store: Store) -> None:
    with pytest.raises(ValueError, match="ascending"):
        store.query(THINGS, descending=True)

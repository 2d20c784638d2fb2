"""What ``shared.ports.Store`` promises, one document and one commit at a time."""

from __future__ import annotations

import pytest

from shared.ports import Conflict, Create, Delete, Document, Replace, Store

THINGS = "things"


def put(store: Store, id: str, **data: object) -> Document:
    store.commit([Replace(THINGS, id, data, None)])
    return get(store, id)


def get(store: Store, id: str) -> Document:
    found = store.get(THINGS, id)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"text": "Ünïcödé مرحبا 🙂 \u0000 'quoted' \"twice\"", "empty": "", "none": None},
        {"int": 2**53, "negative": -1, "float": 0.1, "true": True, "false": False},
        {"list": [1, "two", None, {"three": [3]}], "empty list": [], "object": {"a.b": {"c d": 1}, "é`'": 2}},
        {"expire_at": "2030-01-02T03:04:05.678901Z", "version": "a field like any other", "id": "too"},
    ],
)
def test_a_document_comes_back_as_it_was_written(store: Store, data: dict[str, object]) -> None:
    store.commit([Create(THINGS, "one", data)])
    assert get(store, "one").data == data


@pytest.mark.parametrize("id", ["seats:forum-2026:industry:1", "a@b.example", "with space", "%2F", "é", "..x", "__x"])
def test_ids_may_hold_what_onestop_puts_into_them(store: Store, id: str) -> None:
    store.commit([Create(THINGS, id, {"a": 1})])
    assert get(store, id).id == id
    assert [d.id for d in store.query(THINGS)] == [id]


def test_what_does_not_exist_is_none(store: Store) -> None:
    assert store.get(THINGS, "nothing") is None
    assert store.get("no_such_collection", "nothing") is None
    assert store.query("no_such_collection") == []
    assert store.count("no_such_collection") == 0


def test_get_many_gives_those_that_exist(store: Store) -> None:
    ids = [f"n{number:04}" for number in range(700)]
    for start in range(0, 700, 350):
        store.commit([Create(THINGS, id, {"n": id}) for id in ids[start : start + 350]])
    found = store.get_many(THINGS, [*ids, "missing"])
    assert sorted(d.id for d in found) == ids
    assert all(d.data == {"n": d.id} for d in found)
    assert store.get_many(THINGS, []) == []


def test_create_conflicts_with_a_document_that_exists(store: Store) -> None:
    store.commit([Create(THINGS, "one", {"by": "first"})])
    with pytest.raises(Conflict):
        store.commit([Create(THINGS, "one", {"by": "second"})])
    assert get(store, "one").data == {"by": "first"}


def test_replace_and_delete_conflict_with_a_document_that_has_changed(store: Store) -> None:
    before = put(store, "one", n=1)
    after = put(store, "one", n=2)
    assert before.version != after.version
    for stale in (Replace(THINGS, "one", {"n": 3}, before.version), Delete(THINGS, "one", before.version)):
        with pytest.raises(Conflict):
            store.commit([stale])
    assert get(store, "one") == after
    store.commit([Replace(THINGS, "one", {"m": 3}, after.version)])
    assert get(store, "one").data == {"m": 3}, "the whole document is replaced"
    store.commit([Delete(THINGS, "one", get(store, "one").version)])
    assert store.get(THINGS, "one") is None


def test_replace_and_delete_with_a_version_conflict_with_a_document_that_is_gone(store: Store) -> None:
    version = put(store, "one", n=1).version
    store.commit([Delete(THINGS, "one", None)])
    for stale in (Replace(THINGS, "one", {"n": 2}, version), Delete(THINGS, "one", version)):
        with pytest.raises(Conflict):
            store.commit([stale])
    assert store.get(THINGS, "one") is None


def test_a_document_deleted_and_made_again_is_another_one(store: Store) -> None:
    version = put(store, "one", n=1).version
    store.commit([Delete(THINGS, "one", version)])
    store.commit([Create(THINGS, "one", {"n": 1})])
    assert get(store, "one").version != version
    with pytest.raises(Conflict):
        store.commit([Replace(THINGS, "one", {"n": 2}, version)])


def test_a_write_of_the_same_content_is_a_change_too(store: Store) -> None:
    assert put(store, "one", n=1).version != put(store, "one", n=1).version


def test_without_a_version_nothing_is_asked(store: Store) -> None:
    store.commit([Delete(THINGS, "one", None)])
    assert put(store, "one", n=1).data == {"n": 1}
    assert put(store, "one", n=2).data == {"n": 2}


def test_a_commit_is_all_or_nothing(store: Store) -> None:
    kept = put(store, "kept", n=1)
    put(store, "taken", n=1)
    with pytest.raises(Conflict):
        store.commit(
            [
                Create(THINGS, "new", {}),
                Replace(THINGS, "kept", {"n": 2}, kept.version),
                Create("claims", "elsewhere", {}),
                Create(THINGS, "taken", {}),
                Delete(THINGS, "kept2", None),
            ]
        )
    assert get(store, "kept") == kept
    assert store.get(THINGS, "new") is None
    assert store.get("claims", "elsewhere") is None


def test_one_commit_writes_in_several_collections(store: Store) -> None:
    put(store, "old", n=1)
    store.commit([Create(THINGS, "new", {"n": 2}), Delete(THINGS, "old", None), Create("claims", "new", {"n": 3})])
    assert [d.id for d in store.query(THINGS)] == ["new"]
    assert [d.data for d in store.query("claims")] == [{"n": 3}]


def test_an_empty_commit_does_nothing(store: Store) -> None:
    store.commit([])
    assert store.count(THINGS) == 0


@pytest.mark.parametrize("second", [Create(THINGS, "one", {}), Delete(THINGS, "one", None)])
def test_two_writes_to_one_document_are_refused(store: Store, second: Create | Delete) -> None:
    with pytest.raises(ValueError, match="same document"):
        store.commit([Create(THINGS, "one", {}), second])
    assert store.get(THINGS, "one") is None


@pytest.mark.parametrize(
    "value", [object(), float("nan"), b"bytes", {1, 2}, [[1]], {"deep": [1, {"deeper": ["a", ["b"]]}]}, "\ud800"]
)
def test_what_is_not_json_is_refused(store: Store, value: object) -> None:
    with pytest.raises(ValueError, match=r"JSON|list|surrogate"):
        store.commit([Create(THINGS, "fine", {}), Create(THINGS, "bad", {"value": value})])
    assert store.count(THINGS) == 0


def test_a_collection_may_lie_in_a_database_of_its_own(store: Store) -> None:
    store.commit([Create("badges", "one", {"holder": "ann", "rank": 2}), Create("badges", "two", {"holder": "ann"})])
    store.commit([Create(THINGS, "one", {"holder": "bob"})])
    (found,) = store.get_many("badges", ["one", "missing"])
    assert found == store.get("badges", "one")
    assert [badge.id for badge in store.query("badges", ("holder", "==", "ann"))] == ["one", "two"]
    assert store.count("badges", ("holder", "==", "ann")) == 2
    store.commit([Delete("badges", "one", found.version)])
    assert store.get("badges", "one") is None
    assert get(store, "one").data == {"holder": "bob"}


def test_a_commit_over_two_databases_is_refused_whole(store: Store) -> None:
    with pytest.raises(ValueError, match="badges, things"):
        store.commit([Create(THINGS, "one", {}), Create("badges", "one", {})])
    assert store.get(THINGS, "one") is None
    assert store.get("badges", "one") is None


UNSTORABLE = ["", ".", "..", "a/b", "/", "__x__", "____", "x" * 1501, "é" * 751, "\ud800", "nul\0"]


@pytest.mark.parametrize("id", UNSTORABLE)
def test_an_id_that_no_engine_can_hold_is_not_found_and_not_written(store: Store, id: str) -> None:
    put(store, "one", n=1)
    assert store.get(THINGS, id) is None
    assert [d.id for d in store.get_many(THINGS, [id, "one"])] == ["one"]
    assert store.query(THINGS, ("id", "==", id)) == []
    assert [d.id for d in store.query(THINGS, ("id", "in", [id, "one"]))] == ["one"]
    assert (store.count(THINGS, ("id", "==", id)), store.count(THINGS, ("id", "in", [id]))) == (0, 0)
    for write in (Create(THINGS, id, {}), Replace(THINGS, id, {}, None), Delete(THINGS, id, None)):
        with pytest.raises(ValueError, match="no engine holds a document of this id"):
            store.commit([Create(THINGS, "two", {}), write])
    for options in ({"after": (id, id)}, {"after": ("2030", id), "order": "expire_at"}):
        with pytest.raises(ValueError, match="no document has an id"):
            store.query(THINGS, **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no document has an id"):
        store.query(THINGS, ("id", ">", id))
    assert store.count(THINGS) == 1


@pytest.mark.parametrize("id", ["x" * 1500, "é" * 750, "___", "_", "...", "__a_", "\n", "\u202e", "\x01"])
def test_an_id_at_the_edge_of_what_can_be_held_comes_back(store: Store, id: str) -> None:
    assert put(store, id, n=1).id == id
    assert [d.id for d in store.get_many(THINGS, [id])] == [id]


MAX_TEXT = 2**20 - 89 - len("things/one") - 17 - 32 - len("text") - 2


@pytest.mark.parametrize(
    "data",
    [
        {"text": "x" * (MAX_TEXT + 1)},
        {"text": "é" * (MAX_TEXT // 2 + 1)},
        {"many": [{} for _ in range(33_000)]},
        {"many": [0] * 132_000},
    ],
)
def test_a_document_that_is_too_large_is_refused(store: Store, data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="too large"):
        store.commit([Create(THINGS, "two", {}), Create(THINGS, "one", data)])
    assert store.count(THINGS) == 0


def test_the_largest_document_is_kept(store: Store) -> None:
    assert len(put(store, "one", text="x" * MAX_TEXT).data["text"]) == MAX_TEXT


def test_a_commit_takes_500_writes_and_no_more(store: Store) -> None:
    writes = [Create(THINGS, str(number), {}) for number in range(501)]
    with pytest.raises(ValueError, match="501 writes in one commit"):
        store.commit(writes)
    assert store.count(THINGS) == 0
    store.commit(writes[:500])
    assert store.count(THINGS) == 500

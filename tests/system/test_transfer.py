"""Everything moves from one engine to another and back, and is the same."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from infra import transfer
from infra.local.emulators import Emulators
from shared import topology
from shared.adapters.embedded.store import SqliteStore
from shared.ports import Create

DOCUMENTS = [
    *(Create("registrations", f"r{n:04}", {"event": "e", "given_name": f"Zoë {n}", "n": n}) for n in range(450)),
    Create("processed", "registration:1", {"type": "t", "expire_at": "2026-11-21T18:13:45.000120Z"}),
    Create(
        "kinds", "é:1", {"text": 'a "quoted"\nline\u2028 אב', "null": None, "yes": True, "list": [{"b": 1, "a": []}]}
    ),
    Create("kinds", "z", {"whole": 1, "half": 0.5, "float": 1.0, "big": 2**53, "empty": {}}),
    Create("outbox", "o1", {"source": "registration", "topic": "registrations", "data": {}, "time": "2026"}),
]


def embedded(folder: Path) -> SqliteStore:
    return SqliteStore(folder / "store.db", topology.load().store)


@pytest.fixture
def full(tmp_path: Path) -> SqliteStore:
    store = embedded(tmp_path / "full")
    for start in range(0, len(DOCUMENTS), 100):
        store.commit(DOCUMENTS[start : start + 100])
    return store


def test_every_document_arrives_in_another_embedded_store(full: SqliteStore, tmp_path: Path) -> None:
    exported = transfer.export(full, tmp_path / "all.jsonl")
    assert {name: total["count"] for name, total in exported.items()} == {
        "kinds": 2,
        "outbox": 1,
        "processed": 1,
        "registrations": 450,
    }
    other = embedded(tmp_path / "other")
    assert transfer.load(other, tmp_path / "all.jsonl") == exported
    transfer.export(other, tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "all.jsonl").read_bytes()


@pytest.mark.emulators
def test_embedded_to_the_emulators_and_back_is_the_same_to_the_byte(
    full: SqliteStore, tmp_path: Path, emulators: Emulators
) -> None:
    from shared.adapters.cloud.firestore import FirestoreStore

    firestore = FirestoreStore(f"test-{secrets.token_hex(6)}", topology.load().databases)
    exported = transfer.export(full, tmp_path / "there.jsonl")
    assert transfer.load(firestore, tmp_path / "there.jsonl") == exported
    assert transfer.export(firestore, tmp_path / "back.jsonl") == exported
    assert (tmp_path / "back.jsonl").read_bytes() == (tmp_path / "there.jsonl").read_bytes()
    assert transfer.load(embedded(tmp_path / "back"), tmp_path / "back.jsonl") == exported


def test_a_store_that_holds_something_is_not_touched(full: SqliteStore, tmp_path: Path) -> None:
    transfer.export(full, tmp_path / "all.jsonl")
    other = embedded(tmp_path / "other")
    other.commit([Create("events", "mine", {"title": "kept"})])
    with pytest.raises(transfer.NotMoved, match=r"not empty \(events\)"):
        transfer.load(other, tmp_path / "all.jsonl")
    assert [document.id for document in other.query("events")] == ["mine"]
    assert other.count("registrations") == 0


def test_replacing_leaves_nothing_of_what_was(full: SqliteStore, tmp_path: Path) -> None:
    exported = transfer.export(full, tmp_path / "all.jsonl")
    other = embedded(tmp_path / "other")
    other.commit([Create("events", f"mine{n}", {}) for n in range(300)])
    assert transfer.load(other, tmp_path / "all.jsonl", replace=True) == exported
    assert other.count("events") == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"n":7}', '"n":8}'),
        lambda text: "".join(text.splitlines(keepends=True)[1:]),
        lambda text: "".join(text.splitlines(keepends=True)[:-1]),
        lambda text: "",
        lambda text: "[]\n" + text,
    ],
    ids=["cut off", "one value changed", "first line lost", "sums lost", "empty", "foreign line"],
)
def test_a_damaged_file_changes_nothing(full: SqliteStore, tmp_path: Path, damage: object) -> None:
    path = tmp_path / "all.jsonl"
    transfer.export(full, path)
    assert callable(damage)
    path.write_text(damage(path.read_text("utf-8")), "utf-8")
    other = embedded(tmp_path / "other")
    with pytest.raises(transfer.NotMoved, match="damaged or not complete; nothing was changed"):
        transfer.load(other, path)
    assert other.collections() == []


def test_a_write_that_got_lost_is_noticed(full: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transfer.export(full, tmp_path / "all.jsonl")
    commit = SqliteStore.commit
    monkeypatch.setattr(SqliteStore, "commit", lambda self, writes: commit(self, writes[1:]))
    with pytest.raises(transfer.NotMoved, match="does not hold what the file does: "):
        transfer.load(embedded(tmp_path / "other"), tmp_path / "all.jsonl")


def test_a_wrong_data_folder_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA", str(tmp_path / "nowhere"))
    monkeypatch.delenv("PROJECT", raising=False)
    assert transfer.main(["export", str(tmp_path / "all.jsonl")]) == 1
    assert "set DATA to the data folder" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()

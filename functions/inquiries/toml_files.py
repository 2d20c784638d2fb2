"""Content in and out of the store: TOML files, validated, with errors that name file, key and mend.

    python -m functions.inquiries.toml_files import [--if-empty] [FILES...]    default: shared/content
    python -m functions.inquiries.toml_files export DIR
    python -m functions.inquiries.toml_files check [FILES...]

Importing adds and updates, and the same files again change nothing. Rules are a set: importing some replaces the
set in force by a new version; earlier versions stay in the store, since inquiries name the one that routed them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from functions.inquiries.content.checks import Faults, check
from functions.inquiries.content.models import Activity, CannedReply, CountryGroup, Rule, Topic
from functions.inquiries.content.repository import CURRENT, RULE_SETS, listed_groups
from shared.content_files import ANY_ID, BadContent, ids_in, tables_in
from shared.documents import Content
from shared.formats.addresses import folded_address
from shared.keys.ids import key_of
from shared.ports import Replace, Store, every, utc_text
from shared.staff.models import Organisation, Staff
from shared.wiring import Platform

SAMPLES = Path(__file__).parents[2] / "shared" / "content"
MODELS: dict[str, type[Content]] = {
    "organisations": Organisation,
    "staff": Staff,
    "topics": Topic,
    "activities": Activity,
    "country_groups": CountryGroup,
    "canned_replies": CannedReply,
    "rules": Rule,
}
"""By the name of their TOML tables, which is also that of their file and (all but rules) of their collection."""
KINDS = tuple(MODELS)
BATCH = 400  # writes; Firestore takes 500 in one commit


@dataclass
class Collected:
    """Content by kind and id, and the file that each came from (``store`` for what was there already).

    Args:
        faults: what is wrong with files and entries in themselves.
        broken: kind and id (``ANY_ID`` where nobody can tell) of what could not be read for it.
    """

    items: dict[str, dict[str, Content]] = field(default_factory=lambda: {kind: {} for kind in MODELS})
    origin: dict[tuple[str, str], str] = field(default_factory=dict)
    faults: Faults = field(default_factory=list)
    broken: set[tuple[str, str]] = field(default_factory=set)

    def add(self, kind: str, item: Content, file: str) -> None:
        """A later item of the same kind and id takes the earlier one's place."""
        id = id_of(item)
        self.items[kind][id] = item
        self.origin[kind, id] = file

    def lose(self, ids: Iterable[str]) -> None:
        """What stands in a file that nobody can read may be of any kind."""
        self.broken |= {(kind, id) for kind in MODELS for id in ids}


def id_of(item: Content) -> str:
    """What an item is stored under: a person's address, else its ``id``; "" where it has none."""
    return item.email if isinstance(item, Staff) else str(getattr(item, "id", ""))


def sample_files() -> list[Path]:
    """The sample content's, in the order of ``MODELS``."""
    return [path for kind in MODELS if (path := SAMPLES / f"{kind}.toml").exists()]


def read(paths: Sequence[Path], smtputf8: bool = True) -> Collected:
    """The content of files, each valid in itself. Raises ``BadContent`` with every fault found."""
    collected = collect(paths, smtputf8)
    if collected.faults:
        raise BadContent(collected.faults)
    return collected


def collect(paths: Sequence[Path], smtputf8: bool) -> Collected:
    """The content of files as far as it can be read.

    Args:
        smtputf8: whether our mail reaches addresses with letters beyond ASCII before the @.
    """
    collected = Collected()
    for path in paths:
        try:
            tables = tables_in(path)
        except BadContent as error:
            collected.faults += error.faults
            collected.lose(ids_in(path))
            continue
        for kind, entries in tables.items():
            if kind not in MODELS or not isinstance(entries, list):
                told = f"{path.name}: {kind}: not known here; write tables [[...]] of {', '.join(MODELS)}"
                collected.faults.append(told)
                collected.lose(ids_in(path))
                continue
            for number, entry in enumerate(entries, 1):
                collected.faults += _read_entry(collected, path.name, kind, number, entry, {"smtputf8": smtputf8})
    return collected


def _read_entry(collected: Collected, file: str, kind: str, number: int, entry: Any, context: Any) -> Faults:
    name = f"{file}: {kind}[{number}]"
    if isinstance(entry, dict):
        name += f" ({entry.get('id') or entry.get('email') or 'no id'})"
    try:
        item = MODELS[kind].model_validate(entry, context=context)
    except ValidationError as error:
        collected.broken.add((kind, _id_written(kind, entry)))
        return [f"{name}: {_key(found['loc'])}: {_mend(found)}" for found in error.errors(include_url=False)]
    if id_of(item) in collected.items[kind]:
        return [f"{name}: id: there is another of this id; give each its own"]
    collected.add(kind, item, file)
    return []


def _id_written(kind: str, entry: Any) -> str:
    id = entry.get("email" if kind == "staff" else "id") if isinstance(entry, dict) else None
    written = id if isinstance(id, str) else ANY_ID
    return folded_address(written) if kind == "staff" else written


def _key(location: tuple[int | str, ...]) -> str:
    """``when.topics[2]``, counted from one as people do."""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".") or "the entry"


def _mend(found: Any) -> str:
    kind, message = found["type"], str(found["msg"]).removeprefix("Value error, ")
    mends = {
        "missing": "is missing; add it",
        "extra_forbidden": "is not known here; remove it or correct its spelling",
        "string_pattern_mismatch": "must be lower case letters, digits and hyphens"
        if "a-z0-9" in str(found.get("ctx"))
        else "must be a language tag such as en or pt-BR",
    }
    return mends.get(kind, message)


def stored(store: Store) -> Collected:
    """The content in the store."""
    collected = Collected()
    for kind, model in MODELS.items():
        if kind == "rules":
            continue
        for document in every(store, kind):
            collected.add(kind, model.model_validate(document.data), "store")
    for rule in stored_rules(store)[1]:
        collected.add("rules", rule, "store")
    return collected


def stored_rules(store: Store) -> tuple[str, list[Rule]]:
    """The version in force (empty: none was imported) and its rules."""
    current = store.get(RULE_SETS, CURRENT)
    if current is None:
        return "", []
    version = current.data["version"]
    rule_set = store.get(RULE_SETS, version)
    assert rule_set is not None  # committed together with the pointer to it
    return version, [Rule.model_validate(rule) for rule in rule_set.data["rules"]]


def import_into(store: Store, new: Collected, now: datetime) -> int:
    """Add and update; returns how many documents changed. Raises ``BadContent``; then nothing has changed."""
    old = stored(store)
    check_with(old, new)
    return _save(store, old, new, now)


def check_with(old: Collected, new: Collected) -> None:
    """Whether ``new`` is in order beside what is stored already. Raises ``BadContent`` with every fault."""
    merged, replaces_rules = Collected(), new.items["rules"] or any(kind == "rules" for kind, _ in new.broken)
    for source in (old, new):
        for kind, items in source.items.items():
            if kind == "rules" and source is old and replaces_rules:
                continue
            for id, item in items.items():
                if (kind, id) not in new.broken:
                    merged.add(kind, item, source.origin[kind, id])
    faults = [*new.faults, *_listed(new)]
    for group in listed_groups().values():
        merged.add("country_groups", group, "countries.toml")
    faults += check(merged.items, merged.origin, new.broken)
    if faults:
        raise BadContent(faults)


def _listed(new: Collected) -> Faults:
    """Groups that cannot be imported, because every function carries them."""
    return [
        f"{new.origin['country_groups', id]}: country_groups ({id}): stands in countries.toml; give yours another id"
        for id in new.items["country_groups"]
        if id in listed_groups()
    ]


def prepared(
    paths: Sequence[Path], here: Platform, coming: Collection[str] = (), lost: Collection[str] = ()
) -> Callable[[], str]:
    """Read and check the files; what is returned saves them and tells what it did. Raises ``BadContent`` with every
    fault. Files of organisations are this slice's own, so that none are ``coming`` from elsewhere; ``lost`` are ids in
    files that nobody can read."""
    new = collect(paths, here.settings.smtputf8)
    new.lose(lost)
    check_with(stored(here.store), new)
    return lambda: f"{import_into(here.store, new, here.clock.now())} documents changed."


def _save(store: Store, old: Collected, new: Collected, now: datetime) -> int:
    new.items["staff"] = {
        id: _with_absence(item, old.items["staff"].get(id)) for id, item in new.items["staff"].items()
    }
    writes = [
        Replace(kind, id, item.data(), None)
        for kind, items in new.items.items()
        if kind != "rules"
        for id, item in items.items()
        if old.items[kind].get(id) != item
    ]
    if new.items["rules"]:
        writes += _rule_set(store, new, now)
    for _, group in groupby(writes, key=attrgetter("collection")):  # they may lie in different databases
        while batch := list(islice(group, BATCH)):
            store.commit(batch)
    return len(writes)


def _with_absence(person: Content, known: Content | None) -> Content:
    """Days away are entered at the desk: a file that does not speak of them leaves them as they are."""
    said = person.model_fields_set & {"absent_from", "absent_until"}
    if said or not isinstance(known, Staff):
        return person
    return person.model_copy(update={"absent_from": known.absent_from, "absent_until": known.absent_until})


def _rule_set(store: Store, new: Collected, now: datetime) -> list[Replace]:
    """A version is named by its content, so that the same rules are the same version."""
    rules = [rule.data() for _, rule in sorted(new.items["rules"].items())]
    version = key_of(*(str(rule) for rule in rules))[:12]
    current = store.get(RULE_SETS, CURRENT)
    if current and current.data["version"] == version:
        return []
    entry = {"version": version, "since": utc_text(now)}
    return [
        Replace(RULE_SETS, version, {**entry, "rules": rules}, None),
        Replace(RULE_SETS, CURRENT, entry, current.version if current else None),
    ]


def export(store: Store, folder: Path) -> list[Path]:
    """Write the store's content as files that ``import`` takes; returns them."""
    import tomli_w

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for kind, items in stored(store).items.items():
        if items:
            entries = [item.model_dump(mode="python", exclude_defaults=True) for _, item in sorted(items.items())]
            path = folder / f"{kind}.toml"
            path.write_text(tomli_w.dumps({kind: entries}, multiline_strings=True), "utf-8")
            written.append(path)
    return written


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status: 1 where the content has faults, which it lists on stderr."""
    from shared.wiring import platform

    parser = argparse.ArgumentParser(
        prog="python -m functions.inquiries.toml_files", description="Content as TOML files"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, help in (("import", "into the store"), ("check", "without writing")):
        command = commands.add_parser(name, help=help)
        command.add_argument("files", nargs="*", type=Path, help="default: the sample content")
    commands.choices["import"].add_argument("--if-empty", action="store_true", help="do nothing where content exists")
    commands.add_parser("export", help="into files").add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    try:
        if options.command == "export":
            for path in export(platform().store, options.folder):
                print(path)
            return 0
        checking = options.command == "check"
        new = collect(options.files or sample_files(), checking or platform().settings.smtputf8)
        if checking:
            check_with(Collected(), new)
            print("The content is in order.")
            return 0
        store = platform().store
        if options.if_empty and store.query("organisations", limit=1):
            return 0
        print(f"{import_into(store, new, platform().clock.now())} documents changed.")
    except BadContent as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Themes and pages in and out of TOML files: ``python -m shared.institution.toml_files import|export``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError

from shared.content_files import ANY_ID, BadContent, tables_in, taken
from shared.documents import Content
from shared.institution import palette
from shared.institution.models import MAX_PAGES, ORGANISATIONS, PLATFORM, THEMES, Page, Theme
from shared.ports import Replace, Store, every
from shared.wiring import Platform, platform

SAMPLES = Path(__file__).parents[1] / "content"
MODELS: dict[str, type[Content]] = {"themes": Theme, "pages": Page}
"""By the name of their TOML tables, which is also that of their file and of their collection."""
KINDS = tuple(MODELS)
Items = dict[tuple[str, str], Content]
"""By kind and id."""


def read(paths: Sequence[Path], store: Store, coming: Collection[str] = ()) -> Items:
    """The content of files. Raises ``BadContent`` with every fault of every file.

    Args:
        coming: ids of organisations that are imported together with the files.
    """
    items: Items = {}
    faults = []
    for path in paths:
        try:
            tables = tables_in(path)
        except BadContent as error:
            faults += error.faults
            continue
        for kind, entries in tables.items():
            if kind not in MODELS or not isinstance(entries, list):
                faults.append(f"{path.name}: {kind}: not known here; write tables [[...]] of {', '.join(MODELS)}")
                continue
            for number, entry in enumerate(entries, 1):
                id = entry.get("id", "no id") if isinstance(entry, dict) else "no table"
                name = f"{path.name}: {kind}[{number}] ({id})"
                faults += [f"{name}: {fault}" for fault in _read_entry(items, kind, entry, store, coming)]
    if sum(kind == "pages" for kind, _ in items) > MAX_PAGES:
        faults.append(f"pages: there are more than {MAX_PAGES}; put some of them together")
    if faults:
        raise BadContent(faults)
    return items


def _read_entry(items: Items, kind: str, entry: Any, store: Store, coming: Collection[str]) -> Iterator[str]:
    """Takes the entry up, or yields its faults: key and mend."""
    try:
        item = MODELS[kind].model_validate(entry)
    except ValidationError as error:
        for found in error.errors(include_url=False):
            key = ".".join(str(part) for part in found["loc"]) or "the entry"
            mends = {"missing": "is missing; add it", "extra_forbidden": "is not known here; remove it"}
            yield f"{key}: {mends.get(found['type'], found['msg'].removeprefix('Value error, '))}"
        return
    id = str(getattr(item, "id", ""))
    if (kind, id) in items:
        yield "id: there is another of this id; give each its own"
    if isinstance(item, Theme):
        yield from palette.faults(item.colours)
        yield from _unknown_organisations(item, store, coming)
    items[kind, id] = item


def _unknown_organisations(theme: Theme, store: Store, coming: Collection[str]) -> Iterator[str]:
    if ANY_ID in coming or (not coming and not store.query(ORGANISATIONS, limit=1)):
        return  # the organisations are still to come
    for id in theme.organisations:
        if id not in coming and store.get(ORGANISATIONS, id) is None:
            yield f"organisations: there is no organisation {id!r}; correct it or import it first"


def save(store: Store, items: Items) -> int:
    """Add or update; returns how many changed."""
    writes = []
    for (kind, id), item in items.items():
        known, data = store.get(kind, id), item.data()
        if known is None or known.data != data:
            writes.append(Replace(kind, id, data, None))
    if writes:
        store.commit(writes)  # at once: an event that is imported meanwhile finds all themes or none
    return len(writes)


def prepared(
    paths: Sequence[Path], here: Platform, coming: Collection[str] = (), lost: Collection[str] = ()
) -> Callable[[], str]:
    """Read the files; what is returned saves them and tells what it did. Raises ``BadContent`` with every fault."""
    items = read(paths, here.store, {*coming, *lost})
    return lambda: f"{len(items)} themes and pages read, {save(here.store, items)} added or changed"


def export(store: Store, folder: Path) -> list[Path]:
    """Write the store's themes and pages as files that ``import`` takes; returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for kind, model in MODELS.items():
        found = [model.model_validate(document.data) for document in every(store, kind)]
        if found:
            entries = [item.model_dump(mode="json", exclude_defaults=True, exclude_none=True) for item in found]
            path = folder / f"{kind}.toml"
            path.write_text(tomli_w.dumps({kind: entries}, multiline_strings=True), "utf-8")
            written.append(path)
    return written


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 where the content has faults, which it lists on stderr."""
    parser = argparse.ArgumentParser(prog="python -m shared.institution.toml_files")
    commands = parser.add_subparsers(dest="command", required=True)
    importing = commands.add_parser("import", help="add or update themes and pages")
    importing.add_argument("--if-empty", action="store_true", help="only where the store has no theme yet")
    samples = [SAMPLES / "theme.toml", SAMPLES / "pages.toml"]
    importing.add_argument("files", nargs="*", type=Path, default=samples)
    commands.add_parser("export", help="write themes.toml and pages.toml").add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    here = platform()
    if options.command == "export":
        print(*export(here.store, options.folder), sep="\n")
        return 0
    if options.if_empty and here.store.get(THEMES, PLATFORM):
        return 0
    return taken(lambda: prepared(options.files, here)())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Content in and out of the store, for all slices together.

    python -m infra.local.content import FILE...
    python -m infra.local.content export FOLDER

Each slice imports and exports its own (``functions/{slice}/toml_files.py``), and so does what belongs to none
(``shared/institution``); a file goes to whoever knows its tables. ``DATA`` names the data folder (``.onestop``).
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from shared import topology
from shared.content_files import ANY_ID, BadContent, ids_in
from shared.institution.models import THEMES
from shared.wiring import platform


class BadFile(Exception):
    """No slice takes this file; the text is one line that names it and says why."""


def importers() -> list[ModuleType]:
    """The modules for content in files."""
    return [import_module(name) for name in importer_names()]


def importer_names() -> list[str]:
    """Of what all slices share, then of each slice that has one."""
    slices = [f"functions.{function}.toml_files" for function in sorted({t.function for t in topology.load().targets})]
    return ["shared.institution.toml_files", *(name for name in slices if find_spec(name))]


def tables_of(path: Path) -> dict[str, Any]:
    """What the file holds. Raises ``BadFile``."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror}); check the file's name") from None
    except ValueError as error:
        raise BadFile(f"{path}: not TOML ({error})") from None


def importer_of(path: Path) -> ModuleType:
    """The module that imports this file. Raises ``BadFile``."""
    tables, known = set(tables_of(path)), importers()
    for module in known:
        if tables and tables <= set(module.KINDS):
            return module
    kinds = [kind for module in known for kind in module.KINDS]
    raise BadFile(f"{path}: has the tables {sorted(tables)}; content is in one of {', '.join(kinds)}")


def coming_in(paths: Sequence[Path]) -> set[str]:
    """The ids that these files give to organisations, and ``themes/{id}`` to themes: an event may name one that comes
    with it."""
    tables = [tables_of(path) for path in paths]
    return {
        before + str(entry.get("id", ANY_ID))
        for kind, before in (("organisations", ""), (THEMES, f"{THEMES}/"))
        for table in tables
        for entry in table.get(kind, [])
        if isinstance(entry, dict)
    }


def import_files(paths: Sequence[Path]) -> list[str]:
    """All faults of all files; where there is none, everything is imported."""
    shares: dict[ModuleType, list[Path]] = defaultdict(list)
    faults, here = [], platform()
    lost: set[str] = set()
    for path in paths:
        try:
            shares[importer_of(path)].append(path)
        except BadFile as error:
            faults.append(str(error))
            lost |= ids_in(path)
    coming = coming_in([path for share in shares.values() for path in share])
    saves = []
    for module in importers():  # in this order: events name organisations, which must be known by then
        try:
            saves += [module.prepared(shares[module], here, coming, lost)] if module in shares else []
        except BadContent as error:
            faults += error.faults
    if not faults:
        for save in saves:
            print(save())
    return faults


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status: 1 for content with faults, of which nothing is imported, 2 for other arguments."""
    os.environ["ONESTOP_DATA"] = os.environ.get("DATA") or os.environ.get("ONESTOP_DATA", ".onestop")
    match arguments:
        case ["import", *files] if files:
            faults = import_files([Path(file) for file in files])
            if faults:
                told = f"{len(faults)} faults; nothing was imported." if faults[1:] else "Nothing was imported."
                print(*faults, told, sep="\n", file=sys.stderr)
            return 1 if faults else 0
        case ["export", folder]:
            return max(int(module.main(["export", folder])) for module in importers())
    print("usage: make import FILES='a.toml b.toml', or make export TO=FOLDER", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

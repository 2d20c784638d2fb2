"""Content in and out of the store, for all slices together.

    python -m infra.local.content import FILE...
    python -m infra.local.content export FOLDER

Each slice imports and exports its own (``functions/{slice}/content.py``); a file goes to the slice that knows its
tables. ``DATA`` names the data folder (``.onestop``).
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

from shared import topology


class BadFile(Exception):
    """No slice takes this file; the text is one line that names it and says why."""


def importers() -> list[ModuleType]:
    """The slices' content modules."""
    names = [f"functions.{function}.content" for function in sorted({t.function for t in topology.load().targets})]
    return [import_module(name) for name in names if find_spec(name)]


def importer_of(path: Path) -> ModuleType:
    """The module that imports this file. Raises ``BadFile``."""
    try:
        tables = set(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror}); check the file's name") from None
    except ValueError as error:
        raise BadFile(f"{path}: not TOML ({error})") from None
    known = importers()
    for module in known:
        if tables and tables <= set(module.KINDS):
            return module
    kinds = [kind for module in known for kind in module.KINDS]
    raise BadFile(f"{path}: has the tables {sorted(tables)}; content is in one of {', '.join(kinds)}")


def main(arguments: Sequence[str]) -> int:
    os.environ["ONESTOP_DATA"] = os.environ.get("DATA") or os.environ.get("ONESTOP_DATA", ".onestop")
    match arguments:
        case ["import", *files] if files:
            shares: dict[ModuleType, list[str]] = defaultdict(list)
            try:
                for file in files:
                    shares[importer_of(Path(file))].append(file)
            except BadFile as error:
                print(error, file=sys.stderr)
                return 1
            # In the order of ``importers``: events name organisations, which must be known by then.
            return max(int(module.main(["import", *share])) for module in importers() if (share := shares.get(module)))
        case ["export", folder]:
            return max(int(module.main(["export", folder])) for module in importers())
    print("usage: make import FILES='a.toml b.toml', or make export TO=FOLDER", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Content as organisers keep it in files: TOML, one array of tables for each kind."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

ANY_ID = "*"  # where nobody can tell which ids a file or an entry has; no id is written so
_ID = re.compile(r"""^[ \t]*(?:id|email)[ \t]*=[ \t]*["']*([^"'\r\n#]*)""", re.MULTILINE)


class BadContent(Exception):
    """Content files cannot be taken; ``faults`` are lines that name file, key and mend."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def tables_in(path: Path) -> dict[str, Any]:
    """What the file holds, by the name of the table. Raises ``BadContent``."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadContent([f"{path}: cannot be read ({error.strerror}); check the file's name"]) from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise BadContent([f"{path}: not valid TOML: {error}"]) from None


def ids_in(path: Path) -> set[str]:
    """The ids that seem to stand in a content file that is not TOML: whoever names one of them is not wrong in that."""
    try:
        text = path.read_bytes().decode(errors="replace")
    except OSError:
        return {ANY_ID}
    return {id.strip() for id in _ID.findall(text)}

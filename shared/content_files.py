"""Content as organisers keep it in files: TOML, one array of tables for each kind."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from shared.formats.pictures import as_text

ANY_ID = "*"  # where nobody can tell which ids a file or an entry has; no id is written so
_PICTURE = re.compile(r"(?i)[\w ./-]{1,200}\.(?:svg|png)")  # a file beside the one that names it
_ID = re.compile(r"""^[ \t]*(?:id|email)[ \t]*=[ \t]*["']*([^"'\r\n#]*)""", re.MULTILINE)


class BadContent(Exception):
    """Content files cannot be taken; ``faults`` are lines that name file, key and mend."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def taken(take: Callable[[], str]) -> int:
    """The exit status of a command that imports: what it did is printed, or on stderr what is wrong with the content.

    Args:
        take: returns what it did; raises ``BadContent``.
    """
    try:
        print(take())
    except BadContent as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def tables_in(path: Path) -> dict[str, Any]:
    """What the file holds, by the name of the table, with the pictures that it names. Raises ``BadContent``."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadContent([f"{path}: cannot be read ({error.strerror}); check the file's name"]) from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise BadContent([f"{path}: not valid TOML: {error}"]) from None
    if faults := list(_with_pictures(path, tables)):
        raise BadContent(faults)
    return tables


def _with_pictures(path: Path, part: Any) -> Iterator[str]:
    """Put pictures in the place of their files' names, wherever they are in ``part``; yields what cannot be read."""
    for key, value in list(part.items() if isinstance(part, dict) else enumerate(part)):
        if isinstance(value, dict | list):
            yield from _with_pictures(path, value)
        elif isinstance(value, str) and _PICTURE.fullmatch(value):
            try:
                part[key] = as_text((path.parent / value).read_bytes())
            except OSError as error:
                yield f"{path}: {key}: the picture {value} cannot be read ({error.strerror}); put it beside this file"


def ids_in(path: Path) -> set[str]:
    """The ids that seem to stand in a content file that is not TOML: whoever names one of them is not wrong in that."""
    try:
        text = path.read_bytes().decode(errors="replace")
    except OSError:
        return {ANY_ID}
    return {id.strip() for id in _ID.findall(text)}

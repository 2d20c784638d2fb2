"""What all models of stored documents have in common."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

ANY_ID = "*"  # where nobody can tell which ids a file or an entry has; no id is written so
_ID = re.compile(r"""^[ \t]*(?:id|email)[ \t]*=[ \t]*["']*([^"'\r\n#]*)""", re.MULTILINE)


class Stored(BaseModel):
    """A document, or a part of one: unknown fields of a newer version are ignored when read."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    def data(self) -> dict[str, Any]:
        """As the store keeps it: JSON values."""
        return self.model_dump(mode="json")


class Strict(BaseModel):
    """What strangers, programs and files send: an unknown field there is a mistake to be told."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class Content(Stored):
    """What TOML files hold: an unknown key there is a mistake to be told."""

    model_config = ConfigDict(extra="forbid")


def ids_in(path: Path) -> set[str]:
    """The ids that seem to stand in a content file that is not TOML: whoever names one of them is not wrong in that."""
    try:
        text = path.read_bytes().decode(errors="replace")
    except OSError:
        return {ANY_ID}
    return {id.strip() for id in _ID.findall(text)}

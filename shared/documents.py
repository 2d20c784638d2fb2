"""What all models of stored documents have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


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

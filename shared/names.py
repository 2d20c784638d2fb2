"""What somebody is called: one full name as they write it, and the family name in it where they have one.

Not everybody has a given and a family name, and not everybody puts them in that order
(https://www.w3.org/International/questions/qa-personal-names). What people read is the full name. Programs that send a
given and a family name are understood, and so are documents that were stored with them alone.
"""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator, model_validator

from shared.documents import Strict
from shared.fields import EMPTY, OptionalLine, is_visible
from shared.text import N_


def name_of(full_name: str, given_name: str, family_name: str) -> str:
    """As people read it; empty once erased."""
    return full_name or f"{given_name} {family_name}".strip()


def without_family(full_name: str, family_name: str) -> str:
    """What of the full name is not the family name, which stands at its beginning or its end; else all of it."""
    words, family = full_name.split(), family_name.split()
    if family and len(words) > len(family):
        if words[-len(family) :] == family:
            return " ".join(words[: -len(family)])
        if words[: len(family)] == family:
            return " ".join(words[len(family) :])
    return full_name


class Named(Strict):
    """The names of a form. ``full_name`` is kept where given and family name do not say it in that order."""

    given_name: OptionalLine = Field(default="", description=N_("Not needed beside `full_name`."))
    family_name: OptionalLine = Field(default="", description=N_("Where there is one."))
    full_name: OptionalLine = Field(
        default="", validate_default=True, description=N_("As the person writes it. Or give `given_name`.")
    )

    @field_validator("full_name")
    @classmethod
    def _some(cls, full_name: str, info: ValidationInfo) -> str:
        others = [info.data.get("given_name"), info.data.get("family_name")]
        if None not in others and not is_visible("".join([full_name, *map(str, others)])):
            raise ValueError(EMPTY["full_name"])
        return full_name

    @model_validator(mode="after")
    def _derived(self) -> Named:
        if self.full_name:
            self.given_name = without_family(self.full_name, self.family_name)
            if self.family_name == self.full_name:
                self.family_name = ""
            if name_of("", self.given_name, self.family_name) == self.full_name:
                self.full_name = ""
        return self

    @property
    def name(self) -> str:
        """As people read it."""
        return name_of(self.full_name, self.given_name, self.family_name)

    @property
    def unsaid(self) -> set[str]:
        """What a fingerprint of the form leaves out, so that it is the one of before there was a full name."""
        return set() if self.full_name else {"full_name"}

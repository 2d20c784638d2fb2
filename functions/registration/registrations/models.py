"""What registering takes in, and what is kept of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic import BaseModel, Field, computed_field

from shared.contracts.registration import State
from shared.fields import Consent, Country, Email, Language, OptionalLine
from shared.formats.addresses import address_key
from shared.names import Named, name_of
from shared.text import N_


class RegistrationRequest(Named):
    """What a form or another site's program sends to register one person."""

    email: Email
    country: Country
    organisation: OptionalLine = ""
    category: str = Field(description=N_("The `id` of one of the event's `categories`."))
    language: Language = "en"
    answers: dict[str, Any] = Field(default={}, description=N_("By the `id` of the event's `questions`."))
    consent: Consent


class Correction(Named):
    """What a person may change afterwards. The address stays: it is what was verified."""

    country: Country
    organisation: OptionalLine = ""
    language: Language = "en"
    answers: dict[str, Any] = {}


class Registration(BaseModel, defer_build=True):
    """A stored registration. ``pools`` are those whose seat it holds now."""

    reference: str
    event: str
    state: State
    category: str
    given_name: str
    family_name: str
    full_name: str = ""  # where it is not given name and family name in this order
    email: str
    country: str
    organisation: str
    language: str
    answers: dict[str, Any]
    pools: list[str]
    created_at: str
    verify_by: str | None = None
    held_until: str | None = None  # while unverified, a seat is kept until then
    holds: list[str] = []  # what counts that seat as kept (holds.py)
    waitlisted_at: str | None = None
    confirmed_at: str | None = None
    ended_at: str | None = None  # cancelled or expired
    sequence: int = 0  # of the calendar entry (RFC 5545)
    link_version: int = 0  # the generation of personal links that holds
    language_at: str | None = None  # when a later form than the first gave the language
    version: str | None = Field(default=None, exclude=True)  # of the document it was read from

    @property
    def name(self) -> str:
        """As people read it."""
        return name_of(self.full_name, self.given_name, self.family_name)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def address(self) -> str:
        """The same for every spelling of the address: what registrations are found by."""
        return address_key(self.email)


class Place(NamedTuple):
    """In a waitlist, from 1; where it is not ``exact``, the number is the least that it can be."""

    number: int
    exact: bool

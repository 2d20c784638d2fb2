"""A series of events, which outlives each of its editions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from functions.registration.events.programme import Document, Link
from shared.documents import Strict
from shared.fields import Email, Line, Localised, OptionalLocalised, Slug


class Series(Strict):
    """What its page says: who runs it and why, what it does, whom to ask. Its editions name it (``edition_of``)."""

    id: Slug
    name: Localised
    summary: Localised
    description: OptionalLocalised = {}  # Markdown
    objectives: Annotated[list[Localised], Field(max_length=30)] = []
    audience: OptionalLocalised = {}
    organisations: list[Slug] = []
    theme: Slug | None = None  # as an event's
    organiser: Line
    contact_email: Email
    documents: Annotated[list[Document], Field(max_length=50)] = []
    links: Annotated[list[Link], Field(max_length=50)] = []

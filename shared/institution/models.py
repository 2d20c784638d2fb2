"""Themes and pages, as they are stored, imported and exported."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Annotated

from pydantic import Field, StringConstraints

from shared.documents import Content, Stored
from shared.fields import Line, Localised, OptionalLocalised, Slug, WebAddress
from shared.formats.pictures import Banner, Emblem
from shared.institution.palette import Choice, PaletteChoice

PLATFORM = "platform"
"""The id of the theme that all pages have, but for those of an event with one of its own."""
THEMES, ORGANISATIONS = "themes", "organisations"  # collections, and parts of the addresses of pictures
MAX_PAGES = 40  # all are read at once, once a minute
MAX_RUNNING = 12
MAX_DESTINATIONS = 4


class Destination(Content):
    """Where the navigation of every public page leads, between the lists and the contact form."""

    title: Localised
    path: Annotated[str, StringConstraints(pattern=r"^/[a-z0-9-]+(/[a-z0-9-]+)*$", max_length=200)]


class Theme(Content):
    """How pages and mails look and what they are called: the installation's (``platform``), or an event's.

    An event's theme has from the installation's what it does not choose itself.
    """

    id: Slug
    name: Localised
    description: OptionalLocalised = {}  # one sentence, for search engines and for links that people share
    emblem: Emblem | None = None
    banner: Banner | None = None
    colours: PaletteChoice = Choice()
    navigation: list[Destination] = Field([], max_length=MAX_DESTINATIONS)
    organisations: list[Slug] = Field([], max_length=MAX_RUNNING)  # that run it together, in this order


class Page(Content):
    """A page of the content: ``/pages/{id}``."""

    id: Slug
    title: Localised
    description: OptionalLocalised = {}
    text: Localised  # Markdown (shared.formats.markdown)
    footer: int | None = None  # its place among the links at the foot of every page; None: it has none there


class Running(Stored):
    """What the foot of a page says of an organisation (``shared.staff.models.Organisation``)."""

    id: str
    name: Localised
    short_name: Line
    website: WebAddress | str = ""
    emblem: Emblem | None = None

    @cached_property
    def emblem_address(self) -> str:
        """ "" where it has none."""
        return address_of(ORGANISATIONS, self.id, "emblem", self.emblem)


def address_of(collection: str, id: str, kind: str, picture: str | None) -> str:
    """Where a picture is served. It changes with the content, so that browsers may keep it for ever; "" for none."""
    return f"/assets/{collection}/{id}/{kind}?v={digest(picture)}" if picture else ""


def digest(text: str) -> str:
    """Tells one content of an address from another."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]

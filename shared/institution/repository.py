"""The look of a page, and who runs this, as the store has them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from shared.formats.pictures import PNG_URI
from shared.institution.models import ORGANISATIONS, PLATFORM, THEMES, Page, Running, Theme, address_of, digest
from shared.institution.palette import OWN, SCHEMES, Choice, Colours, palette
from shared.ports import Clock, Store, Unavailable, every

PAGES = "pages"
FRESH = timedelta(minutes=1)
MAX_KNOWN = 200  # themes of events that a process keeps
NAME = "onestop"  # where no content says another
T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """A theme as pages and mails use it. ``running``: who runs it, in order."""

    theme: Theme
    running: Sequence[Running] = ()

    @cached_property
    def colours(self) -> Mapping[str, Colours]:
        """By scheme and name."""
        return {scheme: palette(self.theme.colours, scheme) for scheme in SCHEMES}

    @cached_property
    def style(self) -> str:
        """A style sheet with what differs from the product's own; empty where nothing does."""
        sheets = []
        for scheme in SCHEMES:  # each for itself, and not for print, which has colours of its own
            differs = {name: colour for name, colour in self.colours[scheme].items() if OWN[scheme][name] != colour}
            lines = ";".join(f"--{name}:{colour}" for name, colour in differs.items())
            sheets += [f"@media screen and (prefers-color-scheme:{scheme}){{:root{{{lines}}}}}"] if lines else []
        return "\n".join(sheets)

    @cached_property
    def style_address(self) -> str:
        """Of the style sheet; "" where there is none."""
        return f"/assets/themes/{self.theme.id}.css?v={digest(self.style)}" if self.style else ""

    @cached_property
    def shared_picture(self) -> str:
        """The address of the picture beside a link to a page; "" for none, as SVG is for those who show such links."""
        kinds = [kind for kind in ("banner", "emblem") if (getattr(self.theme, kind) or "").startswith(PNG_URI)]
        return self.picture(kinds[0]) if kinds else ""

    def picture(self, kind: str) -> str:
        """The address of the ``emblem`` or the ``banner``; "" where there is none."""
        return address_of(THEMES, self.theme.id, kind, getattr(self.theme, kind))


PLAIN = Look(Theme(id=PLATFORM, name={"en": NAME}))
"""The product's own, where the content says nothing."""


@dataclass
class Institution:
    """Themes, pages and who runs this, each read at most once a minute, and never missed: while the store cannot be
    reached, pages look as they last did."""

    store: Store
    clock: Clock
    _known: dict[str, tuple[datetime, Any]] = field(default_factory=dict)

    def look(self, theme: str = "") -> Look:
        """The installation's, or that of an event's ``theme``; of one that is not there, the installation's."""
        own = self._fresh(PLATFORM, PLAIN, lambda: self._look(PLATFORM))
        return (
            self._fresh(f"theme:{theme}", own, lambda: self._look(theme, own)) if theme not in ("", PLATFORM) else own
        )

    @property
    def pages(self) -> dict[str, Page]:
        """By id."""
        return self._fresh("pages", {}, lambda: {d.id: Page.model_validate(d.data) for d in every(self.store, PAGES)})

    @property
    def footer(self) -> list[Page]:
        """Those that the foot of every page leads to, in order."""
        return sorted(
            (page for page in self.pages.values() if page.footer is not None), key=lambda page: (page.footer, page.id)
        )

    @property
    def organisations(self) -> dict[str, Running]:
        """By id."""
        return self._fresh(
            "organisations",
            {},
            lambda: {d.id: Running.model_validate(d.data) for d in every(self.store, ORGANISATIONS)},
        )

    def _look(self, id: str, under: Look | None = None) -> Look:
        document = self.store.get(THEMES, id)
        if document is None:
            return under or PLAIN
        theme = Theme.model_validate(document.data)
        if under:
            lacking = [name for name, value in theme if value in (None, {}, [], Choice())]
            theme = theme.model_copy(update={name: getattr(under.theme, name) for name in lacking})
        known = self.organisations
        return Look(theme, [known[one] for one in theme.organisations if one in known])

    def _fresh(self, name: str, before: T, read: Callable[[], T]) -> T:
        """What ``read`` gives, at most a minute old; without the store what it gave last, or ``before``."""
        now = self.clock.now()
        read_at, value = self._known.get(name, (None, before))
        if read_at is None or now - read_at >= FRESH:
            try:
                value = read()
            except Unavailable as error:
                log.warning("the content cannot be read, pages stay as they were: %s", error)
            if len(self._known) > MAX_KNOWN:
                self._known.clear()
            self._known[name] = (now, value)
        return value

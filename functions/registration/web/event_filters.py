"""What somebody looks for among the events: the part of an address behind the ``?``, and the form that writes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from urllib.parse import urlencode

from functions.registration.events.search import Wanted
from shared import languages
from shared.fields import language_tag
from shared.staff.directory import StaffDirectory
from shared.web.visit import Visit

MAX_TEXT = 200  # characters
OFFERED = ("ar", "en", "es", "fr", "ru", "zh")  # languages to choose from; an address may name any other
MONTHS_BACK, MONTHS_AHEAD = 12, 12  # to choose from, as above
Options = list[tuple[str, str]]
"""Values, and what they are called."""


class Filters:
    """The search of one visit; what no list has is not asked for."""

    def __init__(self, visit: Visit, directory: StaffDirectory) -> None:
        self._visit = visit
        self._names = directory.short_names
        asked = visit.request.args
        self.wanted = Wanted(
            text=" ".join(asked.get("q", "").split())[:MAX_TEXT],
            month=asked.get("month", "") if re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", asked.get("month", "")) else "",
            organisation=asked.get("organisation", "") if asked.get("organisation") in self._names else "",
            language=_language(asked.get("language", "")),
            mode=asked.get("mode", "") if asked.get("mode") in modes(visit.gettext) else "",
        )

    @property
    def given(self) -> dict[str, str]:
        """What is asked for, by the names of the form's fields."""
        wanted = self.wanted
        named = {"q": wanted.text, "organisation": wanted.organisation, "mode": wanted.mode, "month": wanted.month}
        return {name: value for name, value in {**named, "language": wanted.language}.items() if value}

    def address(self, path: str = "/events", without: str = "", **more: str) -> str:
        """Of this search, ``without`` one of its parts, or with ``more``."""
        query = urlencode({name: value for name, value in self.given.items() if name != without} | more)
        return f"{path}?{query}" if query else path

    @property
    def options(self) -> dict[str, Options]:
        """The choices of each list, by the field's name."""
        reader, today = self._visit.language, self._visit.platform.clock.now().date()
        months = {_month(today, number) for number in range(-MONTHS_BACK, MONTHS_AHEAD + 1)}
        codes = sorted({*OFFERED, *filter(None, [self.wanted.language])}, key=lambda code: languages.name(code, reader))
        return {
            "organisation": list(self._names.items()),
            "mode": list(modes(self._visit.gettext).items()),
            "month": [(month, self._called("month", month)) for month in sorted({*months, self.wanted.month} - {""})],
            "language": [(code, languages.name(code, reader)) for code in codes],
        }

    @property
    def chosen(self) -> list[tuple[str, str, str]]:
        """What is asked for in words: field, value, and the address of the list without it."""
        _ = self._visit.gettext
        labels = {
            "q": _("Words"),
            "organisation": _("Organisation"),
            "mode": _("On site or online"),
            "month": _("Month"),
            "language": _("Language"),
        }
        return [(labels[n], self._called(n, value), self.address(without=n)) for n, value in self.given.items()]

    def _called(self, name: str, value: str) -> str:
        reader = self._visit.language
        match name:
            case "organisation":
                return self._names[value]
            case "mode":
                return modes(self._visit.gettext)[value]
            case "month":
                return languages.month(date.fromisoformat(f"{value}-01"), reader)
            case "language":
                return languages.name(value, reader)
        return value


def modes(_: Callable[[str], str]) -> dict[str, str]:
    """How one takes part."""
    return {"in_person": _("On site"), "virtual": _("Online"), "hybrid": _("On site and online")}


def _month(today: date, later: int) -> str:
    months = today.year * 12 + today.month - 1 + later
    return f"{months // 12}-{months % 12 + 1:02}"


def _language(text: str) -> str:
    try:
        return language_tag(text)
    except ValueError:
        return ""

"""Times that people read; nothing else writes a time of day into a page or a mail.

A page or a mail has one time zone and names it: the event's where it is about an event, that of the reader's
organisation for staff, else UTC, which no hand-over moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup

from shared import languages
from shared.languages import isolated, translations
from shared.ports import from_utc_text, utc_text
from shared.text import N_

NOTHING = Markup("–")
NEAR_DAYS = {-1: N_("yesterday, {time}"), 0: N_("today, {time}"), 1: N_("tomorrow, {time}")}
"""Instead of the day's name, by days from today."""


def zone_name(zone: str, instants: Iterable[datetime], language: str) -> str:
    """``UTC+02:00, Zürich``: the IANA zone's offsets at ``instants``, and the city it is named after; or ``UTC``."""
    city = languages.zone_city(zone, language)
    if city == "UTC":
        return isolated(city, language)
    clocks = {local.utcoffset(): local for local in (instant.astimezone(ZoneInfo(zone)) for instant in instants)}
    offsets = [offset(local, zone) for local in clocks.values()]
    return translations(language).gettext(", ").join([isolated("/".join(offsets), language), city])


def offset(instant: datetime, zone: str) -> str:
    """``UTC+02:00`` at that instant."""
    text = instant.astimezone(ZoneInfo(zone)).strftime("%z")
    return f"UTC{text[:3]}:{text[3:]}"


def clock_time(instant: datetime, zone: str) -> str:
    """``13:00``, the same in every language."""
    return instant.astimezone(ZoneInfo(zone)).strftime("%H:%M")


def moment(instant: datetime, zone: str, language: str) -> str:
    """``Thursday, 3 July 2025, 13:00 (UTC+02:00, Zürich)``."""
    return f"{_unzoned(instant, zone, language)} ({zone_name(zone, [instant], language)})"


def span(starts: datetime, ends: datetime, zone: str, language: str) -> list[str]:
    """From and to, in two lines: a day and its hours, or the first and the last moment. The zone is named once, or with
    both where its clocks change in between."""
    if offset(starts, zone) != offset(ends, zone):
        return [f"{moment(starts, zone, language)} –", moment(ends, zone, language)]
    if not same_day(starts, ends, zone):
        return [f"{_unzoned(starts, zone, language)} –", moment(ends, zone, language)]
    hours = isolated(f"{clock_time(starts, zone)}–{clock_time(ends, zone)}", language)
    return [languages.day(starts, zone, language), f"{hours} ({zone_name(zone, [ends], language)})"]


def same_day(first: datetime, second: datetime, zone: str) -> bool:
    """As the clocks of the zone have it."""
    return first.astimezone(ZoneInfo(zone)).date() == second.astimezone(ZoneInfo(zone)).date()


def _unzoned(instant: datetime, zone: str, language: str) -> str:
    text = translations(language).gettext("{day}, {time}")
    return text.format(day=languages.day(instant, zone, language), time=isolated(clock_time(instant, zone), language))


class Times:
    """The times of one page, as ``<time>`` elements. Takes instants, also as the store has them; None is a dash.

    ``moment`` and ``span`` name the zone themselves. Times in lists and conversations do not: ``note`` names it once
    for all of them, at the end of the page (``base.html``).
    """

    def __init__(self, zone: str, language: str, now: Callable[[], datetime]) -> None:
        self._zone = zone
        self._language = language
        self._now = now
        self._listed: list[datetime] = []

    def moment(self, instant: datetime | str | None) -> Markup:
        """``Thursday, 3 July 2025, 13:00 (UTC+02:00, Zürich)``."""
        if not instant:
            return NOTHING
        at = _instant(instant)
        return _element(at, _unzoned(at, self._zone, self._language)) + self._named(at)

    def span(self, starts: datetime, ends: datetime) -> Markup:
        """``Thursday, 3 July 2025, 13:00 to 15:00 (UTC+02:00, Zürich)``."""
        first, last = _element(starts, _unzoned(starts, self._zone, self._language)), self.moment(ends)
        if offset(starts, self._zone) != offset(ends, self._zone):
            first = self.moment(starts)
        elif same_day(starts, ends, self._zone):
            last = _element(ends, isolated(clock_time(ends, self._zone), self._language)) + self._named(ends)
        return Markup("{} {} {}").format(first, translations(self._language).gettext("to"), last)

    def brief(self, instant: datetime) -> Markup:
        """``Thursday, 3 July 2025, 13:00``; ``note`` names the zone."""
        self._listed.append(instant)
        return _element(instant, _unzoned(instant, self._zone, self._language))

    def said(self, instant: datetime | str | None) -> Markup:
        """As people say it: ``today, 13:00``, ``Monday, 13:00`` of the days around, else ``3 July 2025, 13:00``;
        ``note`` names the zone."""
        if not instant:
            return NOTHING
        at = _instant(instant)
        self._listed.append(at)
        zone = ZoneInfo(self._zone)
        days = (at.astimezone(zone).date() - self._now().astimezone(zone).date()).days
        text = translations(self._language).gettext(NEAR_DAYS.get(days, "{day}, {time}"))
        day = languages.near_day(at, self._zone, self._language, named=abs(days) < 7)
        return _element(at, text.format(day=day, time=isolated(clock_time(at, self._zone), self._language)))

    def is_past(self, instant: datetime) -> bool:
        """Whether it lies behind whoever reads the page."""
        return instant <= self._now()

    def left(self, due: datetime) -> str:
        """How long there is still time, or since when there is none: ``in 3 hours``, ``2 days late``. ``said`` has the
        exact time."""
        left = due - self._now()
        if left.total_seconds() > 0:
            return languages.in_time(left, self._language)
        late = languages.duration(max(-left, timedelta(minutes=1)), self._language)
        return translations(self._language).gettext("{duration} late").format(duration=late)

    def hours(self, starts: datetime, ends: datetime) -> Markup:
        """``13:00–15:00``, where the day is told already; ``note`` names the zone."""
        self._listed += [starts, ends]
        told = [_element(at, clock_time(at, self._zone)) for at in (starts, ends)]
        return Markup(isolated("{}–{}", self._language)).format(*told)  # noqa: S704 - a constant

    def stamp(self, instant: datetime | str | None) -> Markup:
        """``2025-07-03 13:00``, the same in every language; ``note`` names the zone."""
        if not instant:
            return NOTHING
        at = _instant(instant)
        self._listed.append(at)
        return _element(at, isolated(f"{at.astimezone(ZoneInfo(self._zone)):%Y-%m-%d %H:%M}", self._language))

    def note(self) -> Markup | None:
        """The zone of what was listed so far; None where nothing was."""
        return self._name(sorted(self._listed)) if self._listed else None

    def _named(self, instant: datetime) -> Markup:
        return Markup(' <span class="muted small">({})</span>').format(self._name([instant]))

    def _name(self, instants: Iterable[datetime]) -> Markup:
        return Markup('<span class="zone">{}</span>').format(zone_name(self._zone, instants, self._language))


def _instant(instant: datetime | str) -> datetime:
    return from_utc_text(instant) if isinstance(instant, str) else instant


def _element(instant: datetime, text: str) -> Markup:
    return Markup('<time datetime="%s">%s</time>') % (utc_text(instant), text)  # a list has a hundred; format is slow

"""Event definitions in and out of TOML: ``python -m functions.registration.toml_files import|export|reindex``.

An instant is written as an offset date-time, or relative to the day of import in the event's own zone:
``"+60d 09:00"``. An event that is in the store already keeps the instants that a relative one once became, so that
importing a file again changes nothing.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import tomli_w
from pydantic import ValidationError

from functions.registration.events.models import EventDefinition, Kept, before
from functions.registration.events.repository import EVENTS, INSTANTS, SERIES, definition, stored
from functions.registration.events.series import Series
from functions.registration.registrations import seats
from functions.registration.registrations.documents import REGISTRATIONS, SOURCE, in_line
from functions.registration.registrations.tallies import Tallies
from shared.content_files import ANY_ID, BadContent, tables_in, taken
from shared.contracts.bus_events import outbox_row
from shared.contracts.registration import SeatsReleased
from shared.institution.models import THEMES
from shared.ports import Clock, Create, Replace, Store, Write, decide, every
from shared.staff.directory import ORGANISATIONS
from shared.wiring import Platform, platform

SAMPLES = Path(__file__).parents[2] / "shared" / "content" / "events.toml"
KINDS = ("series", "events")
"""The TOML tables that this slice imports."""
EARLIEST = timedelta(days=366)  # that a reminder may come before the start
RELATIVE = re.compile(r"^([+-]\d+)d (\d\d):(\d\d)$")


def read(
    path: Path, store: Store, now: datetime, smtputf8: bool = True, coming: Collection[str] = ()
) -> list[EventDefinition]:
    """The events of one file. Raises ``BadContent`` with every fault found.

    Args:
        coming: ids of organisations, and ``themes/{id}`` of themes, that are imported together with the file.
    """
    events, faults = [], []
    for position, entry in enumerate(_entries(path, "events"), 1):
        event, found = _event(entry, store, now, smtputf8, coming)
        faults += [f"{path}: event {position} ({entry.get('id', 'no id')}): {fault}" for fault in found]
        events += [event] if event else []
    if faults:
        raise BadContent(faults)
    return events


def read_series(path: Path) -> list[Series]:
    """The series of one file. Raises ``BadContent`` with every fault found."""
    series, faults = [], []
    for position, entry in enumerate(_entries(path, "series"), 1):
        try:
            series.append(Series.model_validate(entry))
        except ValidationError as error:
            faults += [f"{path}: series {position} ({entry.get('id', 'no id')}): {told}" for told in _told(error)]
    if faults:
        raise BadContent(faults)
    return series


def read_all(
    paths: Iterable[Path], here: Platform, coming: Collection[str] = ()
) -> tuple[list[Series], list[EventDefinition]]:
    """Series and events of several files. Raises ``BadContent`` with every fault of every file."""
    series: list[Series] = []
    events: list[EventDefinition] = []
    faults: list[str] = []
    for path in paths:
        try:
            series += read_series(path)
            events += read(path, here.store, here.clock.now(), here.settings.smtputf8, coming)
        except BadContent as error:
            faults += error.faults
    for one in series:
        faults += [f"series {one.id}: {fault}" for fault in _unthemed(one.theme, here.store, coming)]
    known = {one.id for one in series}
    for event in events:
        if event.edition_of and event.edition_of not in known and here.store.get(SERIES, event.edition_of) is None:
            faults.append(
                f"{event.id}: edition_of: there is no series {event.edition_of!r}; correct it or import it first"
            )
    if faults:
        raise BadContent(faults)
    return series, events


def _entries(path: Path, kind: str) -> list[dict[str, Any]]:
    """The tables of one kind that a file has. Raises ``BadContent``."""
    raw = tables_in(path)
    unknown = raw.keys() - set(KINDS)
    entries = raw.get(kind, [])
    if unknown or not raw or not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        named = ", ".join(sorted(unknown)) or kind
        raise BadContent(
            [f"{path}: {named}: write each event as a [[events]] table, each series as a [[series]] table"]
        )
    return entries


def _told(error: ValidationError) -> Iterator[str]:
    """What is wrong: key, and mend."""
    for found in error.errors(include_url=False):
        where = ".".join(str(part) for part in found["loc"]) or "as a whole"
        mend = f" (found: {found['input']!r})" if found["loc"] and found["type"] != "missing" else ""
        yield f"{where}: {found['msg'].removeprefix('Value error, ')}{mend}"


def _event(
    entry: dict[str, Any], store: Store, now: datetime, smtputf8: bool, coming: Collection[str]
) -> tuple[EventDefinition | None, list[str]]:
    """The event, or what is wrong with the entry: key and mend."""
    faults = ["kept: is not known here; remove it"] if entry.pop("kept", None) is not None else []
    unread = _instants(entry, store, now)
    faults += [f"{key}: {fault}" for key, fault in unread.items()]
    try:
        event = EventDefinition.model_validate(entry, context={"smtputf8": smtputf8})
    except ValidationError as error:
        faults += [told for told in _told(error) if told.partition(":")[0] not in unread]
        return None, faults
    return event, [
        *faults,
        *_misplaced(event),
        *_ownerless(event, store, coming),
        *_unthemed(event.theme, store, coming),
    ]


def _instants(entry: dict[str, Any], store: Store, now: datetime) -> dict[str, str]:
    """Put instants where they are written relative to now; returns the faults of those that cannot be read, by key."""
    known = store.get(EVENTS, str(entry.get("id"))) if entry.get("id") else None
    faults = {}
    for key in INSTANTS:
        value = entry.get(key)
        if not isinstance(value, str):
            continue
        try:
            stands = known.data.get(key) if known else None
            entry[key] = stands or _resolve(value, str(entry.get("timezone", "UTC")), now)
        except ValueError as error:
            faults[key] = str(error)
            del entry[key]
    return faults


def _misplaced(event: EventDefinition) -> Iterator[str]:
    """Times that contradict each other, and too many categories: key, what and mend; only new files are asked."""
    opens, closes = event.registration_opens_at, event.registration_closes_at
    if opens and opens >= event.closes_at:
        yield f"registration_opens_at: {opens} is not before registration closes ({event.closes_at}); open earlier"
    if closes and closes > event.ends_at:
        yield f"registration_closes_at: {closes} lies after the end ({event.ends_at}); close at the end or before"
    yield from _off_the_days(event)
    if len(event.categories) > seats.MAX_CATEGORIES:
        yield f"categories: {len(event.categories)} are too many; an event has at most {seats.MAX_CATEGORIES}"
    for reminder in event.reminders:
        if not re.fullmatch(r"[1-9]\d{0,5}[dhm]", reminder) or before(reminder) > EARLIEST:
            yield f"reminders: {reminder!r} is too early; remind at most {EARLIEST.days} days before the start"


def _off_the_days(event: EventDefinition) -> Iterator[str]:
    """Sessions outside the event, and on days that it has not."""
    within = {id(part.session): part for day in event.days for part in day.parts}
    for position, session in enumerate(event.sessions, 1):
        part = within.get(id(session))
        if part is None or part.starts_at < event.starts_at or part.ends_at > event.ends_at:
            yield (
                f"sessions.{position}: day {session.day}, {session.start:%H:%M} to {session.end:%H:%M}, is not within"
                f" the event ({event.starts_at} to {event.ends_at}); correct the session or the event"
            )


def _unthemed(theme: str | None, store: Store, coming: Collection[str]) -> Iterator[str]:
    """What is wrong with the theme that an event or a series names."""
    if not theme or {ANY_ID, f"{THEMES}/{theme}", f"{THEMES}/{ANY_ID}"} & {*coming}:
        return
    if store.get(THEMES, theme) is None and store.query(THEMES, limit=1):  # else the themes are still to come
        yield f"theme: there is no theme {theme!r}; correct it or import it first"


def _ownerless(event: EventDefinition, store: Store, coming: Collection[str]) -> Iterator[str]:
    """What is wrong with the organisations that the event names."""
    if not event.organisations:
        yield (
            'organisations: is missing; add the line organisations = ["who"] with the ids of the organisations'
            " whose staff see this event and its registrations, the owner first"
        )
    if not coming and not store.query(ORGANISATIONS, limit=1):
        return  # an installation without a desk, or the organisations are still to come
    for id in event.organisations:
        if id not in coming and ANY_ID not in coming and store.get(ORGANISATIONS, id) is None:
            yield f"organisations: there is no organisation {id!r}; correct it or import it first"


def _resolve(text: str, timezone: str, now: datetime) -> datetime:
    """Raises ``ValueError`` with the mend."""
    match = RELATIVE.match(text)
    if not match:
        raise ValueError(f"{text!r}: write an offset date-time, or relative to today like '+60d 09:00'")
    try:
        zone = ZoneInfo(timezone)
    except (ValueError, KeyError):
        raise ValueError(f"timezone {timezone!r} is not in the IANA list; write it like 'Europe/Zurich'") from None
    try:
        at = time(int(match[2]), int(match[3]))
        day = now.astimezone(zone).date() + timedelta(days=int(match[1]))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r}: {error}") from None
    return _only(text, datetime.combine(day, at, zone))


def _only(text: str, local: datetime) -> datetime:
    """``local``, where clocks show it exactly once (PEP 495). Raises ``ValueError``."""
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return local
    shown = f"{text!r}: {local:%Y-%m-%d %H:%M} in {local.tzinfo}"
    if first.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise ValueError(f"{shown} is skipped when the clocks go forward; choose another time")
    either = " or ".join(local.replace(fold=fold).isoformat() for fold in (0, 1))
    raise ValueError(f"{shown} comes twice when the clocks go back; write the one you mean: {either}")


def save(store: Store, clock: Clock, events: Iterable[EventDefinition]) -> int:
    """Add or update events and their seats; registrations are never touched. Returns how many changed."""
    changed = 0
    for event in events:
        seats.resize(store, event)  # first: nobody may look for seats that are still to be made
        changed += decide(lambda event=event: _put(store, event, clock.now()), attempts=40)  # type: ignore[misc]
        _follow(store, event.id)
        Tallies(store).fold_event(event.id)
        if store.query(seats.RETURNED, ("event", "==", event.id), limit=1):
            store.commit([outbox_row(SOURCE, SeatsReleased(event=event.id), clock.now())])
    return changed


def save_series(store: Store, series: Iterable[Series]) -> int:
    """Add or update series. Returns how many changed."""
    changed = 0
    for one in series:
        data, known = one.model_dump(mode="json", exclude_none=True), store.get(SERIES, one.id)
        if known is None or known.data != data:
            store.commit([Replace(SERIES, one.id, data, None)])
            changed += 1
    return changed


def _put(store: Store, event: EventDefinition, now: datetime) -> bool:
    """Store the definition where it is another; whoever is about to join a line by the former one decides anew."""
    gates = seats.gates_reading(store, event.id)
    known = store.get(EVENTS, event.id)
    before = definition(known) if known else None
    after = event.model_copy(update={"kept": _kept(store, before, event, now)})
    changed = after.model_copy(update={"kept": after.kept.model_copy(update={"changed_at": now})})
    if known is None:
        store.commit([Create(EVENTS, event.id, stored(changed))])
        return True
    if known.data == stored(after):
        return False
    writes: list[Write] = [Replace(EVENTS, event.id, stored(changed), known.version), *map(seats.move_gate, gates)]
    if after.kept.line_first:
        writes.append(outbox_row(SOURCE, SeatsReleased(event=event.id), now))
    store.commit(writes)
    return True


def _kept(store: Store, before: EventDefinition | None, after: EventDefinition, now: datetime) -> Kept:
    if before is None:
        return Kept(dated_at=now)
    gone = set(before.lines) - {category.id for category in after.categories}
    same_dates = before.starts_at.astimezone(UTC) == after.starts_at.astimezone(UTC)
    return Kept(
        former=sorted(gone),
        line_first=before.kept.line_first or _some_wait_for_other_seats(store, before, after),
        dated_at=before.kept.dated_at if same_dates else now,
        changed_at=before.kept.changed_at,
    )


def _some_wait_for_other_seats(store: Store, before: EventDefinition, after: EventDefinition) -> bool:
    """Whether somebody is in a line whose seats come from other pools now: there, seats may be free already."""
    pools = [{line: e.pools(e.category_of(line)) for line in before.lines} for e in (before, after)]
    moved = [line for line in before.lines if pools[0][line] != pools[1][line]]
    return any(store.query(REGISTRATIONS, *in_line(before.id, line), order="waitlisted_at", limit=1) for line in moved)


def _follow(store: Store, id: str) -> None:
    """Give the pools the numbers of the definition that stands, whoever else is importing."""
    while document := store.get(EVENTS, id):
        seats.resize(store, definition(document), drop=True)
        again = store.get(EVENTS, id)
        if again and again.version == document.version:
            return


def export(store: Store) -> str:
    """All series and events as one TOML file that ``import`` takes."""
    models = (Series.model_validate(document.data) for document in every(store, SERIES))
    series = [one.model_dump(mode="json", exclude_none=True, exclude_defaults=True) for one in models]
    events = [_exported(definition(document)) for document in every(store, EVENTS, order="starts_at")]
    return tomli_w.dumps({**({"series": series} if series else {}), "events": events}, multiline_strings=True)


def _exported(event: EventDefinition) -> dict[str, Any]:
    data = event.model_dump(mode="json", exclude_none=True, exclude_defaults=True, exclude={"kept"})
    return {**data, **{name: getattr(event, name) for name in INSTANTS if name in data}}


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 where the content has faults, which it lists on stderr."""
    parser = argparse.ArgumentParser(prog="python -m functions.registration.toml_files")
    commands = parser.add_subparsers(dest="command", required=True)
    importing = commands.add_parser("import", help="add or update events")
    importing.add_argument("--if-empty", action="store_true", help="only where the store has no event yet")
    importing.add_argument("files", nargs="*", type=Path, default=[SAMPLES])
    commands.add_parser("export", help="write events.toml").add_argument("folder", type=Path)
    commands.add_parser("reindex", help="list the terms by which events are found afresh")
    options = parser.parse_args(arguments)
    here = platform()
    store = here.store
    if options.command == "export":
        options.folder.mkdir(parents=True, exist_ok=True)
        (options.folder / "events.toml").write_text(export(store), "utf-8")
        print(f"{options.folder / 'events.toml'} written")
        return 0
    if options.command == "reindex":
        print(f"{save(store, here.clock, map(definition, every(store, EVENTS)))} events have new terms.")
        return 0
    if options.if_empty and store.query(EVENTS, limit=1):
        return 0
    return taken(lambda: prepared(options.files, here)())


def prepared(
    paths: Iterable[Path], here: Platform, coming: Collection[str] = (), lost: Collection[str] = ()
) -> Callable[[], str]:
    """Read the files; what is returned saves them and tells what it did. Raises ``BadContent`` with every fault."""
    series, events = read_all(paths, here, {*coming, *lost})

    def saved() -> str:
        changed = save_series(here.store, series) + save(here.store, here.clock, events)
        also = f"{len(series)} series and " if series else ""
        return f"{also}{len(events)} events read, {changed} added or changed"

    return saved


if __name__ == "__main__":
    sys.exit(main())

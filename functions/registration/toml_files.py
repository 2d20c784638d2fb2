"""Event definitions in and out of TOML: ``python -m functions.registration.toml_files import|export``.

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
from functions.registration.events.repository import EVENTS, INSTANTS, definition, stored
from functions.registration.registrations import seats
from functions.registration.registrations.documents import REGISTRATIONS, SOURCE, in_line
from functions.registration.registrations.tallies import Tallies
from shared.content_files import ANY_ID, BadContent, tables_in
from shared.contracts.bus_events import outbox_row
from shared.contracts.registration import SeatsReleased
from shared.ports import Clock, Create, Replace, Store, Write, decide, every
from shared.staff.directory import ORGANISATIONS
from shared.wiring import Platform, platform

SAMPLES = Path(__file__).parents[2] / "shared" / "content" / "events.toml"
KINDS = ("events",)
"""The TOML tables that this slice imports."""
EARLIEST = timedelta(days=366)  # that a reminder may come before the start
RELATIVE = re.compile(r"^([+-]\d+)d (\d\d):(\d\d)$")


def read(
    path: Path, store: Store, now: datetime, smtputf8: bool = True, coming: Collection[str] = ()
) -> list[EventDefinition]:
    """The events of one file. Raises ``BadContent`` with every fault found.

    Args:
        coming: ids of organisations that are imported together with the file.
    """
    raw = tables_in(path)
    entries = raw.get("events")
    unknown = raw.keys() - {"events"}
    if unknown or not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BadContent([f"{path}: {', '.join(sorted(unknown)) or 'events'}: write each event as a [[events]] table"])
    events, faults = [], []
    for position, entry in enumerate(entries, 1):
        event, found = _event(entry, store, now, smtputf8, coming)
        faults += [f"{path}: event {position} ({entry.get('id', 'no id')}): {fault}" for fault in found]
        events += [event] if event else []
    if faults:
        raise BadContent(faults)
    return events


def read_all(paths: Iterable[Path], here: Platform, coming: Collection[str] = ()) -> list[EventDefinition]:
    """The events of several files. Raises ``BadContent`` with every fault of every file."""
    events, faults = [], []
    for path in paths:
        try:
            events += read(path, here.store, here.clock.now(), here.settings.smtputf8, coming)
        except BadContent as error:
            faults += error.faults
    if faults:
        raise BadContent(faults)
    return events


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
        for found in error.errors(include_url=False):
            where = ".".join(str(part) for part in found["loc"]) or "the event"
            mend = f" (found: {found['input']!r})" if found["loc"] and found["type"] != "missing" else ""
            if where not in unread:
                faults.append(f"{where}: {found['msg'].removeprefix('Value error, ')}{mend}")
        return None, faults
    return event, [*faults, *_misplaced(event), *_ownerless(event, store, coming)]


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
    if len(event.categories) > seats.MAX_CATEGORIES:
        yield f"categories: {len(event.categories)} are too many; an event has at most {seats.MAX_CATEGORIES}"
    for reminder in event.reminders:
        if not re.fullmatch(r"[1-9]\d{0,5}[dhm]", reminder) or before(reminder) > EARLIEST:
            yield f"reminders: {reminder!r} is too early; remind at most {EARLIEST.days} days before the start"


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


def _put(store: Store, event: EventDefinition, now: datetime) -> bool:
    """Store the definition where it is another; whoever is about to join a line by the former one decides anew."""
    gates = seats.gates_reading(store, event.id)
    known = store.get(EVENTS, event.id)
    before = definition(known) if known else None
    after = event.model_copy(update={"kept": _kept(store, before, event, now)})
    data = stored(after)
    if known is None:
        store.commit([Create(EVENTS, event.id, data)])
        return True
    if known.data == data:
        return False
    writes: list[Write] = [Replace(EVENTS, event.id, data, known.version), *map(seats.move_gate, gates)]
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
    """All events as one TOML file that ``import`` takes."""
    events = [_exported(definition(document)) for document in every(store, EVENTS, order="starts_at")]
    return tomli_w.dumps({"events": events}, multiline_strings=True)


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
    options = parser.parse_args(arguments)
    here = platform()
    store = here.store
    if options.command == "export":
        options.folder.mkdir(parents=True, exist_ok=True)
        (options.folder / "events.toml").write_text(export(store), "utf-8")
        print(f"{options.folder / 'events.toml'} written")
        return 0
    if options.if_empty and store.query(EVENTS, limit=1):
        return 0
    try:
        print(prepared(options.files, here)())
    except BadContent as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def prepared(
    paths: Iterable[Path], here: Platform, coming: Collection[str] = (), lost: Collection[str] = ()
) -> Callable[[], str]:
    """Read the files; what is returned saves them and tells what it did. Raises ``BadContent`` with every fault."""
    events = read_all(paths, here, {*coming, *lost})
    return lambda: f"{len(events)} events read, {save(here.store, here.clock, events)} added or changed"


if __name__ == "__main__":
    sys.exit(main())

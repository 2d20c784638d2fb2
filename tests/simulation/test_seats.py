"""No oversell, no idle seat while somebody waits, no jumped line: in random orders of all steps, crashes included."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from functions.registration import register, seats, timekeeping
from functions.registration.models import EventDefinition
from shared.ports import Create, Store, Write
from tests.simulation.seats_world import World

WORLDS = 120


def test_seats_come_out_even_whatever_happens_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(WORLDS):
        faults = World(seed).run(monkeypatch)
        assert not faults, f"seed {seed}: {faults}"


@dataclass
class Unguarded:
    """A seat may be taken though somebody else has just taken it."""

    store: Store

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def commit(self, writes: Sequence[Write]) -> None:
        self.store.commit([self._open(write) if write.collection == seats.SEATS else write for write in writes])

    @staticmethod
    def _open(write: Write) -> Write:
        return write if isinstance(write, Create) else replace(write, version=None)


def _oversell(monkeypatch: pytest.MonkeyPatch) -> Callable[[Store], Store]:
    return Unguarded


def _forget_removed_categories(monkeypatch: pytest.MonkeyPatch) -> Callable[[Store], Store]:
    monkeypatch.setattr(EventDefinition, "lines", property(lambda event: [c.id for c in event.categories]))
    return lambda store: store


def _withdraw_nothing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Store], Store]:
    monkeypatch.setattr(seats, "withdraw", lambda store, returned: False)
    return lambda store: store


def _serve_the_last_first(monkeypatch: pytest.MonkeyPatch) -> Callable[[Store], Store]:
    look = timekeeping.Timekeeper._first_in_line
    monkeypatch.setattr(timekeeping.Timekeeper, "_first_in_line", lambda keeper, event: look(keeper, event)[::-1])
    return lambda store: store


def _take_any_form_for_the_latest(monkeypatch: pytest.MonkeyPatch) -> Callable[[Store], Store]:
    monkeypatch.setattr(register, "_is_latest", lambda registration, asked_at: True)
    return lambda store: store


def _claim_no_address(monkeypatch: pytest.MonkeyPatch) -> Callable[[Store], Store]:
    monkeypatch.setattr(register, "person_id", lambda event, address: secrets.token_hex(8))
    return lambda store: store


@pytest.mark.parametrize(
    "plant",
    [
        _oversell,
        _forget_removed_categories,
        _withdraw_nothing,
        _serve_the_last_first,
        _take_any_form_for_the_latest,
        _claim_no_address,
    ],
)
def test_the_simulation_sees_a_planted_fault(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], Callable[[Store], Store]]
) -> None:
    """The negative control."""
    spoil = plant(monkeypatch)
    assert any(World(seed, spoil).run(monkeypatch) for seed in range(WORLDS))

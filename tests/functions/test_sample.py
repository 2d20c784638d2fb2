"""The rich sample: made by the real services, so everything that is counted and promised about it is true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from infra.sample.__main__ import settle
from shared.contracts.bus_events import OUTBOX
from shared.intake import DEAD_LETTERS
from tests.house import House, opened


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("house")) as house:
        assert settle(house.platform, share=0.2)
        yield house


def _states(house: House, collection: str, field: str = "state") -> Counter[str]:
    return Counter(document.data[field] for document in house.platform.store.query(collection, limit=1000))


def test_there_is_something_in_every_state(house: House) -> None:
    assert set(_states(house, "registrations")) >= {"confirmed", "cancelled", "expired"}
    assert set(_states(house, "inquiries")) >= {"assigned", "answered", "closed"}
    assert set(_states(house, "inquiry_messages", "kind")) == {"request", "answer", "reply", "note"}
    assert _states(house, "assignments", "late")[True]
    assert _states(house, "quarantine") == {"open": 2}


def test_everybody_was_told(house: House) -> None:
    assert not house.platform.store.query(OUTBOX, limit=1)
    assert not house.platform.store.query(DEAD_LETTERS, limit=1)
    assert set(_states(house, "deliveries")) == {"sent"}


def test_the_counts_are_exact(house: House) -> None:
    """By the tally as the desk tells it, and one by one."""
    from functions.registration.main import _service

    events = {document.id for document in house.platform.store.query("events", limit=1000)}
    told = _service().counts(sorted(events))
    for event in events:
        found = house.platform.store.query("registrations", ("event", "==", event), limit=1000)
        states = Counter(document.data["state"] for document in found)
        assert {state: told[event][state] for state in states} == dict(states)


def test_it_is_made_once(house: House) -> None:
    before = _states(house, "registrations")
    assert not settle(house.platform)
    assert _states(house, "registrations") == before

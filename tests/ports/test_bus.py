"""What ``shared.ports.Bus`` promises to whoever publishes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from shared import topology
from shared.ports import Bus, Message
from tests.ports.engines import TOPIC, TYPE, Engine

pytestmark = pytest.mark.filterwarnings("ignore:The return_immediately flag")  # the one way to see that none is left
ATTRIBUTES = {"type": TYPE, "trace": "tést"}
SUBSCRIPTIONS = sorted(s.name for s in topology.load().subscriptions_of(TOPIC, TYPE))


def messages(count: int) -> list[Message]:
    return [
        Message(f"id{n:04}", TOPIC, f'{{"text": "مرحبا {n}"}}'.encode(), {"event_id": f"id{n:04}", **ATTRIBUTES})
        for n in range(count)
    ]


def seen(found: Sequence[tuple[str, Message]]) -> set[tuple[str, str, bytes, str]]:
    return {(name, m.attributes["event_id"], m.data, m.attributes["trace"]) for name, m in found}


def test_a_message_reaches_every_subscription_of_its_topic(bus: Bus, engine: Engine, place: str) -> None:
    sent = messages(3)
    bus.publish(sent)
    wanted = {(name, m.id, m.data, "tést") for m in sent for name in SUBSCRIPTIONS}
    assert seen(engine.received(place, 3)) == wanted
    assert len(SUBSCRIPTIONS) > 1


def test_publishing_again_loses_nothing_and_keeps_the_event_id(bus: Bus, engine: Engine, place: str) -> None:
    bus.publish(messages(1))
    bus.publish(messages(1))
    assert {event_id for _, event_id, _, _ in seen(engine.received(place, 1))} == {"id0000"}


def test_a_fan_out_arrives_whole(bus: Bus, engine: Engine, place: str) -> None:
    bus.publish(messages(1500))
    assert len(seen(engine.received(place, 1500))) == 1500 * len(SUBSCRIPTIONS)


def test_publishing_nothing_is_no_error(bus: Bus, engine: Engine, place: str) -> None:
    bus.publish([])
    assert engine.received(place, 0) == []

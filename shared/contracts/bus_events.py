"""The envelope of every bus event, and how one becomes an outbox row.

A bus event is complete ("fat"): a consumer never asks the producer's store. A payload's ``version`` rises when a field
changes its meaning; new optional fields need no new version. Consumers ignore fields they do not know.
"""

from __future__ import annotations

import builtins
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from shared.observability.tracing import outgoing
from shared.ports import Create, Data, Message, storable, utc_text

OUTBOX = "outbox"
MAX_EVENT_ID = 500  # characters of an event's id, which documents' ids are made of


class Payload(BaseModel):
    """What a bus event says. A subclass names its ``type`` (``inquiry.received``) and the ``topic`` it travels on."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    type: ClassVar[str]
    topic: ClassVar[str]
    version: ClassVar[int] = 1
    kinds: ClassVar[dict[str, builtins.type[Payload]]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if "type" in cls.__dict__:
            Payload.kinds[cls.type] = cls


@dataclass(frozen=True, slots=True)
class BusEvent:
    """A payload on its way. ``id`` is the outbox row's and never changes, however often it is published."""

    id: str
    time: datetime
    trace: str
    payload: Payload


def outbox_row(source: str, payload: Payload, now: datetime, id: str | None = None) -> Create:
    """The write that announces ``payload``: commit it together with the change that it tells of.

    Args:
        source: the slice (``registration``), whose clock tick publishes rows that were left behind.
        id: give one where running the same decision twice must announce once (``reminder:...``).
    """
    return Create(
        OUTBOX,
        id or secrets.token_hex(12),
        {
            "source": source,
            "topic": payload.topic,
            "type": payload.type,
            "version": payload.version,
            "time": utc_text(now),
            "trace": outgoing(),
            "data": payload.model_dump(mode="json"),
        },
    )


def message(id: str, row: Data) -> Message:
    """An outbox row as it travels: the payload as JSON, the rest as attributes."""
    attributes = {"event_id": id, **{name: str(row[name]) for name in ("type", "version", "time", "trace", "source")}}
    return Message(id, row["topic"], json.dumps(row["data"], ensure_ascii=False).encode(), attributes)


def parse(data: bytes, attributes: dict[str, str]) -> BusEvent | None:
    """The bus event in a message, or None for a type or version that this code does not know.

    Raises ``ValueError`` (``pydantic.ValidationError`` is one) for a message that no retry can mend.
    """
    try:
        id, type_, time = attributes["event_id"], attributes["type"], datetime.fromisoformat(attributes["time"])
        version = int(attributes.get("version", "1"))
    except KeyError as error:
        raise ValueError(f"the message lacks the attribute {error}") from None  # untranslated: a log
    if len(id) > MAX_EVENT_ID or not storable(id):
        raise ValueError(f"no event of ours has the id {id[:MAX_EVENT_ID]!r}")  # untranslated: a log
    model = Payload.kinds.get(type_)
    if model is None or version > model.version:
        return None
    return BusEvent(id, time, attributes.get("trace", ""), model.model_validate_json(data))

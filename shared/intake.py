"""Pub/Sub pushes, taken in: verify, parse, claim, handle, commit.

The functions framework's own CloudEvent conversion drops the subscription and the delivery attempt and ignores what a
handler returns, so ``events`` targets are plain HTTP functions that parse the push body themselves
(https://cloud.google.com/pubsub/docs/push#receive_push).
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Request, Response
from werkzeug.exceptions import HTTPException

from shared import outbox
from shared.contracts.bus_events import BusEvent, Payload, parse
from shared.contracts.clock import Tick
from shared.keys.ids import key_of
from shared.observability import tracing
from shared.observability.logs import enter_trace
from shared.ports import Conflict, Create, Message, Replace, Unavailable, Write, decide, storable, utc_text
from shared.text import N_
from shared.web.http import json_bodies
from shared.web.http.incoming import MAX_REQUEST, Incoming
from shared.wiring import Platform

PROCESSED = "processed"
DEAD_LETTERS = "dead_letters"
KEEP_CLAIMS = timedelta(days=30)  # longer than a message can live: 7 days retention, replays included
KEEP_LETTERS = timedelta(days=30)  # docs/operations.md promises it to erased people
DEAD_LETTER_TOPIC = "dead-letters"
log = logging.getLogger(__name__)

Handler = Callable[[BusEvent], Sequence[Write]]
"""Decides what an event changes. Runs again when the commit conflicts, so it must not act on anything itself."""


class Permanent(Exception):
    """This event can never be handled; it is kept for the desk and acknowledged."""


@dataclass(frozen=True)
class Push:
    """A push request's body. ``attempt`` counts from 1; 0 where the subscription has no dead-letter policy."""

    data: bytes
    attributes: dict[str, str]
    subscription: str
    attempt: int


@dataclass(frozen=True)
class Intake:
    """The consumer's side of one slice.

    Args:
        consumer: the slice's name; an event is handled once for each consumer.
        handlers: by payload class. An event without a handler is acknowledged.
        after: runs after the commit with what it wrote, and again on a duplicate, which wrote nothing; for work that
            keeps its own books (sending mail).
        on_tick: what the slice does once a minute; it keeps its own checkpoints.
    """

    platform: Platform
    consumer: str
    handlers: Mapping[type[Payload], Handler]
    after: Callable[[BusEvent, Sequence[Write]], None] | None = None
    on_tick: Callable[[], object] | None = None

    def __call__(self, request: Request) -> Response:
        """204: done, or kept for the desk. 4xx: not a push of ours. 503: Pub/Sub must try again. 200: ``/healthz``."""
        incoming = Incoming(request)
        response = self._respond(incoming)
        incoming.settle()
        return response

    def _respond(self, request: Incoming) -> Response:
        if request.path == "/healthz":
            return Response("ok\n", 200, content_type="text/plain")
        try:
            if self.platform.push_guard:
                self.platform.push_guard(request.headers.get("Authorization", ""))
            request.admit(MAX_REQUEST)
            push = read_push(request.get_data())
        except PermissionError as error:
            log.warning("push refused: %s", error)
            return Response("", 403)
        except Unavailable as error:
            log.warning("push postponed: %s", error)
            return Response("", 503, {"Retry-After": "10"})
        except HTTPException as error:  # too large, or broken off
            return Response(f"{error.name}\n", error.code, content_type="text/plain")
        except ValueError as error:
            return Response(str(error), 400, content_type="text/plain")
        enter_trace(push.attributes.get("trace"))
        labels = _labels(push)
        attributes: dict[str, str | int] = {
            "messaging.system": "gcp_pubsub",
            "messaging.operation.type": "process",
            "messaging.destination.subscription.name": push.subscription.rpartition("/")[2],
            "messaging.gcp_pubsub.message.delivery_attempt": push.attempt,
            "onestop.event.id": labels["event_id"],
            "onestop.event.type": labels["type"],
        }
        with tracing.span(f"process {labels['type'] or 'message'}", "consumer", attributes):
            return tracing.answered(self._answer(push))

    def _answer(self, push: Push) -> Response:
        try:
            self._take(push)
        except (Unavailable, Conflict) as error:
            log.warning("event postponed: %s", error)
            return Response("", 503, {"Retry-After": "10"})
        except Exception:
            log.exception("event failed, attempt %d", push.attempt, extra={"fields": _labels(push)})
            return Response("", 500)
        return Response("", 204)

    def _take(self, push: Push) -> None:
        if "CloudPubSubDeadLetterSourceSubscription" in push.attributes:
            self._keep(push, N_("The subscription gave up on it."))
            return
        try:
            event = parse(push.data, push.attributes)
        except ValueError as error:
            self._keep(push, N_("It cannot be read."), str(error))
            return
        if event is None:
            return
        if isinstance(event.payload, Tick):
            self._tick()
            return
        handler = self.handlers.get(type(event.payload))
        if handler is None:
            return
        try:
            written = self._handle(handler, event)
        except Permanent as error:
            self._keep(push, N_("Its function refuses it for good."), str(error))
            return
        if self.after:
            self.after(event, written)
        log.info("event handled", extra={"fields": _labels(push)})

    def _handle(self, handler: Handler, event: BusEvent) -> Sequence[Write]:
        """What was committed with the claim; nothing where the claim was there."""
        store, claim_id = self.platform.store, f"{self.consumer}:{event.id}"
        expires = utc_text(self.platform.clock.now() + KEEP_CLAIMS)
        claim = Create(PROCESSED, claim_id, {"type": event.payload.type, "expire_at": expires})

        def attempt() -> Sequence[Write]:
            if store.get(PROCESSED, claim_id) is not None:
                return ()
            writes = handler(event)
            store.commit([claim, *writes])
            return writes

        return decide(attempt)

    def _tick(self) -> None:
        outbox.relay(self.platform.store, self.platform.bus, self.consumer, self.platform.clock.now())
        if self.on_tick:
            self.on_tick()

    def _keep(self, push: Push, reason: str, detail: str = "") -> None:
        """Store a message that will not be handled, once; the desk shows it and can replay it.

        Args:
            reason: English, for gettext.
            detail: more for those who look into it, in no language.
        """
        attributes = push.attributes
        source = attributes.get("CloudPubSubDeadLetterSourceSubscription", push.subscription)
        letter = {
            "state": "open",
            "time": utc_text(self.platform.clock.now()),
            "reason": reason,
            "detail": detail,
            "subscription": source.rpartition("/")[2],
            "attributes": attributes,
            "data": base64.b64encode(push.data).decode(),
            "expire_at": utc_text(self.platform.clock.now() + KEEP_LETTERS),
        }
        id = f"{attributes.get('event_id', 'unknown')}:{letter['subscription']}"
        id = id if storable(id) else key_of(id)
        kept = self.platform.store.get(DEAD_LETTERS, id)
        if kept and kept.data["state"] == "open":
            return
        write = Replace(DEAD_LETTERS, id, letter, kept.version) if kept else Create(DEAD_LETTERS, id, letter)
        try:
            self.platform.store.commit([write])  # one that was replayed and failed again is open again
        except Conflict:
            return  # kept by another push just now
        log.error("event kept as dead letter: %s %s", reason, detail, extra={"fields": _labels(push)})


def read_push(text: bytes) -> Push:
    """Raises ``ValueError`` where the body is not a push message."""
    try:
        body: dict[str, Any] = json_bodies.loads(text)
        message = body["message"]
        data = base64.b64decode(message.get("data", ""), validate=True)
        attributes = {str(k): str(v) for k, v in (message.get("attributes") or {}).items()}
        return Push(data, attributes, str(body.get("subscription", "")), int(body.get("deliveryAttempt") or 0))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not a Pub/Sub push message: {error!r}") from None


def replay(platform: Platform, id: str, topic_of: Callable[[str], str]) -> None:
    """Publish a dead letter again under its own event id: those who handled it already will not do so twice."""
    letter = platform.store.get(DEAD_LETTERS, id)
    if letter is None or letter.data["state"] != "open":
        return
    attributes = {k: v for k, v in letter.data["attributes"].items() if not k.startswith("CloudPubSub")}
    data = base64.b64decode(letter.data["data"])
    topic = topic_of(letter.data["subscription"])
    platform.bus.publish([Message(attributes.get("event_id", id), topic, data, attributes)])
    platform.store.commit([Replace(DEAD_LETTERS, id, {**letter.data, "state": "replayed"}, letter.version)])


def _labels(push: Push) -> dict[str, str]:
    return {"event_id": push.attributes.get("event_id", ""), "type": push.attributes.get("type", "")}

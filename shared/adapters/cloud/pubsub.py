"""Events to Pub/Sub. Their way on, the push subscriptions, is Terraform's; ``shared.intake`` receives them."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from functools import partial

from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError
from google.pubsub_v1 import PublisherClient, types
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from shared.adapters.cloud.calls import ONCE, ask, each_process, open_channel
from shared.ports import Message, Unavailable

MAX_MESSAGES = 500  # in one request; the service takes 1,000 messages or 10 MB
MAX_BYTES = 5_000_000
SECONDS = 2.0  # for one batch: a visitor waits for it after the commit, and the outbox can wait for the next tick

PbMessage, PbRequest = types.PubsubMessage.pb(), types.PublishRequest.pb()


class PubsubBus:
    """``shared.ports.Bus`` on Pub/Sub; on its emulator where ``PUBSUB_EMULATOR_HOST`` is set.

    One call at a time: what the threads of this process publish meanwhile goes out together in the next one. So nobody
    waits for company, a rush costs few calls, no thread of the client library's own is at work, and there is never
    more in memory than the callers hold.
    """

    def __init__(self, project: str) -> None:
        self._project = project
        self._client = each_process(_open)
        self._calling = threading.Lock()
        self._lock = threading.Lock()
        self._gathering: list[Message] = []
        self._gathered: Future[None] | None = None

    def publish(self, messages: Sequence[Message]) -> None:
        """Any refusal is ``Unavailable`` too: the outbox keeps the rows, and their age tells the operator."""
        with self._lock:
            self._gathering += messages
            first = self._gathered is None
            gathered = self._gathered = self._gathered or Future()
        if first:
            with self._calling:
                with self._lock:
                    together, self._gathering, self._gathered = self._gathering, [], None
                try:
                    self._send(together)
                    gathered.set_result(None)
                except BaseException as error:
                    gathered.set_exception(error)
        gathered.result()

    def _send(self, messages: Sequence[Message]) -> None:
        for topic, batch in _batches(messages):
            path = f"projects/{self._project}/topics/{topic}"
            sent = [PbMessage(data=m.data, attributes=m.attributes) for m in batch]
            try:
                ask(partial(self._call, PbRequest(topic=path, messages=sent)), SECONDS)
            except (GoogleAPICallError, GoogleAuthError) as error:
                raise Unavailable(f"Pub/Sub refused {len(batch)} messages for {topic}: {error}") from error

    def _call(self, request: types.PublishRequest, timeout: float) -> None:
        self._client().publish(request, retry=ONCE, timeout=timeout)


def _batches(messages: Sequence[Message]) -> Iterator[tuple[str, list[Message]]]:
    """The messages by topic, as many in one request as may be."""
    waiting: dict[str, list[Message]] = defaultdict(list)
    size: dict[str, int] = defaultdict(int)
    for m in messages:
        if waiting[m.topic] and (len(waiting[m.topic]) >= MAX_MESSAGES or size[m.topic] + len(m.data) > MAX_BYTES):
            yield m.topic, waiting.pop(m.topic)
            size[m.topic] = 0
        waiting[m.topic].append(m)
        size[m.topic] += len(m.data)
    yield from waiting.items()


def _open() -> PublisherClient:
    channel = open_channel(PublisherGrpcTransport, "PUBSUB_EMULATOR_HOST")
    return PublisherClient(transport=PublisherGrpcTransport(channel=channel))

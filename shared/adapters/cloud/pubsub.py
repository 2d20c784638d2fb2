"""Events to Pub/Sub. Their way on, the push subscriptions, is Terraform's; ``shared.intake`` receives them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial

from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError
from google.pubsub_v1 import PublisherClient, PubsubMessage
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from shared.adapters.cloud.calls import ONCE, ask, each_process, open_channel
from shared.ports import Message, Unavailable

MOST_MESSAGES = 500  # in one request; the service takes 1,000 messages or 10 MB
MOST_BYTES = 5_000_000
SECONDS = 2.0  # for one batch: a visitor waits for it after the commit, and the outbox can wait for the next tick


class PubsubBus:
    """``shared.ports.Bus`` on Pub/Sub; on its emulator where ``PUBSUB_EMULATOR_HOST`` is set.

    Messages come here in batches already, so they go out by plain ``Publish`` calls, one after the other: no wait for
    company, no thread of the client library's own, and never more in memory than the caller holds.
    """

    def __init__(self, project: str) -> None:
        self._project = project
        self._client = each_process(_open)

    def publish(self, messages: Sequence[Message]) -> None:
        """Any refusal is ``Unavailable`` too: the outbox keeps the rows, and their age tells the operator."""
        for topic, batch in _batches(messages):
            path = f"projects/{self._project}/topics/{topic}"
            try:
                ask(partial(self._publish, path, batch), SECONDS)
            except (GoogleAPICallError, GoogleAuthError) as error:
                raise Unavailable(f"Pub/Sub refused {len(batch)} messages for {topic}: {error}") from error

    def _publish(self, path: str, batch: list[PubsubMessage], timeout: float) -> None:
        self._client().publish(topic=path, messages=batch, retry=ONCE, timeout=timeout)


def _batches(messages: Sequence[Message]) -> Iterator[tuple[str, list[PubsubMessage]]]:
    """The messages by topic, as many in one request as may be."""
    waiting: dict[str, list[PubsubMessage]] = defaultdict(list)
    size: dict[str, int] = defaultdict(int)
    for m in messages:
        if waiting[m.topic] and (len(waiting[m.topic]) >= MOST_MESSAGES or size[m.topic] + len(m.data) > MOST_BYTES):
            yield m.topic, waiting.pop(m.topic)
            size[m.topic] = 0
        waiting[m.topic].append(PubsubMessage(data=m.data, attributes=m.attributes))
        size[m.topic] += len(m.data)
    yield from waiting.items()


def _open() -> PublisherClient:
    channel = open_channel(PublisherGrpcTransport, "PUBSUB_EMULATOR_HOST")
    return PublisherClient(transport=PublisherGrpcTransport(channel=channel))

"""The official emulators of Firestore and Pub/Sub, on free ports of this machine.

Java is started directly, not through gcloud, so that ending our child ends the emulator. Where there is no SDK, the
official image runs under Docker.
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from infra.local.child import die_with
from shared.topology import Topology

HOST = "127.0.0.1"
IMAGE = "gcr.io/google.com/cloudsdktool/google-cloud-cli:emulators"
DEAD_LETTER_TOPIC = "dead-letters"
START_SECONDS = 60.0
MAX_FILTER = 256  # bytes; whoever takes more types gets all of the topic, and acknowledges what is not for it
JAR_FIRESTORE = "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"
JAR_PUBSUB = "platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar"
SDK_FOLDERS = (
    "/usr/lib/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "~/google-cloud-sdk",
)
HOW = (
    "the emulators of Firestore and Pub/Sub were not found: install Java and the Google Cloud SDK with"
    " 'gcloud components install cloud-firestore-emulator pubsub-emulator beta', or start Docker"
)


class NotFound(Exception):
    """No emulators on this machine; the text is one line and says how to get them."""


class NotStarted(Exception):
    """An emulator gave up; the text is one line with its last words."""


@dataclass(frozen=True)
class Emulators:
    """Two that run. ``firestore`` and ``pubsub`` are ``host:port``."""

    firestore: str
    pubsub: str

    def environment(self, project: str) -> dict[str, str]:
        """What makes Google's clients talk to them."""
        return {
            "FIRESTORE_EMULATOR_HOST": self.firestore,
            "PUBSUB_EMULATOR_HOST": self.pubsub,
            "GOOGLE_CLOUD_PROJECT": project,
        }


def commands(firestore_port: int, pubsub_port: int) -> list[list[str]]:
    """How the two are started here. Raises ``NotFound``."""
    sdk = _sdk()
    if sdk and shutil.which("java"):
        pubsub = sorted(sdk.glob(JAR_PUBSUB))[-1]
        main = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
        jar = str(sdk / JAR_FIRESTORE)
        return [
            ["java", "-Xmx1g", "-cp", jar, main, "--host", HOST, "--port", str(firestore_port)],
            ["java", "-Xmx512m", "-jar", str(pubsub), f"--host={HOST}", f"--port={pubsub_port}"],
        ]
    if _docker():
        start = ["docker", "run", "--rm", "--network=host", IMAGE, "gcloud", "emulators"]
        ports = {"firestore": firestore_port, "pubsub": pubsub_port}
        return [[*start, name, "start", f"--host-port={HOST}:{port}"] for name, port in ports.items()]
    raise NotFound(HOW)


@contextmanager
def running(log: Path) -> Iterator[Emulators]:
    """Both emulators, empty and ready, until the block ends or this process does.

    Raises ``NotFound`` or ``NotStarted``. ``log`` is a file that takes their output.
    """
    ports = [free_port(), free_port()]
    children: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands(*ports):
            children.append(_start(command, log))
        for child, port in zip(children, ports, strict=True):
            _wait(child, port, log)
        yield Emulators(f"{HOST}:{ports[0]}", f"{HOST}:{ports[1]}")
    finally:
        for child in children:
            child.terminate()
        for child in children:
            with suppress(subprocess.TimeoutExpired):
                child.wait(5)
            child.kill()
            child.wait()


@contextmanager
def given_or_running(log: Path) -> Iterator[Emulators]:
    """Those that the environment names already, else ``running``."""
    firestore, pubsub = os.environ.get("FIRESTORE_EMULATOR_HOST"), os.environ.get("PUBSUB_EMULATOR_HOST")
    if firestore and pubsub:
        yield Emulators(firestore, pubsub)
    else:
        with running(log) as pair:
            yield pair


def create_topics(pubsub: str, system: Topology, project: str, endpoints: Mapping[str, str]) -> None:
    """Topics and push subscriptions as Terraform makes them in the cloud; those that exist get the new endpoints.

    Args:
        pubsub: ``host:port`` of the emulator.
        endpoints: by function, where its subscriptions push to; for a function that is absent they wait for a pull.
    """
    import grpc
    from google.api_core.exceptions import AlreadyExists
    from google.protobuf.duration_pb2 import Duration
    from google.pubsub_v1 import PublisherClient, SubscriberClient
    from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
    from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

    def topic_path(topic: str) -> str:
        return f"projects/{project}/topics/{topic}"

    delivery = system.delivery
    low, high = (Duration(seconds=seconds) for seconds in delivery.backoff)
    with grpc.insecure_channel(pubsub) as channel:
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        for topic in system.topics:
            with suppress(AlreadyExists):
                publisher.create_topic(name=topic_path(topic), timeout=START_SECONDS)
        for subscription in system.subscriptions:
            request: dict[str, object] = {
                "name": f"projects/{project}/subscriptions/{subscription.name}",
                "topic": topic_path(subscription.topic),
                "ack_deadline_seconds": delivery.ack_deadline,
                "retry_policy": {"minimum_backoff": low, "maximum_backoff": high},
                "push_config": {"push_endpoint": endpoints.get(subscription.function, "")},
            }
            if len(chosen := attribute_filter(subscription.types)) <= MAX_FILTER:
                request["filter"] = chosen  # which the emulator keeps and does not heed
            if subscription.topic != DEAD_LETTER_TOPIC:
                policy = {
                    "dead_letter_topic": topic_path(DEAD_LETTER_TOPIC),
                    "max_delivery_attempts": delivery.attempts,
                }
                request["dead_letter_policy"] = policy
            try:
                subscriber.create_subscription(request=request, timeout=START_SECONDS)
            except AlreadyExists:
                moved = {"subscription": request["name"], "push_config": request["push_config"]}
                subscriber.modify_push_config(request=moved, timeout=START_SECONDS)


def attribute_filter(types: Iterable[str]) -> str:
    """In Pub/Sub's language (https://cloud.google.com/pubsub/docs/subscription-message-filter); empty: everything."""
    return " OR ".join(f'attributes.type="{type}"' for type in sorted(types))


def free_port() -> int:
    """Free now; nobody keeps it."""
    with socket.create_server((HOST, 0)) as found:
        return int(found.getsockname()[1])


def _sdk() -> Path | None:
    """The SDK's folder, if it has both emulators. ``gcloud info`` knows it for sure, and takes seconds."""
    for folder in map(Path, map(os.path.expanduser, SDK_FOLDERS)):
        if (folder / JAR_FIRESTORE).exists() and any(folder.glob(JAR_PUBSUB)):
            return folder
    if shutil.which("gcloud"):
        command = ["gcloud", "info", "--format=value(installation.sdk_root)"]
        told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout.strip()
        if told and (Path(told) / JAR_FIRESTORE).exists() and any(Path(told).glob(JAR_PUBSUB)):
            return Path(told)
    return None


def _docker() -> bool:
    """Whether a daemon answers: the command alone is on many machines."""
    if not shutil.which("docker"):
        return False
    with suppress(subprocess.TimeoutExpired):
        return (
            subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=START_SECONDS).returncode == 0
        )
    return False


def _start(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """The child ends with this process, however that ends."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches us alone: the functions stop first
            preexec_fn=partial(die_with, os.getpid()),
        )


def _wait(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Until the emulator answers HTTP. Raises ``NotStarted``."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            break
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(HOST, port, timeout=2)
            connection.request("GET", "/")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.05)
    words = log.read_text(errors="replace").strip().splitlines() or ["no word in its log"]
    raise NotStarted(f"an emulator does not start: {words[-1]} (its log: {log})")

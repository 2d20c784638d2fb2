"""Firestore, Pub/Sub or a consumer out of reach for a while: an honest 503 soon, no 201 lost, everything delivered
afterwards. The ways to the emulators are cut, for the emulators themselves would forget everything."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.local.emulators import Emulators, create_topics
from shared import topology
from tests.system.harness import Onestop, wait_for
from tests.system.people import Answer, register

pytestmark = [pytest.mark.system, pytest.mark.emulators]
PEOPLE = 3  # who come during an outage
LIBRARY_DEFAULT = 60.0  # seconds that Google's clients wait for a host that does not answer


class Road:
    """A TCP way to ``host:port`` that can be closed; what was on it then is cut off."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._sockets: list[socket.socket] = []
        with socket.create_server(("127.0.0.1", 0)) as found:
            self._address = found.getsockname()
        self.address = f"127.0.0.1:{self._address[1]}"
        self._listener: socket.socket | None = None

    def open(self) -> None:
        self._listener = socket.create_server(self._address)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._listener, self._sockets = None, []

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, far = listener.accept()[0], socket.create_connection(self._target)
                self._sockets += [near, far]
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=_forward, args=ends, daemon=True).start()


def _forward(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def roads(emulators: Emulators) -> Iterator[dict[str, Road]]:
    roads = {"firestore": Road(emulators.firestore), "pubsub": Road(emulators.pubsub)}
    for road in roads.values():
        road.open()
    yield roads
    for road in roads.values():
        road.close()


@pytest.fixture(scope="module")
def onestop(roads: dict[str, Road], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onestop]:
    with Onestop(
        tmp_path_factory.mktemp("outages"),
        ENGINE="emulators",
        FIRESTORE_EMULATOR_HOST=roads["firestore"].address,
        PUBSUB_EMULATOR_HOST=roads["pubsub"].address,
    ) as running:
        yield running


class Crowd(threading.Thread):
    """Two people a second, until told to stop."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._enough = threading.Event()
        self.answers: list[Answer] = []

    def run(self) -> None:
        while not self._enough.wait(0.5):
            self.answers.append(register(self._url, "open-briefing", f"p{len(self.answers)}@outage.example"))

    def stop(self) -> list[Answer]:
        self._enough.set()
        self.join()
        return self.answers


def delivered(onestop: Onestop, answers: list[Answer]) -> None:
    """Everybody with a 201 has a mail, once time has passed; and nobody has two."""
    promised = {answer.email for answer in answers if answer.status == 201}

    def all_mailed() -> bool:
        onestop.set_clock(onestop.clock_ahead() + timedelta(minutes=2))
        time.sleep(1)
        return {mail["Delivered-To"] for mail in onestop.mails()} >= promised

    wait_for(all_mailed, "everybody's mail", 180)
    ids = {(mail["Delivered-To"], mail["Message-ID"]) for mail in onestop.mails()}
    assert max(Counter(person for person, _ in ids).values()) == 1


def test_without_firestore_visitors_hear_so_and_without_pubsub_they_notice_nothing(
    onestop: Onestop, roads: dict[str, Road]
) -> None:
    crowd = Crowd(onestop.url)
    crowd.start()
    wait_for(lambda: len(crowd.answers) >= 5, "the first people")

    roads["firestore"].close()
    closed = len(crowd.answers) + 1  # one may be on the way
    wait_for(lambda: len(crowd.answers) >= closed + PEOPLE, "people without Firestore")
    hit = crowd.answers[closed : closed + PEOPLE]
    roads["firestore"].open()
    wait_for(lambda: crowd.answers[-1].status == 201, "somebody after the outage")

    back = len(crowd.answers)
    roads["pubsub"].close()
    wait_for(lambda: len(crowd.answers) > back + PEOPLE, "people without Pub/Sub")
    roads["pubsub"].open()
    answers = crowd.stop()

    assert {(answer.status, answer.retry_after) for answer in hit} == {(503, "30")}
    assert max(answer.answered_at - answer.asked_at for answer in hit) < LIBRARY_DEFAULT / 2
    assert {answer.status for answer in answers} == {201, 503}
    assert {answer.status for answer in answers[back:]} == {201}
    delivered(onestop, answers)


class Refusing(BaseHTTPRequestHandler):
    """A push endpoint in trouble."""

    refused = 0

    def do_POST(self) -> None:
        type(self).refused += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_error(500)

    def log_message(self, *_: object) -> None:
        pass


def test_mails_wait_for_an_endpoint_that_answers_500(onestop: Onestop, emulators: Emulators) -> None:
    project = onestop.environment["GOOGLE_CLOUD_PROJECT"]
    system = topology.load()
    ours = {t.function: f"http://127.0.0.1:{onestop.ports[t.id]}/" for t in system.targets if t.name == "events"}
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as broken:
        threading.Thread(target=broken.serve_forever, daemon=True).start()
        endpoints = {**ours, "notification": f"http://127.0.0.1:{broken.server_port}/"}
        create_topics(emulators.pubsub, system, project, endpoints)
        answers = [register(onestop.url, "open-briefing", f"p{n}@endpoint.example") for n in range(8)]
        wait_for(lambda: Refusing.refused >= len(answers), "every push to be refused")
        assert not [mail for mail in onestop.mails() if mail["Delivered-To"].endswith("@endpoint.example")]
        create_topics(emulators.pubsub, system, project, ours)
        broken.shutdown()
    assert {answer.status for answer in answers} == {201}
    delivered(onestop, answers)


def test_both_may_be_gone_at_once(onestop: Onestop, roads: dict[str, Road]) -> None:
    before = [register(onestop.url, "open-briefing", f"before{n}@outage.example") for n in range(5)]
    for road in roads.values():
        road.close()
    refused = register(onestop.url, "open-briefing", "during@outage.example")
    assert (refused.status, refused.retry_after) == (503, "30")
    for road in roads.values():
        road.open()

    def again() -> Answer | None:
        answer = register(onestop.url, "open-briefing", "during@outage.example")
        return answer if answer.status != 503 else None

    answers = [*before, wait_for(again, "an answer after the outage")]
    assert {answer.status for answer in answers} == {201}
    delivered(onestop, answers)

"""SMTP servers on free ports that take mail, or answer what a test tells them to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Relay:
    """Takes mail, or answers what it is told to: to the sender, the recipient, or after the content."""

    def __init__(
        self, recipient: str = "250 OK", content: str = "250 OK", sender: str = "250 OK", smtputf8: bool = False
    ) -> None:
        self.answers = {"recipient": recipient, "content": content, "sender": sender}
        self.smtputf8 = smtputf8
        self.mails: list[Envelope] = []

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from, envelope.mail_options = address, options
        return self.answers["sender"]

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, _: object) -> str:
        if self.answers["recipient"].startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answers["recipient"]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answers["content"].startswith("250"):
            self.mails.append(envelope)
        return self.answers["content"]


class _FreePort(Controller):
    """A controller that lets the system choose the port."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def running(relay: Relay) -> Iterator[str]:
    """The relay's URL for as long as it runs."""
    options: dict[str, Any] = {"enable_SMTPUTF8": relay.smtputf8}
    controller = _FreePort(relay, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{controller.port}"
    finally:
        controller.stop()


@contextmanager
def dripping(beginning: bytes) -> Iterator[tuple[str, threading.Event]]:
    """The URL of a server that says ``beginning`` and then one letter every 50 ms without an end, so that no single
    wait is long; and an event that is set when its client has hung up."""
    hung_up, over = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(beginning)
                while not over.wait(0.05):
                    connection.sendall(b"x")
            hung_up.set()

        thread = threading.Thread(target=drip)
        thread.start()
        yield f"smtp://127.0.0.1:{server.getsockname()[1]}", hung_up
        over.set()
        thread.join(10)

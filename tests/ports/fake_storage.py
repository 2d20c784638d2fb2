"""A little of Cloud Storage's JSON API, for which there is no official emulator: Google's own client talks to it.

https://cloud.google.com/storage/docs/json_api/v1/objects
"""

from __future__ import annotations

import base64
import email
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import google_crc32c

OBJECT = re.compile(r"(?:/download)?/storage/v1/b/([^/]+)/o/([^?]+)")


class Handler(BaseHTTPRequestHandler):
    objects: dict[str, tuple[bytes, str]]

    def do_POST(self) -> None:
        """``uploadType=multipart``: the object's metadata, then its content."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        metadata, media = email.message_from_bytes(head + body).get_payload()  # type: ignore[misc]
        name = json.loads(metadata.get_payload())["name"]  # type: ignore[union-attr]
        content = body.split(b"\r\n\r\n", 2)[2].rpartition(b"\r\n--")[0]
        self.objects[name] = (content, media["Content-Type"])  # type: ignore[index]
        self._answer(200, json.dumps({"name": name, "crc32c": crc32c(content)}).encode(), "application/json")

    def do_GET(self) -> None:
        found = self.objects.get(self._name())
        self._answer(*((200, *found) if found else (404, b"{}", "application/json")))

    def do_DELETE(self) -> None:
        self._answer(204 if self.objects.pop(self._name(), None) else 404, b"", "application/json")

    def log_message(self, format: str, *args: object) -> None: ...

    def _name(self) -> str:
        found = OBJECT.match(self.path)
        assert found, self.path
        return unquote(found[2])

    def _answer(self, status: int, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Goog-Hash", f"crc32c={crc32c(body)}")
        self.end_headers()
        self.wfile.write(body)


def crc32c(content: bytes) -> str:
    return base64.b64encode(google_crc32c.Checksum(content).digest()).decode()


@contextmanager
def serving() -> Iterator[str]:
    """Gives the address for ``STORAGE_EMULATOR_HOST``."""
    handler = type("Handler", (Handler,), {"objects": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()

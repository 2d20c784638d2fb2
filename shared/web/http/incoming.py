"""A request as we take it in: whatever is sent, reading it costs a bounded time and memory, and ends."""

from __future__ import annotations

import io
import re
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from urllib.parse import parse_qsl

import flask
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import (
    BadRequest,
    ClientDisconnected,
    RequestEntityTooLarge,
    RequestURITooLarge,
    UnsupportedMediaType,
)
from werkzeug.formparser import FormDataParser

from shared.web.http import json_bodies
from shared.web.problems import FieldError, Gettext, invalid

TICKED = ("on", "true", "1", "yes")  # a box of a form, of other sites too
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
MAX_REQUEST = 32 * 2**20  # bytes; what Cloud Run lets through (https://cloud.google.com/run/quotas)
MAX_FIELDS = 1000  # of a form
MAX_TEXT_READ = 2**20  # bytes of all fields of a form, files aside; beyond that a form is not read
MAX_TEXT = 256 * 1024  # bytes of them that are taken; a form between the two can be shown again
IN_MEMORY = 512 * 1024  # bytes; a larger file waits on the disk
PIECE = 64 * 1024  # bytes
MAX_ADDRESS = 16 * 1024  # bytes of path and query; the load balancer takes no longer ones either
_LABEL = "[A-Za-z0-9_-]{1,63}"
HOST = re.compile(rf"(\[[0-9A-Fa-f:.]+\]|(?!.{{254}}){_LABEL}(\.{_LABEL})*\.?)?(:[0-9]{{0,5}})?")  # RFC 3986, 3.2.2


class _Wire(io.RawIOBase):
    """The server's stream, up to ``limit`` bytes. werkzeug's own stream ends there as if nothing more had come.

    What breaks there, a chunk without its length or a visitor who goes, is no fault of ours.
    """

    def __init__(self, stream: Any) -> None:
        self._stream, self.limit, self._taken = stream, MAX_REQUEST, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read(len(buffer))
        except Exception:
            raise ClientDisconnected from None
        self._taken += len(data)
        if self._taken > self.limit:
            raise RequestEntityTooLarge
        buffer[: len(data)] = data
        return len(data)


class _Forms(FormDataParser):
    """As werkzeug's, with bounds for ``application/x-www-form-urlencoded`` too, which it reads as long as it comes."""

    def _parse_urlencoded(self, stream: IO[bytes], mimetype: str, content_length: int | None, options: Any) -> Any:
        text = bytearray()
        while len(text) <= MAX_TEXT_READ and (piece := stream.read(PIECE)):
            text += piece
        if len(text) > MAX_TEXT_READ or text.count(b"&") >= MAX_FIELDS:
            raise RequestEntityTooLarge
        fields = parse_qsl(text.decode(errors="replace"), keep_blank_values=True, errors="werkzeug.url_quote")
        return stream, self.cls(fields), self.cls()


class _File(SpooledTemporaryFile[bytes]):
    """A file of a form; what goes beyond the room that all of them have is dropped."""

    def __init__(self, request: Incoming) -> None:
        super().__init__(max_size=IN_MEMORY, mode="w+b")
        self._incoming = request

    def write(self, data: Any) -> int:
        self._incoming.room -= len(data)
        return super().write(data) if self._incoming.room >= 0 else len(data)


class Incoming(flask.Request):
    """The framework's request with limits of our own. ``admit`` it before the body is read, ``settle`` it at the end.

    Attributes:
        room: bytes that the files of the form may still take.
    """

    form_data_parser_class = _Forms

    def __init__(self, request: flask.Request) -> None:
        self._wire = _Wire(request.environ["wsgi.input"])
        super().__init__(request.environ | {"wsgi.input": self._wire})
        self.max_form_parts, self.max_form_memory_size = MAX_FIELDS, MAX_TEXT_READ
        self.room = 0
        self._framework, self._comes_back, self._refused_files = request, False, ""

    def check(self) -> None:
        """What every route demands. Raises ``BadRequest`` (RFC 9112, 3.2) or ``RequestURITooLarge``."""
        if not HOST.fullmatch(self.headers.get("Host", "")):
            raise BadRequest
        if len(self.path) + len(self.query_string) > MAX_ADDRESS:
            raise RequestURITooLarge

    def admit(self, max_body: int, comes_back: bool = False) -> None:
        """Set the limits. Raises ``RequestEntityTooLarge``.

        Args:
            max_body: bytes; of a form that comes back, what its files may take.
            comes_back: read a form that is too large all the same (``too_large``), so that what was typed can be
                shown again.
        """
        self._comes_back = comes_back and self.mimetype in FORMS
        self.room = max_body
        self._wire.limit = MAX_REQUEST if self._comes_back else max_body
        if (self.content_length or 0) > self._wire.limit:
            raise RequestEntityTooLarge

    def too_large(self) -> str:
        """The field that makes a form too large, empty where none does. Its files are left out then."""
        if not self._comes_back:
            return ""
        sizes = {name: sum(map(len, values)) for name, values in self.form.lists()}
        longest = max(sizes, key=sizes.__getitem__, default="")
        return self._refused_files or (longest if sum(sizes.values()) > MAX_TEXT else "")

    def json_object(self, _: Gettext) -> dict[str, Any]:
        """The body. Raises ``Problem`` (422) that names the faulty field, or ``UnsupportedMediaType``."""
        if not self.is_json:
            raise UnsupportedMediaType
        try:
            value = json_bodies.loads(self.get_data())
        except json_bodies.BadJson as error:
            raise invalid([FieldError(error.field or "body", _(error.message))], _) from None
        if not isinstance(value, dict):
            raise invalid([FieldError("body", _("Send one JSON object."))], _)
        return value

    def settle(self) -> None:
        """Read what is left of the body, and leave an end for the framework to find.

        It reads the body once more after the handler, whatever that answered; where that raises, for a limit or a
        broken chunk, it answers 500 in our place. And a connection whose body was not read breaks before the visitor
        has the answer.
        """
        if "wsgi.input_terminated" in self.environ:  # else nobody says where it ends (werkzeug's own server)
            self._wire.limit = MAX_REQUEST
            with suppress(ClientDisconnected, RequestEntityTooLarge):
                while self._wire.read(PIECE):
                    pass
        self._framework.stream = io.BytesIO()

    def _get_file_stream(self, *about: Any, **more: Any) -> IO[bytes]:
        return _File(self)

    def _load_form_data(self) -> None:
        super()._load_form_data()
        if sum(len(value) for _, values in self.form.lists() for value in values) > MAX_TEXT_READ:
            raise RequestEntityTooLarge
        if self.room < 0:  # no handler may take half a file
            self._refused_files = next(iter(self.files))
            self.files = ImmutableMultiDict()

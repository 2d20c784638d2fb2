"""The requester's side: a request comes in, and its status page behind the signed link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from functions.inquiries.base import Means, Upload
from functions.inquiries.directory import Directory
from functions.inquiries.models import Inquiry, InquiryRequest, MessageDoc


@dataclass(frozen=True)
class Received:
    reference: str
    status_link: str  # absolute URL, signed: /i/{token}


@dataclass(frozen=True)
class Status:
    """What the requester sees. ``lead`` is an organisation's id; ``messages`` are without notes, oldest first."""

    reference: str
    inquiry: Inquiry
    messages: list[MessageDoc]


class Requests:
    def __init__(self, means: Means, content: Directory) -> None:
        self._means = means
        self._content = content

    def receive(
        self, request: InquiryRequest, uploads: Sequence[Upload] = (), idempotency_key: str | None = None
    ) -> Received:
        """Keep the request and announce it. The same key and request again: the first answer again.

        Raises ``Invalid`` (unknown topic, organisation or activity; a file too large or of a refused kind),
        ``KeyReused``, ``Unavailable``.
        """
        raise NotImplementedError

    def reference(self, token: str) -> str:
        """The reference behind a status link ``/i/{token}``. Raises ``shared.tokens.BadToken``."""
        raise NotImplementedError

    def status(self, reference: str) -> Status:
        """Raises ``NotFound`` (never existed, or erased)."""
        raise NotImplementedError

    def add_message(self, reference: str, text: str, uploads: Sequence[Upload] = ()) -> None:
        """A further message; it reopens a closed inquiry. Raises ``Invalid``, ``NotFound``."""
        raise NotImplementedError

    def close(self, reference: str) -> None:
        """The requester needs no more. Closing a closed inquiry changes nothing."""
        raise NotImplementedError

    def reopen(self, reference: str) -> None:
        """Reopening an open inquiry changes nothing."""
        raise NotImplementedError

    def ask_erasure(self, reference: str) -> None:
        """Tells the lead's focal point, once; staff erase with ``Casework.erase``."""
        raise NotImplementedError

    def attachment(self, reference: str, id: str) -> tuple[str, str, bytes]:
        """Name, media type and content, of a message the requester may see. Raises ``NotFound``."""
        raise NotImplementedError

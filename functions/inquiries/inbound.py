"""Mail that comes back: threaded by its signed address, or kept aside for the desk. Never lost, never guessed."""

from __future__ import annotations

from functions.inquiries.base import Means
from functions.inquiries.directory import Directory


class Inbound:
    def __init__(self, means: Means, content: Directory) -> None:
        self._means = means
        self._content = content

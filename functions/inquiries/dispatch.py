"""An inquiry goes to its organisations, and to a person in each."""

from __future__ import annotations

from functions.inquiries.base import Means
from functions.inquiries.directory import Directory


class Dispatch:
    def __init__(self, means: Means, content: Directory) -> None:
        self._means = means
        self._content = content

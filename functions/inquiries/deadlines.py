"""The clock: reminders before the target, escalation after it, and the backlog when somebody returns."""

from __future__ import annotations

from functions.inquiries.base import Means
from functions.inquiries.directory import Directory


class Deadlines:
    def __init__(self, means: Means, content: Directory) -> None:
        self._means = means
        self._content = content

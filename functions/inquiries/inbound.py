"""Mail that comes back: threaded by its signed address, or kept aside for the desk. Never lost, never guessed."""

from __future__ import annotations

from functions.inquiries.base import Means, Member
from functions.inquiries.directory import Directory


class Inbound:
    def __init__(self, means: Means, content: Directory) -> None:
        self._means = means
        self._content = content

    def thread_by_hand(self, staff: Member, id: str, reference: str) -> None:
        """Put the quarantined mail ``id`` into the inquiry ``reference``: staff have read it and say it belongs there.

        As if its sender had been known; then it is settled. Raises ``NotFound`` for either, ``Invalid`` (attachments).
        """
        raise NotImplementedError

"""What staff do with an inquiry. Each action is one commit: the change, its audit entry and its announcement.

Every action takes the ``version`` that the person saw and raises ``Stale`` where the inquiry has changed since,
``NotFound`` where they may not see it, ``NotAllowed`` where its state or the requester's choice forbids the action.
Roles are checked by the pages (``shared.web.staff.requires``).
"""

from __future__ import annotations

from collections.abc import Sequence

from functions.inquiries.base import Means, Member, Upload
from functions.inquiries.content_models import CannedReply
from functions.inquiries.directory import Directory
from functions.inquiries.reading import Reading


class Casework:
    def __init__(self, means: Means, content: Directory, reading: Reading) -> None:
        self._means = means
        self._content = content
        self._reading = reading

    def take(self, staff: Member, reference: str, version: str) -> None:
        """Assign my organisation's part to myself."""
        raise NotImplementedError

    def assign(self, staff: Member, reference: str, version: str, to: str, reason: str = "") -> None:
        """Give my organisation's part to a colleague of it (an address). Raises ``Invalid`` (``to``)."""
        raise NotImplementedError

    def hand_over(self, staff: Member, reference: str, version: str, organisation: str, reason: str) -> None:
        """Give my organisation's part to another organisation, which then sees the thread; mine no longer does.

        Raises ``NotAllowed`` for a request confined to one organisation, ``Invalid`` (``organisation``, ``reason``).
        """
        raise NotImplementedError

    def answer(
        self,
        staff: Member,
        reference: str,
        version: str,
        text: str,
        uploads: Sequence[Upload] = (),
        awaits_reply: bool = False,
        close: bool = False,
    ) -> None:
        """Write to the requester; it stops the target's clock. ``awaits_reply``: a question, the state is ``waiting``.

        Raises ``Invalid`` (``text``, ``attachments``).
        """
        raise NotImplementedError

    def note(self, staff: Member, reference: str, version: str, text: str, uploads: Sequence[Upload] = ()) -> None:
        """An internal note, for the staff of the organisations that share the inquiry."""
        raise NotImplementedError

    def close(self, staff: Member, reference: str, version: str) -> None:
        raise NotImplementedError

    def reopen(self, staff: Member, reference: str, version: str) -> None:
        raise NotImplementedError

    def erase(self, staff: Member, reference: str, version: str) -> None:
        """Remove the person's data and texts for good; reference, dates, topics and the audit trail stay."""
        raise NotImplementedError

    def settle(self, staff: Member, id: str) -> None:
        """A quarantined mail has been seen to. Settling it twice changes nothing. Raises ``NotFound``."""
        raise NotImplementedError

    def canned_replies(self, staff: Member, reference: str) -> list[tuple[CannedReply, str]]:
        """Those for this organisation and the inquiry's topics, with their text filled in, in its language."""
        raise NotImplementedError

"""Staff act on an inquiry as they saw it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from functions.inquiries.casework.case import Case
from functions.inquiries.casework.queries import Reading
from functions.inquiries.files import attachments
from functions.inquiries.files.attachments import Attachment, Upload
from functions.inquiries.means import Means, Member
from shared.ports import decide


def act(
    means: Means,
    reading: Reading,
    staff: Member,
    reference: str,
    version: str,
    change: Callable[[Case], None],
    files: Sequence[Attachment] = (),
    uploads: Sequence[Upload] = (),
    read: Case | None = None,
) -> None:
    """Commit ``change`` as one. The clock's own marks on a part are no conflict. ``read``: as it was a moment ago.

    Raises ``NotFound``, ``Stale`` where the inquiry is not at ``version`` any more, and what ``change`` raises.
    """
    if files:
        reading.case(staff, reference, version)  # or they would be written for nothing
    attachments.write(means.files, files, uploads)

    known = [read] if read else []

    def attempt() -> None:
        case = known.pop() if known else reading.case(staff, reference, version)
        change(case)
        means.store.commit(case.writes())

    decide(attempt)

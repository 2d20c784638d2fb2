"""Files as the forms of pages send them."""

from __future__ import annotations

from functions.inquiries.files.attachments import MAX_TOTAL, Upload
from shared.web.visit import Visit

MAX_BODY = MAX_TOTAL + 2**20  # bytes of a form with files


def uploads(visit: Visit, name: str = "attachments") -> list[Upload]:
    """The files of the form's field of that name."""
    files = visit.request.files.getlist(name)
    return [Upload(file.filename, file.read()) for file in files if file.filename]

"""Files that come with a request or a mail: small, few, of known kinds. The content tells the kind, never the name."""

from __future__ import annotations

import io
import re
import secrets
import zipfile
from collections.abc import Sequence

from functions.inquiries.base import Invalid, Upload
from functions.inquiries.models import Attachment
from shared.ports import Files
from shared.text import N_

MOST = 10  # files with one message
LARGEST = 10 * 2**20  # bytes, all together
REFUSED = N_("Attach PDF, Word, Excel, PowerPoint, PNG, JPEG or plain text files, without macros.")
OFFICE = "application/vnd.openxmlformats-officedocument"
KINDS = {  # by the folder that holds the main part (ECMA-376, part 1, annex A)
    "word/": f"{OFFICE}.wordprocessingml.document",
    "xl/": f"{OFFICE}.spreadsheetml.sheet",
    "ppt/": f"{OFFICE}.presentationml.presentation",
}
BEGINNINGS = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069<>:"|?*]')


def media_type(content: bytes) -> str | None:
    """The kind of a file by its content; None for one that is not taken. Office files with macros are not."""
    for beginning, kind in BEGINNINGS.items():
        if content.startswith(beginning):
            return kind
    if content.startswith(b"PK\x03\x04"):
        return _office(content)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else "text/plain"


def _office(content: bytes) -> str | None:
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError):
        return None
    if "[Content_Types].xml" not in names or any(name.lower().endswith("vbaproject.bin") for name in names):
        return None
    return next((kind for folder, kind in KINDS.items() if any(name.startswith(folder) for name in names)), None)


def check(uploads: Sequence[Upload]) -> list[Attachment]:
    """What would be kept of ``uploads``. Raises ``Invalid`` (``attachments``); nothing is written."""
    if len(uploads) > MOST:
        raise Invalid({"attachments": N_("Attach at most 10 files.")})
    if sum(len(upload.content) for upload in uploads) > LARGEST:
        raise Invalid({"attachments": N_("The files are too large: at most 10 MB together.")})
    kept = []
    for upload in uploads:
        kind = media_type(upload.content)
        if kind is None or not upload.content:
            raise Invalid({"attachments": REFUSED})
        id = secrets.token_hex(12)
        name = plain_name(upload.name)
        kept.append(Attachment(id=id, name=name, media_type=kind, size=len(upload.content), file=f"inquiries/{id}"))
    return kept


def write(files: Files, kept: Sequence[Attachment], uploads: Sequence[Upload]) -> None:
    """Before the commit that names them: a crash leaves a file that nobody names, never a name without its file."""
    for attachment, upload in zip(kept, uploads, strict=True):
        files.write(attachment.file, upload.content, attachment.media_type)


def delete(files: Files, kept: Sequence[Attachment]) -> None:
    for attachment in kept:
        files.delete(attachment.file)


def plain_name(name: str) -> str:
    """The sender's file name as it can be shown and saved: no path, no control or direction marks, 100 letters."""
    last = _NOT_IN_NAMES.sub("", re.split(r"[/\\]", name)[-1]).strip(" .")
    return last[-100:] or "file"

"""Files that come with a request or a mail: small, few, of known kinds, and named as what they are.

The content tells the kind (``file_kinds.py``), and the name must end as the kind does: a script that poses as text
would run by its name. Whoever saves a file gets it under a name that we make.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from functions.inquiries.files import file_kinds
from shared.documents import Stored
from shared.errors import FaultyFields
from shared.ports import Files
from shared.text import N_

MAX_FILES = 10  # files with one message
MAX_TOTAL = 10 * 2**20  # bytes, all together
EMPTY = N_("{file} is empty.")
REFUSED = N_(
    "{file} is not of a kind that we take: attach PDF, Word, Excel, PowerPoint, PNG, JPEG or plain text files."
)
ACTIVE = N_("{file} holds macros or embedded programs: save it without them, or as PDF.")
MISNAMED = N_("The name of {file} does not fit its content: let it end in {ending}.")
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff<>:"|?*]')


@dataclass(frozen=True)
class Upload:
    """A file as it came; its name is never trusted, its type is found by content."""

    name: str
    content: bytes


class Attachment(Stored):
    """``file`` is the name in the Files port; ``name`` is the sender's, for people only."""

    id: str
    name: str
    media_type: str
    size: int  # bytes
    file: str


def check(uploads: Sequence[Upload]) -> list[Attachment]:
    """What would be kept of ``uploads``. Raises ``FaultyFields`` (``attachments``); nothing is written."""
    if len(uploads) > MAX_FILES:
        raise FaultyFields({"attachments": N_("Attach at most 10 files.")})
    if sum(len(upload.content) for upload in uploads) > MAX_TOTAL:
        raise FaultyFields({"attachments": N_("The files are too large: at most 10 MB together.")})
    return [_checked(upload) for upload in uploads]


def _checked(upload: Upload) -> Attachment:
    """Raises ``FaultyFields``."""
    name = plain_name(upload.name)
    if not upload.content:
        raise FaultyFields({"attachments": EMPTY}, file=name)
    try:
        kind = file_kinds.recognise(upload.content)
    except file_kinds.ActiveContent:
        raise FaultyFields({"attachments": ACTIVE}, file=name) from None
    if kind is None:
        raise FaultyFields({"attachments": REFUSED}, file=name)
    stem, ending = _split(name)
    if not ending:
        name = stem + kind.endings[0]
    elif ending.lower() not in kind.endings:
        raise FaultyFields({"attachments": MISNAMED}, file=name, ending=kind.endings[0])
    id = secrets.token_hex(12)
    return Attachment(id=id, name=name, media_type=kind.media_type, size=len(upload.content), file=f"inquiries/{id}")


def is_taken(upload: Upload) -> bool:
    """Whether a requester could send it: not empty, of a kind that we know, named as such, without active content."""
    try:
        _checked(upload)
    except FaultyFields:
        return False
    return True


def write(files: Files, kept: Sequence[Attachment], uploads: Sequence[Upload]) -> None:
    """Before the commit that names them: a crash leaves a file that nobody names, never a name without its file."""
    for attachment, upload in zip(kept, uploads, strict=True):
        files.write(attachment.file, upload.content, attachment.media_type)


def plain_name(name: str) -> str:
    """The sender's file name as people may read it: no path, no control or direction marks, 100 letters."""
    last = _NOT_IN_NAMES.sub("", re.split(r"[/\\]", name)[-1]).strip(" .")
    return last[-100:] or "file"


def saved_name(reference: str, attachment: Attachment) -> str:
    """What the file is called when somebody saves it: letters and digits of the sender's name, and our ending.

    The reference in front keeps it from being a device, a hidden file or an option, and says where it belongs.
    """
    stem = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in _split(attachment.name)[0])
    kind = file_kinds.KINDS.get(attachment.media_type)
    return "-".join([reference, *stem.split()]) + (kind.endings[0] if kind else ".bin")


def _split(name: str) -> tuple[str, str]:
    """Stem and ending, with its dot; an empty ending where there is none."""
    stem, dot, ending = name.rpartition(".")
    return (stem, dot + ending) if dot else (name, "")

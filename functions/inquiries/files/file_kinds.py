"""What a file is, by its content. Few kinds are taken, and none that runs something when it is opened.

Office files (ECMA-376, part 2: a zip whose ``[Content_Types].xml`` says what its parts are) are looked at part by part:
a document renamed from ``.docm`` says so there. All reading is bounded: a zip may claim anything.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from xml.parsers import expat

OFFICE = "application/vnd.openxmlformats-officedocument"
MAX_DIRECTORY = 512 * 2**10  # bytes of a zip's own list of its parts
MAX_PARTS = 5_000
MAX_XML = 4 * 2**20  # bytes that are unpacked and parsed of one file


@dataclass(frozen=True)
class Kind:
    """A kind of file that we take, by its IANA media type."""

    media_type: str
    endings: tuple[str, ...]  # of names, in lower case; the first is ours


PDF = Kind("application/pdf", (".pdf",))
PNG = Kind("image/png", (".png",))
JPEG = Kind("image/jpeg", (".jpg", ".jpeg"))
TEXT = Kind("text/plain", (".txt", ".csv"))  # saved as .txt: a spreadsheet program calculates what a .csv holds
WORD = Kind(f"{OFFICE}.wordprocessingml.document", (".docx",))
EXCEL = Kind(f"{OFFICE}.spreadsheetml.sheet", (".xlsx",))
POWERPOINT = Kind(f"{OFFICE}.presentationml.presentation", (".pptx",))
KINDS = {kind.media_type: kind for kind in (PDF, PNG, JPEG, TEXT, WORD, EXCEL, POWERPOINT)}

_BEGINNINGS = {b"%PDF-": PDF, b"\x89PNG\r\n\x1a\n": PNG, b"\xff\xd8\xff": JPEG}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_MAIN_PARTS = {f"{kind.media_type}.main+xml": kind for kind in (WORD, EXCEL, POWERPOINT)}
_ACTIVE_TYPES = re.compile(r"macro|vba|activex|oleobject")  # in content types
_ACTIVE_PARTS = re.compile(r"vbaproject|vbadata|macrosheet|activex|oleobject|/control$")  # as relationships call them
_REMOTE_PARTS = re.compile(r"/(attachedtemplate|frame|subdocument)$")  # fetched and run when the document is opened
_ON_THIS_DISK = re.compile(r"file:///[a-z]:", re.IGNORECASE)  # an author's own template, which nobody else has

_NOT_OFFICE = (  # not a zip, not XML, encrypted, packed in other ways: no office program writes that
    *(zipfile.BadZipFile, zlib.error, expat.ExpatError),
    *(ValueError, OverflowError, EOFError, RuntimeError, OSError),
)


class ActiveContent(Exception):
    """An Office file that holds macros, controls or embedded programs, or fetches them."""


def recognise(content: bytes) -> Kind | None:
    """None for what is not taken. Raises ``ActiveContent``."""
    for beginning, kind in _BEGINNINGS.items():
        if content.startswith(beginning):
            return kind
    if content.startswith(b"PK\x03\x04"):
        return _office(content)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return TEXT if text and not _CONTROL.search(text) else None


def _office(content: bytes) -> Kind | None:
    if not _has_small_directory(content):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            return _kind_of_package(package)
    except _NOT_OFFICE:
        return None


def _has_small_directory(content: bytes) -> bool:
    """Read as ``zipfile`` finds it (APPNOTE 4.3.16), before ``zipfile`` makes an object of each entry."""
    end = content.rfind(b"PK\x05\x06", max(0, len(content) - 22 - 2**16))
    if end < 0 or len(content) - end < 22:
        return False
    is_zip64 = content[max(0, end - 20) : end].startswith(b"PK\x06\x07")
    return not is_zip64 and int.from_bytes(content[end + 12 : end + 16], "little") <= MAX_DIRECTORY


def _kind_of_package(package: zipfile.ZipFile) -> Kind | None:
    names = package.namelist()
    folded = [name.casefold() for name in names]
    if len(names) > MAX_PARTS or len(set(folded)) < len(names) or "[Content_Types].xml" not in names:
        return None
    read = _Reader(package)
    types = [attributes.get("ContentType", "").lower() for attributes in read.elements("[Content_Types].xml")]
    if any(_ACTIVE_TYPES.search(type) for type in types) or any(_ACTIVE_PARTS.search(name) for name in folded):
        raise ActiveContent
    for name in names:
        if name.casefold().endswith(".rels") and any(map(_is_active, read.elements(name))):
            raise ActiveContent
    kinds = {_MAIN_PARTS[type] for type in types if type in _MAIN_PARTS}
    return kinds.pop() if len(kinds) == 1 else None


def _is_active(relationship: dict[str, str]) -> bool:
    kind, target = relationship.get("Type", "").lower(), relationship.get("Target", "")
    fetched = relationship.get("TargetMode", "").lower() == "external" and not _ON_THIS_DISK.match(target)
    return bool(_ACTIVE_PARTS.search(kind) or (fetched and _REMOTE_PARTS.search(kind)))


class _Reader:
    """XML parts of one package, ``MAX_XML`` bytes of them."""

    def __init__(self, package: zipfile.ZipFile) -> None:
        self._package = package
        self._left = MAX_XML

    def elements(self, name: str) -> Iterator[dict[str, str]]:
        """The attributes of each element. Raises ``ValueError`` for what is too much, and for a document type."""
        with self._package.open(name) as part:
            content = part.read(self._left + 1)
        self._left -= len(content)
        if self._left < 0:
            raise ValueError(name)
        found: list[dict[str, str]] = []
        parser = expat.ParserCreate()
        parser.StartElementHandler = lambda _, attributes: found.append(attributes)
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.Parse(content, True)
        return iter(found)


def _refuse_doctype(*_: object) -> None:
    raise ValueError("a document type: ECMA-376 forbids it, and its entities could expand without end")

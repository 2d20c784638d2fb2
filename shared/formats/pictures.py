"""Pictures of the content: SVG as it is written, or PNG as a data URI, small and checked.

In a file of the content a picture is usually the name of a file beside it (``emblem = "emblems/who.svg"``), which is
read when that is imported (``shared.content_files``). It is kept as text, in the document of what it belongs to.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from collections.abc import Callable
from typing import Annotated, NamedTuple
from xml.parsers import expat

from pydantic import AfterValidator

MAX_EMBLEM, MAX_BANNER, MAX_PLAN = 12_000, 60_000, 20_000  # bytes
MAX_SIDE = 2_000  # pixels
_SVG = "http://www.w3.org/2000/svg"
_SHAPES = {"g", "path", "circle", "ellipse", "rect", "line", "polyline", "polygon", "use", "text", "tspan"}
_PAINTS = {"defs", "linearGradient", "radialGradient", "stop", "clipPath", "mask", "pattern", "symbol", "style"}
_ELEMENTS = {"svg", "title", "desc"} | _SHAPES | _PAINTS
_PNG = b"\x89PNG\r\n\x1a\n"
PNG_URI = "data:image/png;base64,"
_ELSEWHERE = re.compile(r"""url\(\s*["']?(?!\s*["']?#)|@import|javascript:|expression\(|\\""", re.IGNORECASE)


class Drawn(NamedTuple):
    """A picture as it is sent. ``width`` and ``height`` are its shape: pixels, or units of the SVG's ``viewBox``."""

    media_type: str
    content: bytes
    width: float
    height: float


def drawn(picture: str) -> Drawn:
    """The picture of its text. Raises ``ValueError`` with the mend where it is none that we take."""
    if picture.startswith(PNG_URI):
        try:
            return _png(base64.b64decode(picture.removeprefix(PNG_URI), validate=True))
        except binascii.Error:
            raise ValueError("the data URI is not base64; name the PNG file instead") from None
    return _svg(picture.strip().encode())


def as_text(content: bytes) -> str:
    """What a file of a picture is kept as; the opposite of ``drawn``."""
    if content.startswith(_PNG):
        return PNG_URI + base64.b64encode(content).decode()
    return content.decode("utf-8", "replace").removeprefix("\ufeff").strip()


def _within(most: int) -> Callable[[str], str]:
    def checked(picture: str) -> str:
        size = len(drawn(picture).content)
        if size > most:
            raise ValueError(
                f"the picture has {size:,} bytes; at most {most:,} are taken, for pages load at once: simplify it"
            )
        return picture.strip()

    return checked


Emblem = Annotated[str, AfterValidator(_within(MAX_EMBLEM))]
Banner = Annotated[str, AfterValidator(_within(MAX_BANNER))]
Plan = Annotated[str, AfterValidator(_within(MAX_PLAN))]
"""Wide and low; text lies beside it, never on it."""


def _svg(content: bytes) -> Drawn:
    """Only shapes, texts and styles, and nothing that leads elsewhere. Raises ``ValueError``."""
    reader, faults, shape = expat.ParserCreate("utf-8", " "), [], [0.0, 0.0]
    in_style: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        namespace, _, tag = name.rpartition(" ")
        if namespace != _SVG or tag not in _ELEMENTS:
            faults.append(f"<{tag}> is not taken; save it as plain SVG of shapes alone")
        if tag == "svg" and not any(shape):
            shape[:] = _view_box(attributes.get("viewBox", ""))
        faults.extend(_foreign(attributes))
        in_style.append(tag)

    def style(text: str) -> None:
        if in_style and in_style[-1] == "style" and _ELSEWHERE.search(text):
            faults.append("its style leads to another file; draw all that is needed in this one")

    def refused(*_about: object) -> None:
        faults.append("it has a DOCTYPE, an entity or an instruction for a program; delete that line")

    reader.buffer_text = True
    reader.buffer_size = 2**18  # a style arrives whole: it is at most as long as the picture
    reader.StartElementHandler, reader.CharacterDataHandler = start, style
    reader.EndElementHandler = lambda _name: in_style.pop()
    reader.StartDoctypeDeclHandler = reader.ProcessingInstructionHandler = refused
    try:
        reader.Parse(content, True)
    except expat.ExpatError as error:
        raise ValueError(f"neither SVG nor a PNG data URI ({error}); name a file that ends in .svg or .png") from None
    if not all(shape):
        faults.append('the <svg> says no shape; add viewBox="0 0 width height"')
    if faults:
        raise ValueError(f"the SVG is refused: {faults[0]}")
    return Drawn("image/svg+xml", content, *shape)


def _view_box(text: str) -> tuple[float, float]:
    """Its width and height; 0 where it is none."""
    numbers = re.findall(r"-?\d+(?:\.\d+)?", text)
    return (float(numbers[2]), float(numbers[3])) if len(numbers) == 4 else (0.0, 0.0)


def _foreign(attributes: dict[str, str]) -> list[str]:
    """What is wrong with attributes that run something or lead elsewhere."""
    found = []
    for name, value in attributes.items():
        short = name.rpartition(" ")[2].lower()
        if short.startswith("on"):
            found.append(f"{short} runs a script; delete it")
        elif (short in ("href", "src", "base") and not value.strip().startswith("#")) or _ELSEWHERE.search(value):
            found.append(f'{short}="{value[:40]}" leads to another file; draw all that is needed in this one')
    return found


def _png(content: bytes) -> Drawn:
    """Whole, of a size that can be shown, and without anything behind its end (PNG, third edition, section 5).

    Raises ``ValueError``.
    """
    place, sides = len(_PNG), (0, 0)
    kinds: list[bytes] = []
    while content.startswith(_PNG) and place + 12 <= len(content) and kinds[-1:] != [b"IEND"]:
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        data = content[place + 8 : place + 8 + length]
        if content[place + 8 + length : place + 12 + length] != struct.pack(">I", zlib.crc32(kind + data)):
            break
        if kind == b"IHDR" and length == 13:
            sides = struct.unpack(">II", data[:8])
        kinds.append(kind)
        place += 12 + length
    if kinds[:1] != [b"IHDR"] or kinds[-1] != b"IEND" or b"IDAT" not in kinds or place != len(content):
        raise ValueError("the PNG is damaged, or something is hidden behind its end; save it anew")
    if not 0 < min(sides) <= max(sides) <= MAX_SIDE:
        raise ValueError(f"the PNG has {sides[0]} x {sides[1]} pixels; at most {MAX_SIDE} each way")
    return Drawn("image/png", content, *sides)

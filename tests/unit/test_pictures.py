"""Pictures of the content are small, whole, and run nothing."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.content_files import BadContent, tables_in
from shared.formats.pictures import MAX_EMBLEM, Emblem, as_text, drawn

EMBLEM: TypeAdapter[str] = TypeAdapter(Emblem)
HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 4 4">'
FINE = [
    f'{HEAD}<path d="M0 0h4"/></svg>',
    f"{HEAD}<style>@media (prefers-color-scheme: dark) {{ path {{ fill: #fff }} }}</style><path d='M0 0h4'/></svg>",
    f'{HEAD}<defs><linearGradient id="a"/></defs><path fill="url(#a)" d="M0 0"/><use href="#a"/></svg>',
    f"<?xml version='1.0' encoding='utf-8'?>\n{HEAD}<title>نص</title></svg>",
]
HOSTILE = [
    f"{HEAD}<script>alert(1)</script></svg>",
    f'{HEAD}<path onload="alert(1)"/></svg>',
    f'{HEAD}<path ONCLICK="alert(1)"/></svg>',
    f'{HEAD}<a href="javascript:alert(1)"><path/></a></svg>',
    f'{HEAD}<use href="https://evil.example/x.svg#a"/></svg>',
    f'{HEAD}<use xlink:href="data:image/svg+xml,x"/></svg>',
    f'{HEAD}<image href="https://evil.example/pixel.png"/></svg>',
    f"{HEAD}<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'/></foreignObject></svg>",
    f'{HEAD}<path style="fill:url(https://evil.example/x)"/></svg>',
    f"{HEAD}<path fill=\"url('//evil.example/x')\"/></svg>",
    f"{HEAD}<style>@import 'https://evil.example/x.css';</style></svg>",
    f"{HEAD}<style>path{{fill:u\\72l(https://evil.example)}}</style></svg>",
    f"{HEAD}<style><![CDATA[path{{fill:url(https://evil.example)}}]]></style></svg>",
    f'{HEAD}<animate attributeName="href" to="javascript:alert(1)"/></svg>',
    f'<!DOCTYPE svg [<!ENTITY a "b">]>{HEAD}&a;</svg>',
    f'<?xml-stylesheet href="https://evil.example/x.css"?>{HEAD}</svg>',
    f"{HEAD}<h:script xmlns:h='http://www.w3.org/1999/xhtml'>alert(1)</h:script></svg>",
    f"{HEAD}<path></svg>",
    '<svg viewBox="0 0 4 4"/>',
    '<svg xmlns="http://www.w3.org/2000/svg"/>',
    "<html/>",
    "emblem",
    "",
]


def png(width: int = 2, height: int = 2, behind: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 6)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts + behind


@pytest.mark.parametrize("picture", [*FINE, as_text(png())])
def test_plain_pictures_are_taken_as_they_are(picture: str) -> None:
    assert EMBLEM.validate_python(picture) == picture


@pytest.mark.parametrize("picture", HOSTILE)
def test_what_could_run_or_lead_elsewhere_is_refused(picture: str) -> None:
    with pytest.raises(ValidationError):
        EMBLEM.validate_python(picture)


@pytest.mark.parametrize(
    "content", [png(behind=b"PK"), png()[:-5], png()[:40] + b"x" + png()[41:], png(5000), png(0), b"\x89PNG\r\n\x1a\n"]
)
def test_a_damaged_or_huge_png_is_refused(content: bytes) -> None:
    with pytest.raises(ValidationError, match="PNG"):
        EMBLEM.validate_python("data:image/png;base64," + base64.b64encode(content).decode())


def test_a_large_picture_is_refused_with_its_size() -> None:
    with pytest.raises(ValidationError, match=r"has 12,\d\d\d bytes; at most 12,000"):
        EMBLEM.validate_python(f"{HEAD}<path d='{'h1' * (MAX_EMBLEM // 2)}'/></svg>")


def test_its_shape_is_told() -> None:
    assert drawn(FINE[0])[2:] == (4, 4)
    assert drawn(as_text(png(3, 2)))[2:] == (3, 2)


def test_a_file_that_names_a_picture_beside_it_holds_the_picture(tmp_path: Path) -> None:
    (tmp_path / "emblems").mkdir()
    (tmp_path / "emblems" / "a.svg").write_text(FINE[0])
    (tmp_path / "b.png").write_bytes(png())
    content = tmp_path / "theme.toml"
    content.write_text('[[themes]]\nemblem = "emblems/a.svg"\nbanner = "b.png"\nname = "a.svg is a name"')
    (theme,) = tables_in(content)["themes"]
    assert (theme["emblem"], drawn(theme["banner"]).content) == (FINE[0], png())
    assert theme["name"] == "a.svg is a name"
    content.write_text('[[themes]]\nemblem = "none.svg"')
    with pytest.raises(BadContent, match=r"emblem: the picture none.svg cannot be read"):
        tables_in(content)

"""``docs/scripts.md`` lists every script with its bytes, and no page has any other."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
STATIC, PAGE = ROOT / "shared" / "web" / "static", ROOT / "docs" / "scripts.md"
MOST = 5_000  # bytes of all that one page loads
TEMPLATES = [path for top in ("functions", "shared") for path in ROOT.glob(f"{top}/**/templates/**/*.html")]


def listed() -> dict[str, int]:
    """Bytes by name, as the page has them."""
    return {
        name: int(size.replace(",", ""))
        for name, size in re.findall(r"^\| `(.+?)` \| ([\d,]+) \|", PAGE.read_text("utf-8"), re.M)
    }


def test_every_script_is_listed_with_its_bytes() -> None:
    there = {path.name: path.stat().st_size for path in STATIC.glob("*.js")}
    assert listed() == there, f"say so in {PAGE.relative_to(ROOT)}"


def test_scripts_are_small_and_our_own() -> None:
    assert max(listed().values()) <= MOST
    for path in STATIC.glob("*.js"):
        text = path.read_text("utf-8")
        assert not re.search(r"https?:(?!//www\.w3\.org)", text), f"{path.name} loads from elsewhere"
        assert max(map(len, text.splitlines())) <= 130, f"{path.name} is not written by hand"


def test_pages_load_no_other_script() -> None:
    texts = {path.name: path.read_text("utf-8") for path in TEMPLATES}
    loaded = {name: re.findall(r"<script(.*?)>(.*?)</script>", text, re.S) for name, text in texts.items()}
    assert any(loaded.values())
    for name, scripts in loaded.items():
        for attributes, body in scripts:
            found = re.search(r"src=\"\{\{ asset\('([\w.-]+)'\) \}\}\"", attributes)
            assert found, f"{name}: a script of another place"
            assert found[1] in listed(), name
            assert not body.strip(), f"{name}: an inline script"

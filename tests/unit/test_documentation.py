"""Whoever follows a path that the documentation or a comment names finds a file there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATHS = re.compile(r"\b(?:functions|shared|infra|tests|docs|benchmarks)/[\w/.-]+\.(?:py|toml|json|md|css)\b")
NAMES = re.compile(r"`{1,2}((?:[a-z_]+/)*[a-z_]+\.py)`{1,2}")
MODULES = re.compile(r"`{2}((?:functions|shared|infra)(?:\.[a-z_]+)+)")
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
SOURCES = [path for top in ("functions", "shared", "infra", "benchmarks") for path in ROOT.glob(f"{top}/**/*.py")]
KNOWN = {path.relative_to(ROOT).as_posix() for path in [*SOURCES, *ROOT.glob("tests/**/*.py")]}


def lost(text: str) -> Iterator[str]:
    """What ``text`` names and is not there."""
    yield from (path for path in PATHS.findall(text) if not (ROOT / path).exists())
    yield from (name for name in NAMES.findall(text) if not any(f"/{one}".endswith(f"/{name}") for one in KNOWN))
    for module in MODULES.findall(text):
        place = ROOT / module.replace(".", "/")
        if not (place.exists() or place.with_suffix(".py").exists() or place.parent.with_suffix(".py").exists()):
            yield module  # neither a module nor a name in one


@pytest.mark.parametrize("path", [*PAGES, *SOURCES], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_path_that_is_named_leads_somewhere(path: Path) -> None:
    assert not [*lost(path.read_text("utf-8"))]


@pytest.mark.parametrize("text", ["see shared/nothing.py", "as ``nothing.py`` says", "``shared.nothing.at_all``"])
def test_what_is_lost_is_found(text: str) -> None:
    assert len([*lost(text)]) == 1

"""Every package that is installed anywhere is pinned with its hashes, at one version."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.requirements import LISTS, ROOT

PIN = re.compile(r"^([a-z0-9-]+)==([\w.!+]+)(?: ; .+?)?((?: --hash=sha256:[0-9a-f]{64})+)$")
NAME = re.compile(r"^[A-Za-z0-9_.-]+")


def pins(folder: Path) -> dict[str, str]:
    """Version by package. Raises ``AssertionError`` for a line that is no pin with hashes."""
    found = {}
    text = (folder / "requirements.txt").read_text("utf-8").replace(" \\\n    ", " ")
    for line in text.splitlines():
        pin = PIN.match(line)
        assert pin, f"{folder}: {line}"
        found[pin[1]] = pin[2]
    return found


def named(folder: Path) -> set[str]:
    lines = (folder / "requirements.in").read_text("utf-8").splitlines()
    return {re.sub(r"[_.]", "-", found[0]).lower() for line in lines if (found := NAME.match(line))}


@pytest.mark.parametrize("folder", LISTS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_a_list_pins_all_that_its_sources_name_with_hashes(folder: Path) -> None:
    known = pins(folder)
    for source in LISTS[folder]:
        missing = named(source) - known.keys()
        assert not missing, f"run `make requirements`: {source / 'requirements.in'} names {', '.join(sorted(missing))}"


def test_one_version_holds_for_all_lists() -> None:
    everything = pins(ROOT / "tests")
    for folder in LISTS:
        assert pins(folder).items() <= everything.items(), f"run `make requirements`: {folder} differs"


def test_a_package_without_its_hash_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("flask==3.1.3\n")
    with pytest.raises(AssertionError, match=r"flask==3\.1\.3"):
        pins(tmp_path)

"""A state changes in one module for each aggregate: nothing else sets it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OWNERS = {
    "registration": {"registrations/states.py"},
    "inquiries": {"casework/case.py", "casework/models.py"},
}


def setters(source: str) -> Iterator[int]:
    """Lines that set an attribute ``state``."""
    for node in ast.walk(ast.parse(source)):
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in (found for one in targets for found in ast.walk(one)):
            if isinstance(target, ast.Attribute) and target.attr == "state":
                yield node.lineno


@pytest.mark.parametrize("name", OWNERS)
def test_states_are_set_in_one_place(name: str) -> None:
    folder = ROOT / "functions" / name
    found = {f"{path.relative_to(folder)}" for path in folder.rglob("*.py") if list(setters(path.read_text("utf-8")))}
    assert found == OWNERS[name]


@pytest.mark.parametrize(
    "line",
    ['case.inquiry.state = "closed"', 'it.state, it.closed_at = "closed", now', "registration.state = state"],
)
def test_whoever_sets_one_is_found(line: str) -> None:
    assert [*setters(f"def change():\n    {line}")] == [2]

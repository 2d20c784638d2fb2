"""The one description of the API, made of what all slices declare: ``python -m infra.openapi``."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

from shared.web import openapi
from shared.web.api_reference import description

ROOT = Path(__file__).parents[1]


def operations() -> list[openapi.Operation]:
    """Those of every slice that has operations on the web, and those that describe them."""
    folders = sorted(path.parents[1].name for path in (ROOT / "functions").glob("*/web/operations.py"))
    modules = [importlib.import_module(f"functions.{name}.web.operations") for name in folders]
    return [one for module in (*modules, description) for one in module.OPERATIONS]


def text() -> str:
    """The file's content."""
    made: dict[str, Any] = openapi.document(description.TITLE, description.DESCRIPTION, operations())
    return json.dumps(made, indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    description.FILE.write_text(text())

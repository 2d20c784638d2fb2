"""The one description of the API, made of what all slices declare: ``python -m infra.openapi``."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

from shared.web import api_description, openapi

ROOT = Path(__file__).parents[1]


def operations() -> list[openapi.Operation]:
    """Those of every slice that has an ``api`` module, and those that describe them."""
    folders = sorted(path.parent.name for path in (ROOT / "functions").glob("*/api.py"))
    modules = [importlib.import_module(f"functions.{name}.api") for name in folders]
    return [one for module in (*modules, api_description) for one in module.OPERATIONS]


def text() -> str:
    """The file's content."""
    made: dict[str, Any] = openapi.document(api_description.TITLE, api_description.DESCRIPTION, operations())
    return json.dumps(made, indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    api_description.FILE.write_text(text())

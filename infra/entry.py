"""The root ``main.py`` of a function: the framework loads a file, not a package."""

from __future__ import annotations

ROOT_MAIN = """\
import gc

gc.disable()  # to look for garbage in what stays takes a quarter of the start; wiring.platform() ends it
from flask import current_app  # noqa: E402

from functions.{function}.main import *  # noqa: E402, F403
from shared.web.http.framework import take_over  # noqa: E402

take_over(current_app)
"""


def root_main(function: str) -> str:
    """Its text, the same for the runner, the zips and the measurements."""
    return ROOT_MAIN.format(function=function)

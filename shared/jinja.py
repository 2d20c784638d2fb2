"""Jinja as pages and mails use it, with the catalogue of one language."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import jinja2

from shared import languages


def environment(folders: tuple[Path, ...], language: str) -> jinja2.Environment:
    """A new one, to be kept: making it and reading its templates is slow.

    Args:
        folders: with templates; the first that has one of a name gives it.
        language: a tag (BCP 47) of a catalogue.
    """
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.policies["ext.i18n.trimmed"] = True  # as infra/catalogues.py extracts
    made.install_gettext_translations(languages.translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.filters["isolated"] = partial(languages.isolated, language=language)
    return made

"""Jinja as all pages use it, with the catalogue of the visitor's language."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

import jinja2

from shared.fields import EMPTY
from shared.web import languages
from shared.web.assets import asset


@cache
def environment(folders: tuple[Path, ...], language: str) -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.policies["ext.i18n.trimmed"] = True  # as infra/catalogues.py extracts
    catalogue = languages.translations(language)
    made.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
    made.filters["isolated"] = partial(languages.isolated, language=language)
    made.filters["file_size"] = partial(languages.file_size, language=language)
    made.globals.update(
        asset=asset,
        languages=languages,
        own_words={name: catalogue.gettext(message) for name, message in EMPTY.items()},
        text=lambda texts: languages.text(texts, language),
        direction=languages.direction(language),
    )
    return made

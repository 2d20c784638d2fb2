"""What templates of pages may use, beyond what ``shared.jinja`` gives all."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache, partial
from pathlib import Path

import jinja2
from markupsafe import Markup

from shared import jinja, languages
from shared.fields import EMPTY
from shared.formats import mail_domains
from shared.formats.markdown import markdown
from shared.ports import MAX_COUNTED
from shared.web.static_files import asset


@cache
def environment(folders: tuple[Path, ...], language: str) -> jinja2.Environment:
    """For pages in ``language``; ``folders`` as ``shared.jinja.environment`` takes them. Kept by the process."""
    made, catalogue = jinja.environment(folders, language), languages.translations(language)
    made.filters["counted"] = partial(languages.counted, language=language)
    made.filters["number"] = partial(languages.number, language=language)
    made.filters["file_size"] = partial(languages.file_size, language=language)
    made.filters["markdown"] = markdown
    made.globals.update(
        MAX_COUNTED=MAX_COUNTED,
        asset=asset,
        languages=languages,
        own_words={name: catalogue.gettext(message) for name, message in EMPTY.items()},
        text=lambda texts: languages.text(texts, language),
        direction=languages.direction(language),
        option_tags=option_tags,
        plain_options=plain_options,
        meant_address=mail_domains.meant,
    )
    return made


def option_tags(options: Iterable[tuple[str, str]], chosen: str | None) -> Markup:
    """The ``<option>`` elements of (value, label) pairs, that of the value ``chosen`` selected."""
    plain = Markup('<option value="{}">').format(chosen)
    selected = Markup('<option value="{}" selected>').format(chosen)
    return _option_tags(tuple(options)).replace(plain, selected, 1)


def plain_options(labels: Iterable[str]) -> Markup:
    """The ``<option>`` elements of texts that are their own values."""
    return _plain_options(tuple(labels))


@lru_cache(100)  # a list of countries is a quarter of the work of a whole page with a form
def _option_tags(options: tuple[tuple[str, str], ...]) -> Markup:
    return Markup("\n").join(Markup('<option value="{}">{}</option>').format(*option) for option in options)


@lru_cache(100)
def _plain_options(labels: tuple[str, ...]) -> Markup:
    return Markup("\n").join(Markup("<option>{}</option>").format(label) for label in labels)

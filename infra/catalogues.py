"""The gettext catalogues: ``python -m infra.catalogues {update,compile,check,new LANGUAGE}``.

``update`` brings the strings of the sources into every ``shared/locale/{language}/LC_MESSAGES/onestop.po``; ``compile``
makes the ``.mo`` files that the functions read; ``check`` tells what a translator still has to do; ``new`` starts a
language.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel import Locale
from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from infra import untranslated

ROOT = Path(__file__).parents[1]
LOCALE = ROOT / "shared" / "locale"
FOLDERS = ("functions", "shared")
METHODS = [("**.py", "python"), ("**/templates/**", "jinja2")]
OPTIONS = {
    "**/templates/**": {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"},
}
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
COUNTED = re.compile(r"(?:%\(|\{)(?:count|number|total|minutes|hours|days)\b")  # what a translation must decline by
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}|</?\w+")


def extract() -> Catalog:
    """Every string that the sources mark for translation."""
    template = Catalog(project="onestop", charset="utf-8")
    for folder in FOLDERS:
        found = extract_from_dir(ROOT / folder, METHODS, OPTIONS, KEYWORDS, comment_tags=("Translators:",))
        for name, _, text, comments, context in found:
            template.add(text, locations=[(f"{folder}/{name}", 0)], auto_comments=comments, context=context)
    return template


def paths() -> list[Path]:
    """One file for each language, sorted."""
    return sorted(LOCALE.glob("*/LC_MESSAGES/onestop.po"))


def read(path: Path) -> Catalog:
    """The language is its folder's name."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parents[1].name.replace("-", "_"))


def write(path: Path, catalog: Catalog) -> None:
    """Sorted and without line numbers: it changes only where a text does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    catalog.header_comment = f"# onestop in {catalog.locale.english_name}." if catalog.locale else ""
    catalog.msgid_bugs_address = catalog.last_translator = catalog.language_team = "the onestop project"
    with path.open("wb") as file:
        write_po(file, catalog, width=110, sort_output=True, ignore_obsolete=True, include_lineno=False)


def update() -> None:
    """Bring the sources' texts into every catalogue; nothing is guessed from similar ones."""
    for path in paths():
        catalog, template = read(path), extract()
        template.creation_date = catalog.creation_date  # the file changes only where a string does
        catalog.update(template, no_fuzzy_matching=True)
        write(path, catalog)


def new(language: str) -> None:
    """An empty catalogue; ``language`` is BCP 47. Replaces one that is there."""
    template = extract()
    catalog = Catalog(Locale.parse(language, sep="-"), project="onestop", fuzzy=False)
    catalog.update(template)
    write(LOCALE / language / "LC_MESSAGES" / "onestop.po", catalog)


def compile_all() -> None:
    """A ``.mo`` beside each catalogue, as functions read it."""
    for path in paths():
        with path.with_suffix(".mo").open("wb") as file:
            write_mo(file, read(path))


def check() -> Iterator[str]:
    """What is wrong with the catalogues, one line for each string and language, and texts that none of them has."""
    yield from map(str, untranslated.find())
    wanted = list(extract())
    yield from (f"sources: a number without plural forms, use ngettext: {m.id!r}" for m in wanted if lacks_plural(m))
    for path in paths():
        catalog, language = read(path), path.parents[1].name
        for message in wanted:
            if message.id and (
                fault := fault_of(message, catalog.get(message.id, message.context), catalog.num_plurals)
            ):
                yield f"{language}: {fault}: {message.id!r}"


def lacks_plural(source: Message) -> bool:
    """Languages have up to six forms for "1 hour, 2 hours"; only ngettext and ``pluralize`` give a translator all."""
    return isinstance(source.id, str) and bool(COUNTED.search(source.id))


def fault_of(source: Message, translated: Message | None, plurals: int) -> str | None:
    """None when the string is translated, with the same placeholders.

    Some plural forms need no number ("one seat"), so only the last form must name it.
    """
    if translated is None:
        return "missing"
    if translated.fuzzy:
        return "fuzzy"
    singular = isinstance(source.id, str)
    forms = [translated.string] if isinstance(translated.string, str) else list(translated.string or ())
    if len(forms) != (1 if singular else plurals) or not all(forms):
        return "untranslated"
    allowed = _placeholders(source.id if isinstance(source.id, str) else source.id[1])
    same = all(set(_placeholders(form)) <= set(allowed) for form in forms) and _placeholders(forms[-1]) == allowed
    return None if same else "other placeholders"


def _placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def main(arguments: list[str]) -> int:
    """Returns the exit status: 1 where ``check`` found a fault, 2 for other arguments."""
    match arguments:
        case ["update"]:
            update()
        case ["compile"]:
            compile_all()
        case ["new", language]:
            new(language)
        case ["check"]:
            faults = list(check())
            print("\n".join(faults) or "every string is translated")
            return 1 if faults else 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Texts that people could read and no catalogue has: ``python -m infra.untranslated``.

Python and templates are read as trees, not run. A text is what has two words, or stands where a label stands; what is
marked for gettext is none, nor what only operators read: logs, the command line, settings. What a run alone can tell,
a marked text that is shown as it is, ``tests/fuzz/test_pseudo.py`` finds.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Set
from html.parser import HTMLParser
from pathlib import Path, PurePath
from typing import NamedTuple

import jinja2
from jinja2 import nodes

ROOT = Path(__file__).parents[1]
MARKS = {"_", "N_", "gettext", "ngettext", "pgettext", "npgettext"}
FOR_OPERATORS = (  # modules whose texts go to a terminal or to whoever reads the code
    "functions/*/toml_files.py",
    "functions/*/content/checks.py",
    "functions/*/dry_run.py",
    "functions/*/reindex.py",
    "shared/adapters/**/*.py",
    "shared/content_files.py",
    "shared/formats/countries.py",
    "shared/formats/pictures.py",
    "shared/institution/*.py",
    "shared/ports.py",
    "shared/settings.py",
    "shared/topology.py",
    "shared/wiring.py",
)
UNSEEN_CALLS = {"debug", "info", "warning", "error", "exception", "print", "compile", "span", "field", "route"}
UNSEEN_ERRORS = {"KeyError", "LookupError", "PermissionError", "RuntimeError", "Unavailable"}
UNSEEN_ERRORS |= {"BadSettings", "BadToken", "VoidLink"}
LABELS = {"title", "detail", "label", "message", "hint", "subject", "summary", "description", "reason"}
"""Arguments by these names are texts, of one word too."""
SHOWN_ATTRIBUTES = {
    "alt",
    "aria-description",
    "aria-label",
    "aria-valuetext",
    "label",
    "placeholder",
    "summary",
    "title",
}
NAMES = re.compile(r"onestop|application/json")
UNSEEN_BLOCKS = {"body_class"}
LEFT = "# untranslated: "
"""A comment on or above the line of a text that nobody reads on a page or in a mail, and why."""

_TWO_WORDS = re.compile(r"[^\W\d_]{2,}[,.:;!?]* +\(?[^\W\d_]{2,}")
_CODE = re.compile(r"[<>]|^[a-z-]+ '|\w=\S|=\"|^[A-Z]+,? [A-Z]{2}|^[A-Z]\w*-[\w-]+, ")  # markup, headers, policies, SQL
_WORD = re.compile(r"[^\W\d_]{2,}")
_LABEL = re.compile(r"[A-Z][a-z]+\b")


class Found(NamedTuple):
    """A text that nobody can translate; printed as compilers do, so that editors jump there."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: not marked for translation: {self.text!r}"


# -- Python --


def in_python(source: str, path: str) -> Iterator[Found]:
    """Texts of a module outside of ``_()`` and ``N_()``, and f-strings within, which no catalogue can hold."""
    tree = ast.parse(source)
    lines, documentation = source.split("\n"), {id(text) for text in _documentation(tree)}
    unseen = UNSEEN_ERRORS | (set() if "pydantic" in source else {"ValueError"})  # pydantic tells what validators raise
    for node, is_marked, is_label in _literals(tree, unseen):
        if id(node) in documentation or (is_marked and not isinstance(node, ast.JoinedStr)):
            continue
        above = lines[node.lineno - 2].strip() if node.lineno > 1 else ""
        if above.startswith(LEFT) or any(LEFT in line for line in lines[node.lineno - 1 : node.end_lineno]):
            continue
        text = _text(node)
        if is_marked or (is_label and _LABEL.match(text)) or (_TWO_WORDS.search(text) and not _CODE.search(text)):
            yield Found(path, node.lineno, text)


def _documentation(tree: ast.AST) -> Iterator[ast.expr]:
    """Strings that are statements: docstrings, also those below an assignment."""
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))


Literal = ast.Constant | ast.JoinedStr


def _literals(
    node: ast.AST, unseen: Set[str], is_marked: bool = False, is_label: bool = False
) -> Iterator[tuple[Literal, bool, bool]]:
    """Strings, each with whether it is marked, and whether it stands where a label does."""
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        yield node, is_marked, is_label
        for part in ast.walk(node):
            if isinstance(part, ast.FormattedValue):
                yield from _literals(part.value, unseen)
        return
    if _is_unseen(node, unseen):
        return
    is_marked = is_marked or (isinstance(node, ast.Call) and _name(node.func) in MARKS)
    for name, child in _children(node):
        yield from _literals(child, unseen, is_marked, name in LABELS)


def _children(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """What is below, each with the name of the argument that it is given as."""
    if isinstance(node, ast.keyword):
        yield node.arg or "", node.value
        return
    yield from (("", child) for child in ast.iter_child_nodes(node))


def _is_unseen(node: ast.AST, errors: Set[str]) -> bool:
    if isinstance(node, ast.Assert | ast.Subscript):
        return True
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        return _name(node.exc.func) in errors
    return isinstance(node, ast.Call) and _name(node.func) in UNSEEN_CALLS


def _name(function: ast.expr) -> str:
    return getattr(function, "attr", "") or getattr(function, "id", "")


def _text(node: Literal) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


# -- templates --


def in_template(source: str, path: str) -> Iterator[Found]:
    """Texts of a template outside of ``_()`` and ``{% trans %}``: in HTML those of elements and shown attributes."""
    environment = jinja2.Environment(extensions=["jinja2.ext.i18n"], trim_blocks=True, lstrip_blocks=True)
    tree = environment.parse(source)
    reader = _Html(path) if path.endswith(".html") else None
    for node in _in_order(tree):
        if isinstance(node, nodes.Const):
            if isinstance(node.value, str) and (_LABEL.match(node.value) or _ends_like_a_sentence(node.value)):
                yield Found(path, node.lineno, node.value)
        elif isinstance(node, nodes.TemplateData):
            if reader:
                yield from reader.read(node.data, node.lineno)
            elif _WORD.search(NAMES.sub("", node.data)):
                yield Found(path, node.lineno + _blank_lines(node.data), node.data.strip())
        elif reader:
            reader.value()


def _blank_lines(text: str) -> int:
    """Before the first letter."""
    return text[: len(text) - len(text.lstrip())].count("\n")


def _ends_like_a_sentence(text: str) -> bool:
    return bool(_TWO_WORDS.search(text)) and text.rstrip()[-1:] in ".:?!"


def _in_order(node: nodes.Node) -> Iterator[nodes.Node]:
    """Texts, constants and expressions in the order in which they stand; nothing of what is marked."""
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Call) and isinstance(child.node, nodes.Name) and child.node.name in MARKS:
            yield nodes.Name("marked", "load")
        elif not (isinstance(child, nodes.Block) and child.name in UNSEEN_BLOCKS):
            yield child
            yield from _in_order(child)


class _Html(HTMLParser):
    """Pieces of one template, values between them left out."""

    def __init__(self, path: str) -> None:
        super().__init__(convert_charrefs=False)
        self._path, self._before, self._found = path, 0, list[Found]()

    def read(self, piece: str, line: int) -> list[Found]:
        self._found, self._before = [], line - self.getpos()[0]
        self.feed(piece)
        return self._found

    def value(self) -> None:
        """An expression stands here: in an attribute it is a part of its value."""
        if self.rawdata:
            self.feed("\ufffc")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in SHOWN_ATTRIBUTES or name.startswith("data-label"):
                self._tell(value or "")

    def handle_data(self, data: str) -> None:
        self._tell(data)

    def _tell(self, text: str) -> None:
        if _WORD.search(NAMES.sub("", text)) and not _CODE.search(text):
            line = self._before + self.getpos()[0] + _blank_lines(text)
            self._found.append(Found(self._path, line, text.strip()))


# -- all --


def find() -> Iterator[Found]:
    """In all sources and templates of functions and shared, but for what only operators read."""
    for folder in ("functions", "shared"):
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix == ".py" and not any(_matches(name, pattern) for pattern in FOR_OPERATORS):
                yield from in_python(path.read_text("utf-8"), name)
            elif "/templates/" in name and path.suffix in (".html", ".txt"):
                yield from in_template(path.read_text("utf-8"), name)


def _matches(name: str, pattern: str) -> bool:
    folder, deep, _ = pattern.partition("/**/")
    return name.startswith(f"{folder}/") if deep else PurePath(name).match(pattern)


def main() -> int:
    """Returns the exit status: 1 where a text is not marked."""
    found = list(find())
    print("\n".join(map(str, found)) or "every text is marked for translation")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""The components of the pages: each is shown in every state, in both directions; pages have no markup of their own for
them; and the style sheets keep their order, logical properties and tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest
from jinja2 import nodes

from shared.staff.component_page import NAMES
from shared.web.site import HERE
from tests.functions.desks import Desks

ROOT = Path(__file__).parents[2]
COMPONENTS = HERE / "templates" / "components"
SHEETS = sorted((HERE / "static").glob("*.css"))
PAGES = sorted([*ROOT.glob("functions/*/templates/*.html"), *ROOT.glob("shared/*/templates/*.html")])
PARTS = ["Tokens", "Base", "Layout", "Components", "Print"]
OWN_MARKUP = re.compile(
    r'class="(?:button|badge|notice|error-summary|cards|card|tabs|filters|tags|tiles|figures|answers|confirmation|steps'
    r'|phase-banner|stack|empty|chart|link-button)[" ]'
)
TO_MOVE = {
    "desk_inquiry.html",
    "desk_list.html",
    "desk_parts.html",
    "lists.html",
    "programme.html",
}
PHYSICAL = re.compile(
    r"(?<![\w-])(?:(?:margin|padding|border)-(?:top|right|bottom|left)\b|(?:top|right|bottom|left|(?:(?:min|max)-)?(?:width|height))"
    r"\s*:|(?:text-align|float|clear):\s*(?:left|right))"
)
COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl)a?\(")


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> Desks:
    return Desks(tmp_path_factory.mktemp("desks"))


def tree(source: str) -> nodes.Template:
    return jinja2.Environment(extensions=["jinja2.ext.i18n"]).parse(source)


def macros(name: str) -> set[str]:
    """Those of a component's file that pages may call."""
    found = tree((COMPONENTS / f"{name}.html").read_text()).find_all(nodes.Macro)
    return {f"{name}.{macro.name}" for macro in found if not macro.name.startswith("_")}


def called(source: str) -> set[str]:
    """The macros of components that a template calls, however it has imported them: ``table.nothing``."""
    parsed, modules, names = tree(source), {}, {}
    for one in parsed.find_all((nodes.Import, nodes.FromImport)):
        name = Path(one.template.value).stem
        if isinstance(one, nodes.Import):
            modules[one.target] = name
        else:
            pairs = (told if isinstance(told, tuple) else (told, told) for told in one.names)
            names |= {local: f"{name}.{macro}" for macro, local in pairs}
    found = set()
    for call in parsed.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name):
            found.add(names.get(call.node.name, ""))
        elif isinstance(call.node, nodes.Getattr) and isinstance(call.node.node, nodes.Name):
            found.add(f"{modules.get(call.node.node.name, '')}.{call.node.attr}")
    return found


UNSEEN = {"forms.csrf", "forms.id_of", "forms.offer", "table.nothing"}  # of no look of their own


def unshown(specimens: str) -> set[str]:
    return {macro for name in NAMES for macro in macros(name)} - called(specimens) - UNSEEN


def test_every_macro_has_a_specimen() -> None:
    specimens = (ROOT / "shared/staff/templates/specimens.html").read_text()
    assert not unshown(specimens)
    assert unshown(specimens.replace("tiles_.tiles(", "tiles_.other(")) == {"tiles.tiles"}, "the negative control"


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_page_shows_each_component_in_both_directions(desks: Desks, language: str) -> None:
    page = desks.browser(desks.staff["who", "administrator"]).get(f"/desk/components?lang={language}").text
    for name in NAMES:
        section = page.partition(f'<section id="{name}"')[2].partition("</section>\n")[0]
        directions = re.findall(r'<div lang="(\w+)" dir="(\w+)">\s*<\w', section)
        assert set(directions) == {("en", "ltr"), ("ar", "rtl")}, name
        assert directions[0][0] == language
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


# -- pages and style sheets --


def own_markup(pages: dict[str, str]) -> Iterator[str]:
    for name, source in pages.items():
        yield from (f"{name}: {found[0]}" for found in OWN_MARKUP.finditer(source))


def test_pages_have_no_markup_of_their_own_for_components() -> None:
    pages = {path.relative_to(ROOT).as_posix(): path.read_text() for path in PAGES if path.name not in TO_MOVE}
    assert pages
    assert list(own_markup(pages)) == []
    assert list(own_markup({"x": '<p class="notice wait">'})) == ['x: class="notice ']


def parts(sheet: str) -> list[str]:
    return re.findall(r"/\* == (\w+) == \*/", sheet)


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_a_style_sheet_is_laid_out_in_order_with_logical_properties_and_tokens(path: Path) -> None:
    sheet = path.read_text()
    rules = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    assert parts(sheet) == [part for part in PARTS if part in parts(sheet)]
    assert parts(sheet)
    # Text in another language than the page has its own direction, in which "start" is the other side.
    kept = rules.replace(
        "[dir=rtl] :is(.prose, .card h2, .card h3, article h1, header h1, article li) { text-align: right; }", ""
    )
    kept = re.sub(r"\((?:min|max)-width:", "(", kept)  # of media queries, which know no others
    assert PHYSICAL.findall(kept) == []
    themed = re.sub(r"/\* == (Tokens|Print) == \*/.*?(?=/\* == |\Z)", "", sheet, flags=re.DOTALL)
    assert COLOUR.findall(themed) == [], "a colour that no theme can replace"


def test_what_is_physical_is_seen() -> None:
    for rule in ("margin-left: 0", "width:1px", "text-align: right", "left: 0", "max-height: 2rem", "float: left"):
        assert PHYSICAL.search(f"a {{ {rule} }}"), rule
    for rule in (
        "margin-inline-start: 0",
        "inline-size: 1px",
        "text-align: start",
        "stroke-width: 3",
        "line-height: 2",
    ):
        assert not PHYSICAL.search(f"a {{ {rule} }}"), rule

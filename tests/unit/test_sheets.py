"""Exports are safe to open: no cell is calculated, and a file is whole whatever stands in the store."""

from __future__ import annotations

import csv
import io
import zipfile
from xml.etree import ElementTree

import pytest
from openpyxl import load_workbook

from shared.web.spreadsheets import csv_file, xlsx_file

HARMLESS = ["Ann", "K7QM-3XHD", "12", "-12.5", "+41 22 791 21 11", "+41 (0)22 791", "a=b", "2 - 3", "ann@example.org",
            "Geneva, - Annex", "O'Neill", '"quoted"', "https://x.example/?a=1;b=2"]  # fmt: skip
FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(1)", "+41-22-791", "-", "\t=1", "\r=1", "\n=1", " =1", '"=1', '" =1',
            "\u00a0=1", "＝1+1", "＋1+1", "－1+1", "＠SUM(1)", "﹦1", "=HYPERLINK(1)",
            "+cmd|' /C calc'!A0"]  # fmt: skip
INNER = ["a;=1+1", "a; =1", 'a";=1', 'a;"=1', "a\n=1", "a\r\n+1", "a\t@x", "a;＝1", "1;-1+1", ";=1", "a|=1"]
UNHOLDABLE = [chr(code) for code in (0, 0x0B, 0x1F, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF)]


def rows_of_csv(*cells: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text_of_csv(*cells).removeprefix("\ufeff"), newline="")))


def text_of_csv(*cells: str) -> str:
    return csv_file("list", ["head"], [[cell] for cell in cells]).get_data().decode()


def cells_of_xlsx(*cells: str) -> list[tuple[str, str]]:
    """Value and type of each; the parts of the file must be well-formed XML."""
    content = xlsx_file("list", ["head"], [[cell] for cell in cells]).get_data()
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        for name in parts.namelist():
            ElementTree.fromstring(parts.read(name))
    sheet = load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    return [(cell.value or "", cell.data_type) for [cell] in sheet.iter_rows(min_row=2)]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert rows_of_csv(text)[1:] == [[text]]
    assert cells_of_xlsx(text) == [(text, "s")]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text: str) -> None:
    assert rows_of_csv(text)[1][0].startswith("'")
    [(value, kind)] = cells_of_xlsx(text)
    assert (value[0], kind) == ("'", "s")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("text", [*FORMULAS, *INNER])
def test_wherever_a_reader_cuts_no_cell_begins_a_formula(text: str, separator: str) -> None:
    """Excel separates by what the computer's region says, and forgets about quotation marks in the midst of a cell."""
    written = text_of_csv("first", text).removeprefix("\ufeff")
    for line in written.splitlines():
        for cell in line.split(separator):
            assert cell.strip('" \u00a0')[:1] not in set("=+-@＝＋－＠﹦"), written


@pytest.mark.parametrize("character", UNHOLDABLE, ids=ascii)
def test_what_older_data_hold_spoils_no_export(character: str) -> None:
    assert cells_of_xlsx(f"before{character}after", "next") == [("before\ufffdafter", "s"), ("next", "s")]
    assert rows_of_csv(f"before{character}after", "next")[1:] == [["before\ufffdafter"], ["next"]]


def test_a_heading_is_a_cell_too() -> None:
    assert csv_file("list", ["=1"], []).get_data().decode() == "\ufeff'=1\r\n"

"""Lists for a spreadsheet: CSV and XLSX, safe to open.

A cell that a spreadsheet would take for a formula is written with an apostrophe before it, since names and messages
come from strangers (OWASP, "CSV Injection").
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from flask import Response

from shared.web.downloads import download

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BEGINS = "=+\\-@＝＋－＠﹦﹢﹣﹫"  # a formula, also in its full-width and small forms (Excel in East Asia)
_FORMULA = re.compile(rf'[\s"]*[{_BEGINS}]|[\t\r\n]')
_INNER_FORMULA = re.compile(rf'([;|\t\r\n][\s"]*)(?=[{_BEGINS}])')
_NUMBER = re.compile(r"[+-]\d[\d .,()]*", re.ASCII)  # or a telephone number: no formula can be made of it
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


def defused(cell: object) -> str:
    """The cell as text that no spreadsheet calculates; what a file cannot hold is replaced by U+FFFD."""
    text = _NOT_XML.sub("\ufffd", "" if cell is None else str(cell))
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _defused_anywhere(cell: object) -> str:
    """For CSV: where lists are separated by semicolons, Excel takes one within a cell for the start of the next."""
    return _INNER_FORMULA.sub(r"\1'", defused(cell))


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Streams ``rows``; with the byte order mark that Excel needs to read UTF-8."""

    def lines() -> Iterator[str]:
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        buffer.write("\ufeff")
        for row in chain([header], rows):
            writer.writerow([_defused_anywhere(cell) for cell in row])
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
        yield buffer.getvalue()

    return download(f"{name}.csv", "text/csv; charset=utf-8", lines())


def xlsx_file(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """One sheet, every cell text; rows are written as they come, not kept."""
    from openpyxl.workbook.workbook import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet(name[:31])
    for row in chain([header], rows):
        sheet.append([defused(cell) for cell in row])
    content = io.BytesIO()
    book.save(content)
    return download(f"{name}.xlsx", XLSX, content.getvalue())

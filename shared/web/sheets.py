"""Lists for a spreadsheet: CSV and XLSX, safe to open.

A cell that a spreadsheet would take for a formula is written with an apostrophe before it, since names and messages
come from strangers (OWASP, "CSV Injection").
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from flask import Response

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def defused(cell: object) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(DANGEROUS) else text


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Streams ``rows``; with the byte order mark that Excel needs to read UTF-8."""

    def lines() -> Iterator[str]:
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        buffer.write("\ufeff")
        writer.writerow(header)
        for row in rows:
            writer.writerow([defused(cell) for cell in row])
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
        yield buffer.getvalue()

    return _download(f"{name}.csv", "text/csv; charset=utf-8", lines())


def xlsx_file(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """One sheet, every cell text; rows are written as they come, not kept."""
    from openpyxl.workbook.workbook import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet(name[:31])
    sheet.append(list(header))
    for row in rows:
        sheet.append([defused(cell) for cell in row])
    content = io.BytesIO()
    book.save(content)
    return _download(f"{name}.xlsx", XLSX, content.getvalue())


def _download(filename: str, content_type: str, body: Iterable[str] | bytes) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{filename}"', "Cache-Control": "no-store"}
    return Response(body, content_type=content_type, headers=headers)

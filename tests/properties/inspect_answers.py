"""What every answer must be, whatever stands in it: whole, and with strangers' words as words."""

from __future__ import annotations

import csv
import email.policy
import io
import json
import zipfile
from email import message_from_bytes
from email.errors import NonASCIILocalPartDefect, UndecodableBytesDefect
from email.message import EmailMessage
from html.parser import HTMLParser
from xml.etree import ElementTree

import icalendar
from openpyxl import load_workbook

INTERNATIONAL = (NonASCIILocalPartDefect, UndecodableBytesDefect)  # what Python thinks of a header by RFC 6532
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
FORMULA = tuple("=+-@＝＋－＠\t\r")


class _Html(HTMLParser):
    """Tags must close in their order, and none may come from a text (the hostile ones have ``zz``)."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "zz", "a text became a tag"
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        assert not any(name.startswith("on") for name in names), f"<{tag}> has a script: {names}"
        given = dict(attrs)
        for name in ("href", "src", "action"):
            assert not (given.get(name) or "").strip().lower().startswith(("javascript:", "data:")), given
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")
        if tag not in VOID and tag not in ("path", "rect", "line", "circle"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "zz", "a text became a tag"

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "rect", "line", "circle"):
            assert self.open, f"</{tag}> closes nothing"
            assert self.open.pop() == tag, f"</{tag}> closes another"

    def handle_data(self, data: str) -> None:
        self.words += data

    def handle_comment(self, data: str) -> None:
        assert "zz" not in data, "a text became a comment"


def html(text: str) -> tuple[list[str], str]:
    """Addresses of the links, and the words."""
    reader = _Html()
    reader.feed(text)
    reader.close()
    assert not reader.open, f"never closed: {reader.open}"
    return reader.links, reader.words


def xlsx(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        for name in parts.namelist():
            ElementTree.fromstring(parts.read(name))
    sheet = load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)


def csv_text(text: str) -> None:
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))
    assert len({len(row) for row in rows}) == 1, "rows of different lengths"
    for cell in (cell for row in rows for cell in row):
        assert not cell.startswith(FORMULA) or cell[1:2].isdigit(), f"a formula: {cell!r}"


def calendar(content: bytes) -> None:
    assert all(len(line) <= 75 for line in content.split(b"\r\n")), "RFC 5545, section 3.1"
    events = icalendar.Calendar.from_ical(content).walk("VEVENT")
    assert events
    for event in events:  # several of one UID: the days of an event
        assert event.errors == []
        assert event["UID"]


def mail(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        assert part.defects == [], part.defects
    for name in ("From", "To", "Subject", "Message-ID", "Date"):
        assert len(message.get_all(name, [])) == 1, name
        found = [defect for defect in message[name].defects if not isinstance(defect, INTERNATIONAL)]
        assert found == [], (name, found)
    assert message["Bcc"] is None
    page, text = message.get_body(("html",)), message.get_body(("plain",))
    assert page is not None
    assert text is not None
    html(page.get_content())
    assert text.get_content().strip()
    for part in message.walk():
        if part.get_content_type() in ("text/calendar", "application/ics"):
            calendar(part.get_payload(decode=True))  # type: ignore[arg-type]
    return message


def body(content: bytes, kind: str) -> list[str]:
    """Any answer; returns the addresses that it links to."""
    match kind:
        case "text/html":
            return html(content.decode())[0]
        case "text/csv":
            csv_text(content.decode())
        case "text/calendar":
            calendar(content)
        case "application/json" | "application/problem+json":
            json.loads(content)
        case "message/rfc822":
            mail(content)
        case kind if "spreadsheet" in kind:
            xlsx(content)
    return []

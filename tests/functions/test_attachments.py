"""What is taken of strangers' files: by content and name, without anything that runs, under names of our own."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from functions.inquiries.files import attachments, file_kinds
from functions.inquiries.files.attachments import Attachment, Upload
from functions.inquiries.web.contact_pages import MAX_BODY
from shared.errors import FaultyFields
from shared.keys.links import Link
from tests.functions.browser import Browser, press, words
from tests.functions.inquiry_sites import WHO_OFFICER, World, new_world

TYPES = "[Content_Types].xml"
MAIN = f"{file_kinds.OFFICE}.wordprocessingml.document.main+xml"
RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SCRIPT = b"var shell = new ActiveXObject('WScript.Shell');"


def package(main: str = MAIN, others: str = "", parts: dict[str, str] | None = None) -> bytes:
    """An Office file as far as its kind shows: content types, and parts by name."""
    types = f'<Types><Override PartName="/word/document.xml" ContentType="{main}"/>{others}</Types>'
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, text in {TYPES: types, "word/document.xml": "<document/>", **(parts or {})}.items():
            zipped.writestr(name, text)
    return written.getvalue()


def related(kind: str, target: str, external: bool = True) -> dict[str, str]:
    mode = ' TargetMode="External"' if external else ""
    relationship = f'<Relationship Id="r1" Type="{RELATIONSHIPS}/{kind}" Target="{target}"{mode}/>'
    return {"word/_rels/document.xml.rels": f"<Relationships>{relationship}</Relationships>"}


def refusal(name: str, content: bytes) -> str:
    with pytest.raises(FaultyFields) as raised:
        attachments.check([Upload(name, content)])
    return raised.value.told(str)["attachments"]


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("plan.pdf", b"%PDF-1.7", "application/pdf"),
        ("Plan.PDF", b"%PDF-1.7", "application/pdf"),
        ("scan.jpeg", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("scan.JPG", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("logo.png", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("رسالة.txt", "السلام عليكم".encode(), "text/plain"),
        ("table.csv", b"a,b\n", "text/plain"),
        ("letter.docx", package(), f"{file_kinds.OFFICE}.wordprocessingml.document"),
        ("own.docx", package(parts=related("attachedTemplate", "file:///C:/Users/Ann/Own.dotx")), None),
        ("link.docx", package(parts=related("hyperlink", "https://example.org")), None),
        ("no ending", b"%PDF-1.7", "application/pdf"),
    ],
)
def test_what_is_named_as_it_is(name: str, content: bytes, media_type: str | None) -> None:
    (kept,) = attachments.check([Upload(name, content)])
    assert media_type in (None, kept.media_type)


@pytest.mark.parametrize(
    "ending", ["hta", "js", "bat", "html", "docm", "vbs", "ps1", "lnk", "svg", "cmd", "url", "pdf", "docx", "txt.hta"]
)
def test_text_must_not_carry_another_ending(ending: str) -> None:
    told = refusal(f"invoice.{ending}", SCRIPT)
    assert f"invoice.{ending}" in told
    assert "let it end in .txt" in told


@pytest.mark.parametrize("name", ["a.txt", "a.docx", "a.jpg", "a.pdf.exe", "a.pdf. hta", "a.pdf\u202efdp.hta"])
def test_every_kind_holds_to_its_ending(name: str) -> None:
    assert "let it end in .pdf" in refusal(name, b"%PDF-1.7")


@pytest.mark.parametrize(
    "content",
    [
        package("application/vnd.ms-word.document.macroEnabled.main+xml"),
        package("application/vnd.ms-word.template.macroEnabledTemplate.main+xml"),
        package("application/vnd.ms-excel.sheet.macroEnabled.main+xml"),
        package("application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml"),
        package(parts={"word/vbaProject.bin": "macro"}),
        package(others='<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>'),
        package(others='<Override PartName="/x" ContentType="application/vnd.ms-excel.macrosheet+xml"/>'),
        package(others='<Override PartName="/x" ContentType="application/vnd.ms-office.activeX+xml"/>'),
        package(parts={"word/activeX/activeX1.xml": "<ocx/>"}),
        package(parts=related("oleObject", "embeddings/oleObject1.bin", external=False)),
        package(parts=related("oleObject", "https://evil.example/x.doc")),
        package(parts=related("attachedTemplate", "https://evil.example/x.dotm")),
        package(parts=related("attachedTemplate", r"\\evil.example\x.dotm")),
        package(parts=related("frame", "https://evil.example/x.html")),
        package(parts=related("vbaProject", "anything.bin", external=False)),
    ],
)
@pytest.mark.parametrize("ending", ["docx", "docm"])
def test_office_files_that_run_something_are_refused(content: bytes, ending: str) -> None:
    assert "macros" in refusal(f"plan.{ending}", content)


def bomb() -> bytes:
    return package(parts={"word/_rels/a.rels": "<r>" + " " * file_kinds.MAX_XML + "</r>"})


def entities() -> bytes:
    return package(parts={"word/_rels/a.rels": '<!DOCTYPE r [<!ENTITY a "aaaaaaaa">]><r>&a;</r>'})


def many_parts() -> bytes:
    return package(parts={f"word/{number}.xml": "" for number in range(file_kinds.MAX_PARTS)})


def large_directory() -> bytes:
    return package(parts={f"word/{number}{'x' * 60_000}.xml": "" for number in range(10)})


def twice() -> bytes:
    written = io.BytesIO(package("application/vnd.ms-word.document.macroEnabled.main+xml"))
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(written, "a") as zipped:
        zipped.writestr(TYPES, f'<Types><Override PartName="/x" ContentType="{MAIN}"/></Types>')
    return written.getvalue()


@pytest.mark.parametrize("make", [bomb, entities, many_parts, large_directory, twice])
def test_packages_that_no_office_program_writes_are_refused(make: object) -> None:
    assert callable(make)
    assert "not of a kind" in refusal("plan.docx", make())


@pytest.mark.parametrize("cut", [1, 10, 22, 50, 100])
def test_damaged_packages_are_refused(cut: int) -> None:
    assert "not of a kind" in refusal("plan.docx", package()[:-cut])
    assert "not of a kind" in refusal("plan.docx", b"PK\x03\x04" + package()[cut:-cut])


@pytest.mark.parametrize(
    ("name", "media_type", "saved"),
    [
        ("Plan 1.2 final.pdf", "application/pdf", "7K3M-2PQX-Plan-1-2-final.pdf"),
        ("evil.hta", "text/plain", "7K3M-2PQX-evil.txt"),  # kept before names were looked at
        ("letter.docm", f"{file_kinds.OFFICE}.wordprocessingml.document", "7K3M-2PQX-letter.docx"),
        ("table.csv", "text/plain", "7K3M-2PQX-table.txt"),
        ("CON", "application/pdf", "7K3M-2PQX-CON.pdf"),
        ('";x="\r\n.txt', "text/plain", "7K3M-2PQX-x.txt"),
        ("รายงาน.png", "image/png", "7K3M-2PQX-รายงาน.png"),
        ("x.exe", "application/x-msdownload", "7K3M-2PQX-x.bin"),
    ],
)
def test_files_are_saved_under_names_of_ours(name: str, media_type: str, saved: str) -> None:
    kept = Attachment(id="a", name=name, media_type=media_type, size=1, file="f")
    assert attachments.saved_name("7K3M-2PQX", kept) == saved


# -- as people meet it --


@pytest.fixture
def world(tmp_path: Path) -> World:
    return new_world(tmp_path)


def test_the_error_names_the_file_in_the_visitors_language(world: World) -> None:
    browser = Browser(world.web)
    browser.set_cookie("lang", "ar")
    page = browser.get("/contact")
    fields = {"given_name": "A", "family_name": "B", "email": "a@b.example", "country": "KE", "consent": "on"}
    fields |= {"requester_type": "other", "subject": "S", "message": "M"}
    refused = browser.send(page, **fields, attachments=(io.BytesIO(SCRIPT), "عقد.hta"))
    assert refused.status_code == 422
    told = words(refused)
    assert "عقد.hta" in told
    assert "اسم الملف" in told
    assert world.platform.store.count("inquiries") == 0


def test_the_status_page_the_desk_and_mail_hold_to_the_same(world: World) -> None:
    reference = world.receive()
    link = world.announced("inquiry.received")[0]["recipients"][0]["link"].removeprefix("https://onestop.test")
    visitor, officer = Browser(world.web), world.member(WHO_OFFICER)
    for browser, address, form, field, files in (
        (visitor, link, "/messages", "text", "attachments"),
        (officer, f"/desk/inquiries/{reference}", "/answer", "text", "attachments"),
        (officer, f"/desk/inquiries/{reference}", "/note", "note", "note_attachments"),
    ):
        page = browser.get(address)
        typed = {field: "Please see the file.", "send": "1"}
        refused = press(browser, page, form, **typed, **{files: (io.BytesIO(SCRIPT), "run.js")})
        assert refused.status_code == 422, form
        assert "The name of run.js does not fit its content: let it end in .txt." in words(refused), form
    assert len(world.service.requests.status(Link(reference)).messages) == 1
    assert attachments.MAX_TOTAL < MAX_BODY

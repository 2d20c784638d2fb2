"""What ``shared.ports.Files`` promises."""

from __future__ import annotations

import pytest

from shared.ports import Files


def test_a_file_comes_back_with_its_media_type(files: Files) -> None:
    files.write("inquiries/abc", b"\x00\xff", "application/pdf")
    assert files.read("inquiries/abc") == (b"\x00\xff", "application/pdf")


def test_writing_again_replaces(files: Files) -> None:
    files.write("inquiries/abc", b"one", "text/plain")
    files.write("inquiries/abc", b"two", "text/csv; charset=utf-8")
    assert files.read("inquiries/abc") == (b"two", "text/csv; charset=utf-8")


def test_an_empty_file_is_a_file(files: Files) -> None:
    files.write("exports/empty", b"", "text/plain")
    assert files.read("exports/empty") == (b"", "text/plain")


def test_what_does_not_exist_is_none_and_deleting_it_no_error(files: Files) -> None:
    assert files.read("inquiries/none") is None
    files.delete("inquiries/none")
    files.write("inquiries/abc", b"one", "text/plain")
    files.delete("inquiries/abc")
    assert files.read("inquiries/abc") is None


@pytest.mark.parametrize("name", ["../outside", "a/../../outside", "/etc/passwd", "", "a/b.type", "folder/"])
def test_names_of_another_form_are_refused(files: Files, name: str) -> None:
    for call in (lambda: files.write(name, b"", "text/plain"), lambda: files.read(name), lambda: files.delete(name)):
        with pytest.raises(ValueError, match="file name"):
            call()

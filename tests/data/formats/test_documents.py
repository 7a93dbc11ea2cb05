"""Documents given for data files get a sentence that fits them."""

import zipfile
from pathlib import Path

import pytest

from polyspan.errors import PolyspanError
from polyspan.reading import check, read

OFFICE = ["[Content_Types].xml", "_rels/.rels", "docProps/core.xml"]


def pack(path: Path, *members: str, mimetype: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        if mimetype:
            archive.writestr("mimetype", mimetype)
        for member in members:
            archive.writestr(member, "<x/>")
    return path


@pytest.mark.parametrize(
    ("name", "members", "what", "fix"),
    [
        ("a.xlsx", [*OFFICE, "xl/workbook.xml", "xl/worksheets/sheet1.xml"], "Excel workbook", "CSV UTF-8"),
        ("a.docx", [*OFFICE, "word/document.xml"], "Word document", "table"),
        ("a.csv", [*OFFICE, "xl/workbook.xml"], "Excel workbook", "CSV UTF-8"),
        ("a.pptx", [*OFFICE, "ppt/presentation.xml"], "PowerPoint", "table"),
        ("a.numbers", ["Index/Document.iwa", "Index/Tables/1.iwa"], "Numbers", "CSV"),
    ],
)
def test_zipped_documents(tmp_path: Path, name: str, members: list[str], what: str, fix: str) -> None:
    path = pack(tmp_path / name, *members)
    for call in (read, check):
        with pytest.raises(PolyspanError, match=what) as caught:
            call(path)
        assert fix in caught.value.fix
        assert caught.value.where == str(path)


@pytest.mark.parametrize(("kind", "what"), [("spreadsheet", "spreadsheet"), ("text", "document")])
def test_open_document(tmp_path: Path, kind: str, what: str) -> None:
    path = pack(tmp_path / "a.ods", "content.xml", mimetype=f"application/vnd.oasis.opendocument.{kind}")
    with pytest.raises(PolyspanError, match=f"this is a {what} of LibreOffice"):
        read(path)


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "old Office"),
        (b"%PDF-1.7\n", "PDF"),
        (b"{\\rtf1\\ansi", "Rich Text"),
        (b"\n<!DOCTYPE html>\n<html>", "web page"),
    ],
)
def test_by_the_first_bytes(tmp_path: Path, head: bytes, what: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(head)
    with pytest.raises(PolyspanError, match=what):
        read(path)


def test_a_zip_with_a_folder_called_so_is_data(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("xl/a.jsonl", '{"id": "1", "context": "Orvo", "question": "?", "answers": ["Orvo"]}')
    assert len(read(tmp_path / "a.zip")) == 1

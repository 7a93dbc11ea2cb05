"""Documents that are no data files but are taken for ones: of Word, Excel and their kin, PDF, web pages."""

from polyspan.errors import PolyspanError

_AS_CSV = "save it as CSV UTF-8 (in Excel: File, Save As) and give that file"
_AS_TABLE = "copy its questions into a table with the columns id, context, question, answer, and save that as CSV"
_AGAIN = "download the file itself: a browser's or a site's page about it was saved instead"

_HEADS = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document (.xls, .doc) or one with a password", _AS_CSV),
    (b"%PDF-", "a PDF", _AS_TABLE),
    (b"{\\rtf", "a document in Rich Text Format", _AS_TABLE),
    (b"<!doctype html", "a web page", _AGAIN),
    (b"<html", "a web page", _AGAIN),
)
_PARTS = (
    ("xl/", "an Excel workbook", _AS_CSV),
    ("word/", "a Word document", _AS_TABLE),
    ("ppt/", "a PowerPoint presentation", _AS_TABLE),
    ("Index/Document.iwa", "a document of Numbers or Pages", "export it as CSV and give that file"),
)
_OPEN_DOCUMENT = b"application/vnd.oasis.opendocument."


def refuse_document(data: bytes, name: str) -> None:
    """Raise PolyspanError for a document that its first bytes tell."""
    head = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    for start, what, fix in _HEADS:
        if head[: len(start)].lower() == start.lower():
            raise _refusal(name, what, fix)
    # An OpenDocument file is a zip whose first member, not compressed, says what it is.
    if data.startswith(b"PK\x03\x04") and _OPEN_DOCUMENT in data[:128]:
        if _OPEN_DOCUMENT + b"spreadsheet" in data[:128]:
            raise _refusal(name, "a spreadsheet of LibreOffice", "save it as CSV in UTF-8 and give that file")
        raise _refusal(name, "a document of LibreOffice", _AS_TABLE)


def refuse_parts(members: list[str], name: str) -> None:
    """Raise PolyspanError for a zip whose members make it a document."""
    for part, what, fix in _PARTS:
        if any(member.startswith(part) for member in members) and (
            "[Content_Types].xml" in members or part in members
        ):
            raise _refusal(name, what, fix)


def _refusal(name: str, what: str, fix: str) -> PolyspanError:
    return PolyspanError(f"this is {what}, not a data file", where=name, expected="CSV, JSON or Parquet", fix=fix)

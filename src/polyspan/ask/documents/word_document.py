"""Word documents (.docx): their paragraphs and the rows of their tables, in order, by python-docx."""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from polyspan.ask.documents.document import Document, Heading
from polyspan.ask.documents.document_format import DocumentFormat
from polyspan.ask.documents.parts import Parts
from polyspan.errors import PolyspanError

_MAIN = "word/document.xml"
_UNPACKED = 500_000_000  # bytes
_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)


def _read(data: bytes, path: str, encoding: str | None) -> Document:
    from docx import Document as open_document
    from docx.opc.exceptions import PackageNotFoundError

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > _UNPACKED:
            raise PolyspanError("the document unpacks to more than one would", where=path, found=f"{size:,} bytes")
        blocks = list(_blocks(open_document(io.BytesIO(data))))
    except (
        PackageNotFoundError, zipfile.BadZipFile, AttributeError, LookupError, OSError, RuntimeError, SyntaxError,
        TypeError, ValueError,
    ) as error:  # fmt: skip
        found = f"{type(error).__name__}: {error}"
        fix = "open it in a word processor and save it again"
        raise PolyspanError("the Word document cannot be read", where=path, found=found, fix=fix) from error
    parts = Parts("paragraph")
    kept = [(number, *block) for number, block in enumerate(blocks, 1) if block[0].strip()]
    text = parts.joined([(number, text) for number, text, _ in kept], "\n\n")
    headings = (
        Heading(begin, begin + len(text), level)
        for begin, (_, text, level) in zip(parts.begins, kept, strict=True)
        if level
    )
    return Document(path, text, None, tuple(headings), parts)


def _blocks(document: Any) -> Iterator[tuple[str, int]]:
    """The text of each paragraph and of each row of a table, with its level if it is a heading, else 0."""
    for block in document.iter_inner_content():
        if hasattr(block, "rows"):
            for row in block.rows:
                yield "\t".join(dict.fromkeys(cell.text for cell in row.cells)), 0  # a merged cell comes twice
        else:
            level = _HEADING.fullmatch(block.style.name or "") if block.style is not None else None
            yield block.text, int(level[1]) if level else 0


def _is_word(data: bytes) -> bool:
    if not data.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _MAIN in archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError):
        return False


WORD_DOCUMENT = DocumentFormat("docx", (".docx",), _read, _is_word)

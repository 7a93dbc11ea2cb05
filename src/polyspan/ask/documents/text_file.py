"""Plain text: read as it is; an empty line parts its paragraphs."""

from polyspan.ask.documents.document import Document
from polyspan.ask.documents.document_format import DocumentFormat
from polyspan.ask.documents.file_text import file_text


def _read(data: bytes, path: str, encoding: str | None) -> Document:
    return Document(path, *file_text(data, path, encoding))


TEXT_FILE = DocumentFormat("text", (".txt", ".text", ".log", ".rst"), _read)

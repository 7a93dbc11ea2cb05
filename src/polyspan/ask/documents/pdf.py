"""PDF: the text that pypdf takes out of each page."""

import io
import logging

from polyspan.ask.documents.document import Document
from polyspan.ask.documents.document_format import DocumentFormat
from polyspan.ask.documents.parts import Parts
from polyspan.errors import PolyspanError

_BETWEEN_PAGES = "\n\f\n"


def _read(data: bytes, path: str, encoding: str | None) -> Document:
    from pypdf import PdfReader
    from pypdf.errors import FileNotDecryptedError, PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it mends is of no use to who asks
    try:
        reader = PdfReader(io.BytesIO(data))
        pages = [(number, page.extract_text()) for number, page in enumerate(reader.pages, 1)]
    except FileNotDecryptedError as error:
        raise PolyspanError("the PDF has a password", where=path, fix="save it without one") from error
    except (
        PyPdfError,
        ArithmeticError,
        AttributeError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        found = f"{type(error).__name__}: {error}"
        fix = "open it in a viewer and print it to a new PDF"
        raise PolyspanError("the PDF cannot be read", where=path, found=found, fix=fix) from error
    parts = Parts("page")
    text = parts.joined([(number, text) for number, text in pages if text.strip()], _BETWEEN_PAGES)
    return Document(path, text, None, way_back=parts)


PDF = DocumentFormat("pdf", (".pdf",), _read, lambda data: data.startswith(b"%PDF-"))

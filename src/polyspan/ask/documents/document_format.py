"""What a format of documents is, all of them by name, and how a file becomes a document."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO

from polyspan.ask.documents.document import Document
from polyspan.data.formats.options import Reading
from polyspan.errors import PolyspanError
from polyspan.files import Source, explained
from polyspan.records import Records
from polyspan.text import is_visible

STDIN = "-"
"""The name of what comes in on stdin."""

LARGEST = 20.0
"""Megabytes that a file may have: some ten thousand pages of text."""


@dataclass(frozen=True)
class DocumentFormat:
    """One format. A file is of that which recognises its bytes, else of that which has its suffix, else text."""

    name: str
    suffixes: tuple[str, ...]
    """Endings of file names, in small letters and with the dot."""
    read: Callable[[bytes, str, str | None], Document]
    """The document of a file's bytes, its path, and the encoding that its owner names, which only text has."""
    recognise: Callable[[bytes], bool] = lambda data: False
    """Whether bytes are of this format whatever their file is called."""


DOCUMENT_FORMATS: Records[DocumentFormat] = Records("polyspan.ask.documents", DocumentFormat, "polyspan.documents")


def read_document(path: Source, encoding: str | None = None, largest: float = LARGEST) -> Document:
    """The document in a file, or on stdin for "-".

    `encoding` is what a file of text was saved in, where it does not tell that itself; `largest` is how many
    megabytes it may have. Raises PolyspanError for a file that cannot be read, is too large, or holds no text.
    """
    Reading(encoding)  # refuses an encoding that nobody knows
    name = os.fspath(path)
    data = _bytes(name, largest)
    if not data.strip():
        raise PolyspanError("the file is empty", where=name)
    try:
        document = _format_of(data, name).read(data, name, encoding)
    except ModuleNotFoundError as error:
        fix = "pip install 'polyspan[documents]'"
        raise PolyspanError(
            f"{error.name} is not installed, which reads such files", where=name, fix=fix
        ) from error
    if not any(map(is_visible, document.text)):
        fix = "a scan needs OCR first" if document.encoding is None else "check that this is the file you mean"
        raise PolyspanError("there is no text to read in it", where=name, found=f"{len(data):,} bytes", fix=fix)
    return document


def _format_of(data: bytes, name: str) -> DocumentFormat:
    formats = DOCUMENT_FORMATS.values()
    suffix = PurePath(name).suffix.lower()
    told = (one for one in formats if one.recognise(data))
    named = (one for one in formats if suffix in one.suffixes)
    return next(told, None) or next(named, None) or DOCUMENT_FORMATS["text"]


def _bytes(name: str, largest: float) -> bytes:
    """No more is read than is wanted: a file of the system may have no end."""
    if name == STDIN:
        if sys.stdin is None:
            raise PolyspanError("there is no stdin", fix="name a file")
        with explained("stdin", "read"):
            return _limited(sys.stdin.buffer, "stdin", largest)
    if os.path.isdir(name):
        fix = f"name the files, or give a quoted pattern such as '{os.path.join(name, '*.txt')}'"
        raise PolyspanError("this is a folder, and a document is a file", where=name, fix=fix)
    if not os.path.lexists(name):
        raise PolyspanError("there is no such file", where=name, fix="check the path")
    with explained(name, "read"), open(name, "rb") as file:
        return _limited(file, name, largest)


def _limited(file: BinaryIO, name: str, largest: float) -> bytes:
    data = file.read(int(largest * 1e6) + 1)
    if len(data) > largest * 1e6:
        raise PolyspanError(
            "the file is larger than a document would be",
            where=name,
            expected=f"at most {largest:g} MB",
            fix="split it, or raise --largest",
        )
    return data

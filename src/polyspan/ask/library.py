"""The documents that are asked: files, patterns of files, stdin; what cannot be read is named and left out."""

import glob
import hashlib
import os
import warnings
from collections.abc import Iterator, Sequence

from polyspan.ask.documents.document import Document
from polyspan.ask.documents.document_format import LARGEST, STDIN, read_document
from polyspan.errors import PolyspanError, PolyspanWarning, UsageError
from polyspan.files import Source

_UNDER_FOUND = "\n" + " " * len("  found:    ")

Sources = Source | Document | Sequence[Source | Document]
"""What is asked: files, patterns such as 'docs/**/*.md', "-" for stdin, or documents that were read before."""


def read_documents(sources: Sources, encoding: str | None = None, largest: float = LARGEST) -> list[Document]:
    """The documents in files, each once, in the order given.

    A warning names each file that cannot be read, and those with the text of another. Raises PolyspanError where
    none can be read, and UsageError where none is given. `encoding` and `largest` are as of `read_document`.
    """
    given = [sources] if isinstance(sources, (str, os.PathLike, Document)) else list(sources)
    if not given:
        raise UsageError("no document is given", expected="a file, a quoted pattern, or - for stdin")
    read: list[Document] = []
    faults: list[PolyspanError] = []
    for one in _each(given, faults):
        try:
            read.append(_whole(one) if isinstance(one, Document) else read_document(one, encoding, largest))
        except UsageError:
            raise
        except PolyspanError as error:
            faults.append(error)
    if not read:
        if len(faults) == 1:
            raise faults[0]
        raise PolyspanError("no document can be read", found=_UNDER_FOUND.join(_line(one) for one in faults))
    for fault in faults:
        mind(str(fault))
    return _without_copies(read)


def is_text(text: str) -> bool:
    """Whether there is no half of a surrogate pair in it, which no file of text has."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _whole(document: Document) -> Document:
    if not is_text(document.text):
        raise PolyspanError("a document has half a surrogate pair in it", where=document.path)
    return document


def _each(given: list[Source | Document], faults: list[PolyspanError]) -> Iterator[Source | Document]:
    """Documents and the paths of files, patterns resolved, each file once."""
    known: set[str | int] = set()
    for one in given:
        try:
            found: Sequence[str | Document] = [one] if isinstance(one, Document) else _paths(os.fspath(one))
        except PolyspanError as error:
            faults.append(error)
            continue
        for path in found:
            key = id(path) if isinstance(path, Document) else path if path == STDIN else os.path.realpath(path)
            if key not in known:
                known.add(key)
                yield path


def _paths(path: str) -> list[str]:
    if "\0" in path or not path:
        raise PolyspanError("that is not a path", found=repr(path))
    if path == STDIN or os.path.lexists(path):
        return [path]
    path = os.path.expanduser(path)
    if not any(char in path for char in "*?["):
        return [path]
    inside = os.path.realpath(_folder(path))
    found: list[str] = []
    outside: list[str] = []
    for one in sorted(glob.glob(path, recursive=True)):
        if os.path.isfile(one):
            within = os.path.commonpath([inside, os.path.realpath(one)]) == inside
            (found if within else outside).append(one)
    if outside:
        names = f"{', '.join(outside[:3])}{' …' if len(outside) > 3 else ''}"
        mind(f"left out: links that lead out of the folder of {path} (name them to have them read): {names}")
    if not found:
        raise PolyspanError("no file matches the pattern", where=path, fix="check the folder and the pattern")
    return found


def _folder(pattern: str) -> str:
    """The folder that a pattern's files are in, or its folders."""
    while glob.has_magic(pattern):
        pattern = os.path.dirname(pattern)
    return pattern or os.curdir


def _without_copies(documents: list[Document]) -> list[Document]:
    first: dict[bytes, Document] = {}
    copies = []
    for document in documents:
        key = hashlib.sha256(document.text.encode("utf-8", "surrogatepass")).digest()
        if first.setdefault(key, document) is not document:
            copies.append(f"{document.path} (of {first[key].path})")
    if copies:
        mind(f"copies, read once: {', '.join(copies[:3])}{f' and {len(copies) - 3} more' if copies[3:] else ''}")
    return list(first.values())


def _line(fault: PolyspanError) -> str:
    return f"{fault.where}: {fault.brief}" if fault.where else fault.brief


def mind(text: str) -> None:
    """Warn of something, at the line that asked: two calls above the one that minds."""
    warnings.warn(text, PolyspanWarning, stacklevel=4)

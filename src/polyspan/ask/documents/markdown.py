"""Markdown: read as it is, with its headings."""

import re
from collections.abc import Iterator

from polyspan.ask.documents.document import Document, Heading
from polyspan.ask.documents.document_format import DocumentFormat
from polyspan.ask.documents.file_text import file_text

# CommonMark 0.31: fences (4.5), ATX headings (4.2) and setext headings (4.3) of a line.
_BLOCK = re.compile(
    r"^ {0,3}(?:"
    r"(?P<fence>`{3,}|~{3,})[^\n]*(?:\n(?! {0,3}(?P=fence))[^\n]*)*(?:\n {0,3}(?P=fence)[^\n]*)?"
    r"|(?P<marks>\#{1,6})[ \t]+(?P<atx>[^\r\n]*)"
    r"|(?P<setext>[^\s>*+\-][^\r\n]*)\r?\n {0,3}(?P<line>=+|-{2,})[ \t]*\r?$"
    r")",
    re.MULTILINE,
)


def _read(data: bytes, path: str, encoding: str | None) -> Document:
    text, encoding = file_text(data, path, encoding)
    return Document(path, text, encoding, tuple(_headings(text)))


def _headings(text: str) -> Iterator[Heading]:
    for block in _BLOCK.finditer(text):
        if block["fence"]:
            continue
        kind = "setext" if block["line"] else "atx"
        words = block[kind].rstrip()
        bare = words.rstrip("#")
        if kind == "atx" and bare[-1:] in (" ", "\t", ""):  # a closing sequence
            words = bare.rstrip()
        if words:
            level = len(block["marks"]) if kind == "atx" else 1 if block["line"][0] == "=" else 2
            yield Heading(block.start(kind), block.start(kind) + len(words), level)


MARKDOWN = DocumentFormat("markdown", (".md", ".markdown", ".mdown", ".mkd"), _read)

"""What a document is: a text to read, and a way from its characters back to the file."""

import re
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

PART = re.compile(r"(?:\r\n?|\n)[^\S\r\n\f]*(?:\r\n?|\n)|\f")
"""What parts paragraphs, an empty line, and pages, a form feed."""

Counted = Literal["file", "markup", "page", "paragraph"]
"""What offsets count. `file`: characters of the file's decoded text, and `content[start:end]` is the text;
`markup`: the same, but there is markup in between that nobody sees; `page` and `paragraph`: characters of the text
that was taken out of one page or paragraph of the file."""


class Spot(NamedTuple):
    """A stretch of a document as its file has it; `start` and `end` are code points, `line` counts from 1.

    `part` is the number, from 1, of the page or paragraph that they count in; None where it is the whole file.
    """

    start: int
    end: int
    line: int
    counted: Counted = "file"
    part: int | None = None


class WayBack(Protocol):
    """The way from a document's text to its file."""

    def spot(self, text: str, start: int, end: int) -> Spot:
        """Where `text[start:end]` stands; `text` is the document's."""


class AsOnDisk:
    """The text is the file's own."""

    def spot(self, text: str, start: int, end: int) -> Spot:
        """The same place."""
        return Spot(start, end, line_of(text, start))


class Heading(NamedTuple):
    """A heading is `text[start:end]` of a document; level 1 is the highest."""

    start: int
    end: int
    level: int


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a file, with its headings in order. `PART` stands between its paragraphs and its pages.

    `encoding` is the one that the file's bytes were decoded with; None where its text was taken out another way.
    """

    path: str
    text: str
    encoding: str | None = "utf-8"
    headings: tuple[Heading, ...] = ()
    way_back: WayBack = field(default_factory=AsOnDisk)

    def spot(self, start: int, end: int) -> Spot:
        """Where `text[start:end]` stands in the file."""
        return self.way_back.spot(self.text, start, end)


def line_of(text: str, start: int) -> int:
    """The number of the line that a character stands in, from 1; lines end with LF, CR LF or CR."""
    return text.count("\n", 0, start) + text.count("\r", 0, start) - text.count("\r\n", 0, start) + 1

"""What a document is: a text to read, and a way from its characters back to the file."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

Counted = Literal["file", "markup", "extracted"]
"""What offsets count: characters of the file's decoded text, where `content[start:end]` is the text itself or has
`markup` in it that is not seen; or those of the text that was extracted from a page or paragraph of it."""


class Spot(NamedTuple):
    """A stretch of a document as its file has it; `start` and `end` are code points, `line` counts from 1.

    `part` is the number, from 1, of the page or paragraph whose text they count in; None where it is the file's.
    """

    start: int
    end: int
    line: int
    counted: Counted = "file"
    part: int | None = None


class Places(Protocol):
    """The way from a document's text to its file."""

    def spot(self, text: str, start: int, end: int) -> Spot:
        """Where `text[start:end]` stands; `text` is the document's."""


class AsOnDisk:
    """The text is the file's own."""

    def spot(self, text: str, start: int, end: int) -> Spot:
        """The same place."""
        return Spot(start, end, line_of(text, start))


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading in a document's text, `text[start:end]`; `level` is 1 for the highest."""

    start: int
    end: int
    level: int


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a file, with its headings in order. Paragraphs stand apart by an empty line."""

    path: str
    text: str
    places: Places = field(default_factory=AsOnDisk)
    headings: tuple[Heading, ...] = ()

    def spot(self, start: int, end: int) -> Spot:
        """Where `text[start:end]` stands in the file."""
        return self.places.spot(self.text, start, end)


def line_of(text: str, start: int) -> int:
    """The number of the line that a character stands in, from 1; lines end with LF, CR LF or CR."""
    return text.count("\n", 0, start) + text.count("\r", 0, start) - text.count("\r\n", 0, start) + 1

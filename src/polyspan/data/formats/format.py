"""What a format of data files is, and all of them by name."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TextIO

from polyspan.data.schema import Corpus
from polyspan.records import Records

if TYPE_CHECKING:
    from polyspan.data.formats.parsed import Parsed


class Irregular(Exception):
    """A file cannot be read piece by piece: it is broken, or of a rarer shape."""


@dataclass(frozen=True)
class Format:
    """One format. Its content is text, which is decoded before, or bytes where it is `binary`.

    A file is of the first format that recognises its content; else of the one that has its suffix and does not
    deny the content; else it is JSON.
    """

    name: str
    suffixes: tuple[str, ...]
    """Endings of file names, in small letters and with the dot."""
    parse: "Callable[[Any, Parsed], None]"
    """Put what the content holds into a `Parsed`: paragraphs with their places, and a fault for what is wrong."""
    write: Callable[[Corpus], bytes | Iterable[bytes]] | None = None
    """A corpus as the bytes of a file, where the format can be written; the same for the same corpus, whole or in
    pieces."""
    sheet: Callable[[Corpus], bytes | Iterable[bytes]] | None = None
    """The same for people with a spreadsheet, which is written where the format is asked for by its name."""
    recognise: Callable[[Any], bool | None] = lambda content: None
    """Whether content is of this format whatever its file is called: yes, no, or None where the suffix decides."""
    binary: bool = False
    marked: bool = False
    """Whether a byte order mark at the start is the custom, and no fault."""
    holds: Literal["questions", "contexts", "both"] = "questions"
    """What it has a place for: contexts with their questions, contexts alone, or contexts with and without."""
    stream: "Callable[[TextIO, Parsed], None] | None" = None
    """As `parse`, from an open file of which no more than a piece is held. Raises Irregular for what needs the
    whole: `parse` then has its turn, and comes to the same where both can read a file."""


FORMATS: Records[Format] = Records("polyspan.data.formats", Format, "polyspan.formats")


def format_of(suffix: str, content: Any, binary: bool) -> Format | None:
    """The format of a file by its content, text or bytes, and the suffix of its name; None where nothing tells."""
    there = {format: format.recognise(content) for format in FORMATS.values() if format.binary is binary}
    named = (format for format, told in there.items() if told is None and suffix in format.suffixes)
    return next((format for format, told in there.items() if told), next(named, None))


def pieces(content: bytes | Iterable[bytes]) -> Iterable[bytes]:
    """What `write` and `sheet` give, in pieces: one, where it is whole."""
    return [content] if isinstance(content, bytes) else content


def sheets() -> list[str]:
    """The names of the formats that a spreadsheet opens."""
    return [name for name, format in FORMATS.items() if format.sheet]


def written() -> dict[str, Format]:
    """The formats that can be written, by suffix."""
    return {suffix: format for format in FORMATS.values() if format.write for suffix in format.suffixes}

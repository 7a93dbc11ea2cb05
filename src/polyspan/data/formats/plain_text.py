"""Plain text as a corpus: each line is a context without questions, as a teacher keeps sentences."""

import re

from polyspan.data.formats.format import Format
from polyspan.data.formats.parsed import Parsed
from polyspan.data.schema import Corpus, Paragraph
from polyspan.errors import PolyspanError, shorten

_DATA = re.compile(r"\s*(\{\s*[\"}]|\[\s*\{)")  # JSON that goes by the name of a text


def _parse(text: str, parsed: Parsed) -> None:
    """Parse lines into `parsed`; an empty line is an empty context, so that as many lines can be written again."""
    parsed.plain = True
    lines = text.split("\n")
    for number, line in enumerate(lines if lines[-1] else lines[:-1], 1):
        place = f"line {number}"
        if "\0" in line:
            parsed.fault(place, "", "nul", f"U+0000 in {shorten(line)}", "text without NUL", "take it out")
        parsed.places.append(place)
        parsed.paragraphs.append(Paragraph(line.removesuffix("\r"), ()))


def _write(corpus: Corpus) -> bytes:
    """Each context of a corpus as one line. Raises PolyspanError for a context of several lines."""
    several = next((paragraph.context for paragraph in corpus.paragraphs if "\n" in paragraph.context), None)
    if several is not None:
        raise PolyspanError("a context has several lines", found=shorten(several), expected="a sentence a line")
    return "".join(paragraph.context + "\n" for paragraph in corpus.paragraphs).encode()


TEXT = Format(
    "txt",
    (".txt",),
    _parse,
    _write,
    recognise=lambda text: False if _DATA.match(text) else None,
    marked=True,
    holds="contexts",
)

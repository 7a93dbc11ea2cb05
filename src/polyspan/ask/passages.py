"""Documents cut into passages: paragraphs taken together up to about what a Reader sees at once."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from polyspan.ask.documents.document import PART, Document, Heading
from polyspan.make.sentences import sentences
from polyspan.text import is_visible

SIZE = 1200
"""Bytes of UTF-8 that a passage has at most: in most scripts some 300 pieces, a window less its question."""

_AGAIN = SIZE // 4  # bytes at most of a sentence that is read again before the next one, which may need it
_STRETCH = 20_000  # characters that are cut into sentences at a time
_PLACE = re.compile(r".*\s", re.DOTALL)


@dataclass(frozen=True, slots=True)
class DocumentPassage:
    """A passage: `start` and `end` are code points of the text of the document of that number.

    `text` is what is read: the document's, and before it the heading that it stands under, if that is not in it.
    """

    document: int
    start: int
    end: int
    text: str
    heading: Heading | None = None

    def in_document(self, start: int, end: int) -> tuple[int, int] | None:
        """The place of `text[start:end]` in the document's text; None where it reaches from the heading on."""
        lead = len(self.text) - (self.end - self.start)
        if start >= lead:
            shift = self.start - lead
        elif self.heading is not None and end < lead:
            shift = self.heading.start
        else:
            return None
        return start + shift, end + shift


class _Sentence(NamedTuple):
    start: int
    end: int
    size: int


@dataclass(slots=True)
class _Stretch:
    """What is not torn apart: a paragraph, or some sentences of a long one; headings stay with what follows."""

    start: int
    end: int
    size: int
    page: int
    heading: Heading | None
    """The one above it."""
    opens: bool
    """Whether it begins with a heading."""


def passages(documents: Sequence[Document], size: int = SIZE) -> list[DocumentPassage]:
    """The passages of documents, in order; none reaches over the end of a page, and each has something visible."""
    return [
        passage for number, document in enumerate(documents) for passage in _of_document(number, document, size)
    ]


def _of_document(number: int, document: Document, size: int) -> Iterator[DocumentPassage]:
    taken: list[_Stretch] = []
    for stretch in _stretches(document, size):
        whole = sum(part.size for part in taken)
        full = whole + stretch.size > size or (stretch.opens and whole > size // 2)
        if taken and (full or stretch.page != taken[0].page or stretch.start < taken[-1].end):
            yield _passage(number, document, taken)
            taken = []
        taken.append(stretch)
    if taken:
        yield _passage(number, document, taken)


def _passage(number: int, document: Document, taken: list[_Stretch]) -> DocumentPassage:
    start, end = taken[0].start, taken[-1].end
    heading = None if taken[0].opens else taken[0].heading
    lead = f"{document.text[heading.start : heading.end]}\n" if heading is not None else ""
    return DocumentPassage(number, start, end, lead + document.text[start:end], heading)


def _stretches(document: Document, size: int) -> Iterator[_Stretch]:
    text, coming = document.text, list(document.headings)[::-1]
    heading: Heading | None = None
    held: _Stretch | None = None  # a heading that waits for its text
    for start, end, page in _paragraphs(text):
        opens = False
        while coming and coming[-1].start < end:
            heading = coming.pop()
            opens = opens or not text[start : heading.start].strip("# \t>")
        alone = opens and heading is not None and not text[heading.end : end].strip("#=- \t\r\n")
        for first, last, bytes_ in _cut(text, start, end, size):
            one = _Stretch(first, last, bytes_, page, heading, opens and first == start)
            if held is not None and held.page == page:
                one = _Stretch(held.start, last, held.size + bytes_, page, heading, True)
            elif held is not None:
                yield held
            held = one if alone else None
            if not alone:
                yield one
    if held is not None:
        yield held


def _paragraphs(text: str) -> Iterator[tuple[int, int, int]]:
    """Start, end and page of each paragraph, less what is not visible around it."""
    start, page = 0, 0
    for end, part in [*((match.start(), match) for match in PART.finditer(text)), (len(text), None)]:
        if (found := _visible(text, start, end)) is not None:
            yield *found, page
        if part is not None:
            start, page = part.end(), page + (part[0] == "\f")


def _visible(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and not is_visible(text[start]):
        start += 1
    while start < end and not is_visible(text[end - 1]):
        end -= 1
    return (start, end) if start < end else None


def _cut(text: str, start: int, end: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Start, end and bytes of a paragraph, or, where it is long, of as many of its sentences as fit each time."""
    if (whole := _bytes(text[start:end])) <= size:
        yield start, end, whole
        return
    at = start
    group: list[_Sentence] = []
    for sentence in _sentences(text[start:end]):
        one = _Sentence(at, at + len(sentence), _bytes(sentence))
        at = one.end
        if group and sum(each.size for each in group) + one.size > size:
            yield from _together(text, group)
            group = group[-1:] if len(group) > 1 and group[-1].size <= _AGAIN else []
        group.append(one)
    yield from _together(text, group)


def _together(text: str, group: Sequence[_Sentence]) -> Iterator[tuple[int, int, int]]:
    if (found := _visible(text, group[0].start, group[-1].end)) is not None:
        yield *found, sum(each.size for each in group)


def _sentences(text: str) -> Iterator[str]:
    """The sentences of a text of any length: of one without any end to them, too."""
    start = 0
    while start < len(text):
        place = _PLACE.match(text, start, start + _STRETCH) if len(text) - start > _STRETCH else None
        end = place.end() if place else start + _STRETCH
        yield from sentences(text[start:end])
        start = end


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))

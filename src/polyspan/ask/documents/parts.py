"""Documents in parts, pages or paragraphs, whose text was taken out of a file: offsets count within a part."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Literal

from polyspan.ask.documents.document import Spot, line_of


class Parts:
    """The parts of a text: the i-th is the file's number `numbers[i]` and begins at `begins[i]`."""

    def __init__(self, kind: Literal["page", "paragraph"]) -> None:
        self._kind = kind
        self.begins: list[int] = []
        self._numbers: list[int] = []

    def joined(self, parts: Sequence[tuple[int, str]], gap: str) -> str:
        """Parts, each with its number in the file, as one text with `gap` between them."""
        size = 0
        for number, text in parts:
            self.begins.append(size)
            self._numbers.append(number)
            size += len(text) + len(gap)
        return gap.join(text for _, text in parts)

    def spot(self, text: str, start: int, end: int) -> Spot:
        """Within the part where it begins."""
        place = bisect_right(self.begins, start) - 1
        begin = self.begins[place]
        line = line_of(text[begin:], start - begin)
        return Spot(start - begin, end - begin, line, self._kind, self._numbers[place])

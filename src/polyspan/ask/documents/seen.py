"""Which stretches of a source are seen, and where in it: the way back from a page's text to its markup."""

from bisect import bisect_right

from polyspan.ask.documents.document import Spot, line_of


class Seen:
    """Stretches of a source in order, each a text that `length` characters of it stand for."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.size = 0
        """Characters that are seen."""
        self._texts: list[str] = []
        self._begins: list[int] = []  # in the text
        self._places: list[tuple[int, int]] = []  # in the source: start, length

    @property
    def text(self) -> str:
        """All that is seen."""
        return "".join(self._texts)

    def put(self, text: str, start: int, length: int) -> None:
        """Add what is seen of `source[start:start + length]`: those characters, or a text of another length."""
        if text:
            self._texts.append(text)
            self._begins.append(self.size)
            self._places.append((start, length))
            self.size += len(text)

    def spot(self, text: str, start: int, end: int) -> Spot:
        """From the first character's place in the source to the last one's."""
        first, behind = self._place(start)
        last = self._place(end - 1)[1] if end > start else behind
        same = self.source[first:last] == text[start:end]
        return Spot(first, last, line_of(self.source, first), "file" if same else "markup")

    def _place(self, at: int) -> tuple[int, int]:
        number = max(bisect_right(self._begins, at) - 1, 0)
        start, length = self._places[number]
        if length != len(self._texts[number]):
            return start, start + length
        start += at - self._begins[number]
        return start, start + 1

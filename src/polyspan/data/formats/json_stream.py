"""JSON in pieces: the values of a long text one by one, without the text or the tree of all of them."""

import re
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from polyspan.data.formats.doubles import load_from
from polyspan.data.formats.format import Irregular

Decode = Callable[[str, int], tuple[Any, int]]

_PIECE = 2**20  # characters
_SOLID = re.compile(r"[^ \t\n\r]")


class JsonStream:
    """Walks through the JSON text of an open file, and holds the value at hand alone.

    `members` and `items` go into an object or a list; before they go on, the value they stand at must be taken, by
    `value` or by going into it. Raises Irregular where the text is no JSON. `decode` gives the value at a place of
    a text, and where it ends.
    """

    def __init__(self, file: TextIO, decode: Decode = load_from) -> None:
        self._file, self._decode = file, decode
        self._text, self._at = "", 0

    def peek(self) -> str:
        """The next character that is no space; nothing at the end."""
        while True:
            if (found := _SOLID.search(self._text, self._at)) is not None:
                self._at = found.start()
                return found[0]
            self._at = len(self._text)
            if not self._read():
                return ""

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                found, end = self._decode(self._text, self._at)
            except RecursionError:
                raise Irregular from None
            except ValueError:
                if not self._read():
                    raise Irregular from None
                continue
            if end < len(self._text) or not self._read():  # a number at the end may have more digits
                self._at = end
                return found

    def members(self) -> Iterator[str]:
        """The keys of an object, each of them before its value; one that stands twice comes twice."""
        self._require("{")
        if self._takes("}"):
            return
        while True:
            key = self.value()
            if not isinstance(key, str):
                raise Irregular
            self._require(":")
            yield key
            if self._takes("}"):
                return
            self._require(",")

    def filled(self, found: dict[str, Any], key: str) -> Iterator[None]:
        """Put the members of an object into `found`, but stop at the member `key`, whose value must be taken.
        Raises Irregular where one stands twice."""
        for name in self.members():
            if name in found:
                raise Irregular
            found[name] = None if name == key else self.value()
            if name == key:
                yield

    def items(self) -> Iterator[int]:
        """The numbers of a list's items, each of them before the item."""
        self._require("[")
        number = 0
        if self._takes("]"):
            return
        while True:
            yield number
            number += 1
            if self._takes("]"):
                return
            self._require(",")

    def _takes(self, char: str) -> bool:
        there = self.peek() == char
        self._at += there
        return there

    def _require(self, char: str) -> None:
        if not self._takes(char):
            raise Irregular

    def _read(self) -> bool:
        """Read on, as much as is left over at least: a long value is then tried a few times only."""
        piece = self._file.read(max(_PIECE, len(self._text) - self._at))
        if piece:
            self._text, self._at = self._text[self._at :] + piece, 0
        return bool(piece)

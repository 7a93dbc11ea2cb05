"""Word vectors in the text format of fastText and word2vec: a word and its numbers a line, the frequent first."""

import gzip
import itertools
import warnings
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

import numpy as np
from numpy.typing import NDArray

from polyspan.errors import PolyspanError, UsageError, shorten
from polyspan.files import Source, explained, replacing

Floats = NDArray[np.float32]

_LINES = 2000  # parsed at a time
_GZ = b"\x1f\x8b"
_FORM = "a word and its numbers a line, single spaces between; a first line `count width` may announce them"


@dataclass(frozen=True, slots=True, eq=False)
class WordVectors:
    """Words in the order of their file, the frequent ones first, and a float32 row of `matrix` for each.

    `duplicates` is how many lines were left out because their word had come before.
    """

    words: tuple[str, ...]
    matrix: Floats = field(repr=False)
    duplicates: int = 0
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.matrix.ndim != 2 or len(self.matrix) != len(self.words):
            found = f"{len(self.words)} words, a matrix of shape {self.matrix.shape}"
            raise UsageError("word vectors need one row a word", found=found)

    def __len__(self) -> int:
        return len(self.words)

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return int(self.matrix.shape[1])

    def rows(self) -> dict[str, int]:
        """The row of each word."""
        return {word: row for row, word in enumerate(self.words)}


def read_vectors(path: Source, most: int | None = None, words: Collection[str] | None = None) -> WordVectors:
    """Read a `.vec` file, also gzipped, line by line; the header `count width` may be missing.

    With `words` only those are kept, and at most the first `most`; nothing is read beyond them. A word that comes
    again is left out and counted. Raises PolyspanError, with file and line, for a file that is empty or cannot be
    read, a header that the lines do not bear out, a line with another number of numbers, text that is no number,
    NaN and infinity, and where none of the `words` is there.
    """
    if most is not None and most < 1:
        raise UsageError("most must be at least 1", found=str(most))
    wanted = None if words is None else frozenset(words)
    with explained(path, "read"), _opened(path) as file:
        return _Reading(str(path), most, wanted).run(file)


def write_vectors(vectors: WordVectors, path: Source) -> None:
    """Write a `.vec` file with its header, exact to the last bit. Raises PolyspanError for a word with a space."""
    bad = next((word for word in vectors.words if not word or " " in word or "\n" in word), None)
    if bad is not None:
        raise PolyspanError("a .vec file cannot hold this word", where=str(path), found=repr(bad))
    line = "%s" + " %.9g" * vectors.width + "\n"
    with replacing(path) as part, open(part, "w", encoding="utf-8", newline="\n") as file:
        file.write(f"{len(vectors)} {vectors.width}\n")
        for word, row in zip(vectors.words, vectors.matrix.tolist(), strict=True):
            file.write(line % (word, *row))


@contextmanager
def _opened(path: Source) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked where its first two say gzip."""
    with open(path, "rb") as plain:
        if plain.peek(2)[:2] != _GZ:
            yield plain
            return
        with gzip.GzipFile(fileobj=plain) as packed:
            try:
                yield packed  # type: ignore[misc]
            except (zlib.error, EOFError, gzip.BadGzipFile) as error:
                fix = "download or copy it again"
                raise PolyspanError(
                    "cannot unpack the file", where=str(path), found=str(error), fix=fix
                ) from error


class _Reading:
    """One pass over a file: words and rows kept so far, and what each line is held against."""

    def __init__(self, path: str, most: int | None, wanted: frozenset[str] | None) -> None:
        self.path, self.most, self.wanted = path, most, wanted
        self.announced: int | None = None  # words that the header promises
        self.width = 0
        self.lines = 0  # lines with a vector
        self.number = 0  # of the line at hand, from 1
        self.kept: dict[str, None] = {}
        self.doubled = 0
        self.parts: list[Floats] = []

    def run(self, file: IO[bytes]) -> WordVectors:
        first = file.readline()
        if not first.strip():
            raise PolyspanError("the file of word vectors is empty", where=self.path, expected=_FORM)
        self._header(first)
        rest: Iterator[bytes] = file if self.announced is not None else itertools.chain([first], file)
        self.number = 1 if self.announced is not None else 0
        while not self._full() and (chunk := list(itertools.islice(rest, _LINES))):
            self._take(chunk)
        if not self._full() and self.announced not in (None, self.lines):
            raise PolyspanError(
                "the header of the word vectors is wrong",
                where=f"{self.path}, line 1",
                found=f"{self.announced:,} words announced, {self.lines:,} there",
                fix="download the file again, or mend the first line",
            )
        if not self.kept:
            found = (
                f"none of the {len(self.wanted):,} words asked for"
                if self.wanted is not None
                else "a header alone"
            )
            raise PolyspanError("no word vector is left", where=self.path, found=found, expected=_FORM)
        return WordVectors(tuple(self.kept), np.concatenate(self.parts), self.doubled, self.path)

    def _full(self) -> bool:
        enough = self.most is not None and len(self.kept) >= self.most
        return enough or (self.wanted is not None and len(self.kept) == len(self.wanted))

    def _header(self, line: bytes) -> None:
        """Two whole numbers announce words and width; any other first line is a vector and shows the width."""
        parts = line.split()
        if len(parts) == 2 and all(part.lstrip(b"-").isdigit() for part in parts):
            self.announced, self.width = map(int, parts)
            if self.announced < 1 or self.width < 1:
                raise self._fault(line, "the header of the word vectors is wrong", "count and width above 0", 1)
        else:
            self.width = line.rstrip().count(b" ")
            if self.width < 1:
                raise self._fault(line, "the first line is neither a header nor a word vector", _FORM, 1)

    def _take(self, chunk: Sequence[bytes]) -> None:
        """Check each line's width, and parse the lines that are kept at once."""
        texts: list[bytes] = []
        numbers: list[int] = []
        for line in chunk:
            self.number += 1
            word, _, values = line.rstrip(b" \r\n").partition(b" ")
            if not word or values.count(b" ") + 1 != self.width:
                if not line.strip() and self.announced == self.lines:
                    continue  # an empty line at the end
                raise self._unlike(line, values)
            self.lines += 1
            name = self._word(word)
            if self._full() or (self.wanted is not None and name not in self.wanted):
                continue
            if name in self.kept:
                self.doubled += 1
                continue
            self.kept[name] = None
            texts.append(values)
            numbers.append(self.number)
        if texts:
            self.parts.append(self._parsed(texts, numbers))

    def _word(self, word: bytes) -> str:
        try:
            return word.decode("utf-8-sig" if self.number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise self._fault(word, "the word vectors are not UTF-8", "a file in UTF-8") from None

    def _parsed(self, texts: list[bytes], numbers: list[int]) -> Floats:
        values = _numbers(b" ".join(texts))
        if values is not None and values.size == len(texts) * self.width and np.isfinite(values).all():
            return values.reshape(len(texts), self.width)
        for text, number in zip(texts, numbers, strict=True):  # find the line
            alone = _numbers(text)
            if alone is None or alone.size != self.width or not np.isfinite(alone).all():
                expected = f"{self.width} finite numbers after the word"
                raise self._fault(text, "a word vector cannot be read", expected, number)
        raise AssertionError("the lines are right one by one, and not together")

    def _unlike(self, line: bytes, values: bytes) -> PolyspanError:
        if not line.strip():
            return self._fault(line, "an empty line among the word vectors", _FORM)
        if line.startswith(b" "):
            return self._fault(line, "no word before the numbers", _FORM)
        said = "the header says" if self.announced is not None else "the first line has"
        found = values.count(b" ") + 1 if values else 0
        message = f"a word vector of {found} numbers"
        return self._fault(line, message, f"a word, then {self.width} numbers, as {said}")

    def _fault(self, line: bytes, message: str, expected: str, number: int | None = None) -> PolyspanError:
        return PolyspanError(
            message,
            where=f"{self.path}, line {self.number if number is None else number:,}",
            found=shorten(line.decode("utf-8", "replace").strip()),
            expected=expected,
            fix="mend or remove the line, or download the file again",
        )


def _numbers(text: bytes) -> Floats | None:
    """All numbers of a text, or None where something else stands between them."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # how numpy reports text that is no number
        try:
            return np.fromstring(text, np.float32, sep=" ")
        except (DeprecationWarning, ValueError):
            return None

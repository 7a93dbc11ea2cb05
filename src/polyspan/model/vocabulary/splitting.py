"""Texts split into words or characters without anything learnt: what word vectors and QANet count and number."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tokenizers import Regex, pre_tokenizers

from polyspan.errors import choose

_SINGLE = r"\p{Han}\p{Hiragana}\p{Katakana}"  # scripts without spaces: a character is a word
UNITS = {
    "word": rf"[{_SINGLE}]|[\p{{L}}\p{{M}}\p{{N}}_&&[^{_SINGLE}]]+|\S",
    "character": r"\S\p{M}*",
}
"""What a piece is, as a regular expression. `word`: a run of letters and digits, but each Han or kana character
alone, and each other sign. `character`: every character with the marks that it bears."""


def splitter(unit: str) -> Any:
    """A pre-tokenizer of `tokenizers` that cuts a text into `unit`s; white space goes, offsets are exact."""
    choose("unit", unit, UNITS)
    return pre_tokenizers.Split(Regex(UNITS[unit]), "removed", invert=True)


def split_texts(texts: Iterable[str], unit: str) -> list[list[str]]:
    """The units of each text, in order."""
    cut = splitter(unit)
    return [[piece for piece, _ in cut.pre_tokenize_str(text)] for text in texts]


def counted(lines: Iterable[list[str]], fewest: int) -> list[str]:
    """The units that occur at least `fewest` times, frequent ones first, those of one count by code points."""
    counts = Counter(piece for line in lines for piece in line)
    return sorted((piece for piece, count in counts.items() if count >= fewest), key=lambda p: (-counts[p], p))

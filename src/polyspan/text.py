"""Unicode facts that tokenising, scoring and checking share."""

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # scoring does without numpy
    import numpy as np
    from numpy.typing import NDArray

# Scripts written without spaces, where one character is one unit: Han and kana; and with their vowels and marks
# Thai and Lao, Tibetan, Burmese, Khmer.
_CJK = "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U000323af"
_MARKED = "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f"
_PLACES = (*range(0x0E00, 0x10A0), *range(0x1780, 0x1800), *range(0xA9E0, 0xAA80))
_MARKS = "".join(char for char in map(chr, _PLACES) if unicodedata.category(char)[0] == "M")
_UNIT = re.compile(f"[{_CJK}]|(?=\\w)[{_MARKED}][{_MARKS}]*|[^\\W{_CJK}{_MARKED}]+")
ALONE = f"[{_CJK}{_MARKED}]"
"""A pattern for the characters that `stands_alone` knows."""
_ALONE = re.compile(ALONE)

# Default_Ignorable_Code_Point (DerivedCoreProperties.txt of Unicode 16): nothing is drawn for these.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[\\s\x00-\x1f\x7f-\x9f{_IGNORABLE}]")


@cache
def is_visible(char: str) -> bool:
    """Whether a character is seen: not white space, a control, or ignorable by default (U+200B, U+FEFF, …)."""
    return _INVISIBLE.match(char) is None


@cache
def is_mark(char: str) -> bool:
    """Whether Unicode files the character under combining marks (any M* category)."""
    return unicodedata.category(char).startswith("M")


def is_punctuation(char: str) -> bool:
    """Whether Unicode files the character under punctuation (any P* category)."""
    return unicodedata.category(char).startswith("P")


def places_of(text: str, kind: Callable[[str], bool]) -> "NDArray[np.bool_]":
    """Which characters of a text are of a kind; each different one is asked about once."""
    import numpy as np

    wanted = [ord(char) for char in set(text) if kind(char)]
    return np.isin(np.frombuffer(text.encode("utf-32-le"), np.uint32), wanted)


def units(text: str) -> list[tuple[int, int]]:
    """Spans of the word-like units of a text, for any script.

    A run of letters and digits is one unit; a Han or kana character is a unit by itself, and so is one of Thai,
    Lao, Tibetan, Burmese or Khmer with its marks.
    Returns (start, end) code-point pairs in order.
    """
    return [match.span() for match in _UNIT.finditer(text)]


def stands_alone(char: str) -> bool:
    """Whether a unit that begins with the character is no word but one character, with its marks."""
    return _ALONE.match(char) is not None

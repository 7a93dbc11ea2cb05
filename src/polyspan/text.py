"""Unicode facts that tokenising, scoring and checking share."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

# Han, kana: scripts written without spaces, where one character is one unit.
_CJK = "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U000323af"
_UNIT = re.compile(f"[{_CJK}]|[^\\W{_CJK}]+")

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


def places_of(text: str, kind: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Which characters of a text are of a kind; each different one is asked about once."""
    wanted = [ord(char) for char in set(text) if kind(char)]
    return np.isin(np.frombuffer(text.encode("utf-32-le"), np.uint32), wanted)


def units(text: str) -> list[tuple[int, int]]:
    """Spans of the word-like units of a text, for any script.

    A run of letters and digits is one unit; a Han or kana character is a unit by itself.
    Returns (start, end) code-point pairs in order.
    """
    return [match.span() for match in _UNIT.finditer(text)]


def joined(sentences: Sequence[str], language: str) -> str:
    """Sentences as one paragraph: with spaces between, but for Chinese and Japanese."""
    return ("" if language.split("-")[0] in ("zh", "ja") else " ").join(sentences)

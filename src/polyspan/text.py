"""Unicode facts that tokenising, scoring and checking share."""

import re
import unicodedata
from collections.abc import Sequence

from polyspan.languages import sentence_space

# Han, kana: scripts written without spaces, where one character is one unit.
_CJK = "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U000323af"
_UNIT = re.compile(f"[{_CJK}]|[^\\W{_CJK}]+")


def is_punctuation(char: str) -> bool:
    """Whether Unicode files the character under punctuation (any P* category)."""
    return unicodedata.category(char).startswith("P")


def units(text: str) -> list[tuple[int, int]]:
    """Spans of the word-like units of a text, for any script.

    A run of letters and digits is one unit; a Han or kana character is a unit by itself.
    Returns (start, end) code-point pairs in order.
    """
    return [match.span() for match in _UNIT.finditer(text)]


def joined(sentences: Sequence[str], language: str | None) -> str:
    """Sentences as one paragraph: with spaces between, but for Chinese and Japanese."""
    return sentence_space(language).join(sentences)

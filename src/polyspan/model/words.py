"""Answers as whole words: the nearest places at which a word of the text begins and ends."""

from bisect import bisect_left, bisect_right
from functools import lru_cache

import regex

from polyspan.text import ALONE

# Word boundaries are those of Unicode (UAX #29), with the three freedoms that it leaves to who knows the language:
# scripts without spaces; an elided article before a word (l'eau, with the apostrophe at the end of the article), a
# genitive behind one (Newton's); and in Korean the particle that follows a word without a space.
_BOUNDARY = rf"\b|(?:(?<={ALONE})|(?={ALONE}))(?!\p{{M}})"
_BEGINS = regex.compile(rf"{_BOUNDARY}|(?<=['’])(?!\p{{M}})", regex.WORD)
_ENDS = regex.compile(rf"{_BOUNDARY}|(?=['’])|(?=[\uac00-\ud7a3\u1100-\u115f])", regex.WORD)


def whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """The span `text[start:end]`, made longer at either side as far as it cuts a word there.

    Beside a character of a script without spaces (Han, kana, Thai, Lao, Khmer, Burmese, Tibetan) nothing is made
    longer, but for the marks that belong to it. A Korean answer may end within a word, before a particle. Offsets
    are code points; an empty span stays as it is.
    """
    if start >= end:
        return start, end
    begins, ends = _places(text)
    return begins[bisect_right(begins, start) - 1], ends[bisect_left(ends, end)]


@lru_cache(maxsize=4)  # the questions on one context come together
def _places(text: str) -> tuple[list[int], list[int]]:
    """All places at which a span may begin, and those at which one may end."""
    begins = {0, *(match.start() for match in _BEGINS.finditer(text))}
    ends = {len(text), *(match.start() for match in _ENDS.finditer(text))}
    return sorted(begins), sorted(ends)

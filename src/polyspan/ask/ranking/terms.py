"""What of a text is looked for in others: its words and their parts, or characters where there are no spaces."""

import unicodedata
from functools import cache

import regex

from polyspan.text import ALONE, stands_alone

_HANGUL = "\\p{Hangul}"
_UNIT = regex.compile(f"(?=\\w){ALONE}\\p{{M}}*|{_HANGUL}+|(?:(?!{ALONE}|{_HANGUL})[\\w\\p{{M}}])+")
_STRETCH = 4  # letters: the best n-grams in most of eight European languages (Information Retrieval 7, 2004)


def terms(text: str) -> list[str]:
    """The terms of a text in order, in NFKC and without difference of case.

    A word is itself and, where it is longer than three letters, its stretches of four with `_` as its border:
    inflected forms share most of them. A word in Hangul, which has its particles on it, is its pairs of syllables.
    In scripts without spaces each character is a term, with its marks, and so is each pair of neighbours.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    found: list[str] = []
    end, last = -1, ""  # of the character before, where it stands alone
    for match in _UNIT.finditer(folded):
        unit = match.group()
        if not stands_alone(unit):
            found += _parts(unit)
            continue
        found.append(unit)
        if match.start() == end:
            found.append(last + unit)
        end, last = match.end(), unit
    return found


@cache
def _is_hangul(char: str) -> bool:
    return regex.match(_HANGUL, char) is not None


def _parts(word: str) -> list[str]:
    if _is_hangul(word[0]):
        return [word[at : at + 2] for at in range(max(1, len(word) - 1))]
    if len(word) < _STRETCH:
        return [word]
    bordered = f"_{word}_"
    return [word, *(bordered[at : at + _STRETCH] for at in range(len(bordered) - _STRETCH + 1))]

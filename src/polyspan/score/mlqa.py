"""`mlqa.v1`: the script of MLQA (Lewis et al. 2020), for its seven languages.

Lower case; every Unicode and ASCII punctuation mark deleted; the language's articles dropped; white space
collapsed. F1 counts words; in Chinese each character from U+4E00 to U+9FA5 is a word, in exact match too.

The Arabic rule is the script's own: its pattern drops the letters of the article wherever they stand in a word,
which was hardly meant, but published numbers stand on it.
"""

import re
import string
from dataclasses import replace
from functools import partial

from polyspan.score.metric import Metric, shared
from polyspan.text import is_punctuation

_ARTICLES = {
    "ar": r"\sال^|ال",
    "de": r"\b(?:der|die|das|den|dem|des|eine?|eine[mnrs])\b",
    "en": r"\b(?:an?|the)\b",
    "es": r"\b(?:el|las?|los|una?|un[ao]s)\b",
    "hi": None,
    "vi": r"\b(?:của|là|cái|chiếc|những)\b",
    "zh": None,
}
_HAN = "[\u4e00-\u9fa5]"


class _Deleted(dict[int, int | None]):
    """A table for `str.translate` that looks a character up once: `None` deletes it, itself keeps it."""

    def __missing__(self, code: int) -> int | None:
        char = chr(code)
        self[code] = kept = None if is_punctuation(char) or char in string.punctuation else code
        return kept


_DELETED = _Deleted()


def normalise(text: str, language: str = "") -> str:
    """Lower case, no punctuation, no articles of the language, single spaces; Chinese characters set apart."""
    text = text.lower().translate(_DELETED)
    if articles := _ARTICLES.get(language):
        text = re.sub(articles, " ", text)
    if language == "zh":
        text = re.sub(_HAN, r" \g<0> ", text)
    return " ".join(text.split())


def words(text: str, language: str = "") -> list[str]:
    """The normalised text, split at spaces."""
    return normalise(text, language).split()


def _localised(language: str) -> Metric:
    return replace(V1, normalise=partial(normalise, language=language), units=partial(words, language=language))


V1 = Metric(
    "mlqa.v1",
    normalise,
    words,
    shared,
    about="MLQA’s script: the articles of the language dropped; F1 counts words, in Chinese characters.",
    source="Lewis et al. 2020",
    languages=tuple(_ARTICLES),
    default_for=("ar", "de", "es", "hi", "vi"),  # English and Chinese have rules of their own data sets
    localise=_localised,
)

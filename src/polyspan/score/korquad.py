"""`korquad.v1`: the script of KorQuAD 1.0 (Lim, Kim & Lee 2019).

Quotation marks and brackets become spaces; lower case; other ASCII punctuation is deleted; white space collapsed.
Exact match keeps the spaces between words, F1 counts characters without them. There are no articles.
"""

import string

from polyspan.score.metric import Metric, shared

_SPACED = "'\"《》<>〈〉()‘’"
_CHANGED = str.maketrans(dict.fromkeys(string.punctuation) | dict.fromkeys(_SPACED, " "))


def normalise(text: str) -> str:
    """Lower case, quotation marks and brackets to spaces, no other ASCII punctuation, single spaces."""
    return " ".join(text.lower().translate(_CHANGED).split())


def characters(text: str) -> str:
    """The characters of the normalised text, spaces left out."""
    return normalise(text).replace(" ", "")


V1 = Metric("korquad.v1", normalise, characters, shared)

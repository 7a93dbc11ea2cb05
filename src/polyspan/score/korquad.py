"""`korquad.v1`: the script of KorQuAD 1.0 (Lim, Kim & Lee 2019).

Quotation marks and brackets become spaces; lower case; other ASCII punctuation is deleted; white space collapsed,
in this order: a capital sigma is lower-cased by what stands beside it, so "ΟΔΟΣ'Α" ends a word. Exact match keeps
the spaces between words, F1 counts characters without them. There are no articles.
"""

from polyspan.score.metric import Metric, shared
from polyspan.score.squad import DELETED

_SPACED = str.maketrans(dict.fromkeys("'\"《》<>〈〉()‘’", " "))


def normalise(text: str) -> str:
    """Quotation marks and brackets to spaces, lower case, no other ASCII punctuation, single spaces."""
    return " ".join(text.translate(_SPACED).lower().translate(DELETED).split())


def characters(text: str) -> str:
    """The characters of the normalised text, spaces left out."""
    return normalise(text).replace(" ", "")


V1 = Metric(
    "korquad.v1",
    normalise,
    characters,
    shared,
    about="KorQuAD 1.0’s script: F1 counts characters, so that a Korean ending costs little.",
    source="Lim, Kim & Lee 2019",
    languages=("ko",),
    default_for=("ko",),
)

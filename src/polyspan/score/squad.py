"""`squad.v1` and `squad.v2`: the scripts of SQuAD 1.1 (Rajpurkar et al. 2016) and 2.0 (Rajpurkar et al. 2018).

Both: lower case; ASCII punctuation deleted; the words a, an, the dropped; white space collapsed. Exact match
compares what is left, F1 counts its words. They differ where something is empty: in v1 two empty texts match
exactly with an F1 of 0, and a question without a prediction counts as 0; in v2 two empty texts have an F1 of 1,
unanswerable questions have the gold answer "", and a question without a prediction leaves the average.
"""

import re
import string

from polyspan.score.metric import SPACED, Metric, shared, shared_or_both_empty

DELETED = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def normalise(text: str) -> str:
    """Lower case, no ASCII punctuation, no English articles, single spaces."""
    return without_articles(text.lower().translate(DELETED))


def without_articles(text: str) -> str:
    """The English articles dropped from a lower-case text and its white space collapsed."""
    return " ".join(_ARTICLES.sub(" ", text).split())


def words(text: str) -> list[str]:
    """The normalised text, split at spaces."""
    return normalise(text).split()


V1 = Metric(
    "squad.v1",
    normalise,
    words,
    shared,
    about="SQuAD 1.1’s script: lower case, without punctuation and English articles; F1 counts words.",
    source="Rajpurkar et al. 2016",
    languages=(SPACED,),
    default_for=(SPACED,),
)
V2 = Metric(
    "squad.v2",
    normalise,
    words,
    shared_or_both_empty,
    no_answer=True,
    about="SQuAD 2.0’s script: as squad.v1, with questions that have no answer.",
    source="Rajpurkar et al. 2018",
    languages=(SPACED,),
)

"""`drcd.v1`: how the authors of DRCD (Shao et al. 2018) say they score; they published no script.

From their answer in the data set's issue 6: SQuAD 1.1's script, but punctuation includes eight full-width marks,
and F1 counts the characters of the normalised text, so that a space inside it counts as one.
"""

import string

from polyspan.score.metric import UNSPACED, Metric, shared
from polyspan.score.squad import without_articles

_DELETED = str.maketrans("", "", string.punctuation + "《》？，。、；：")


def normalise(text: str) -> str:
    """Lower case, no ASCII and none of the eight full-width marks, no English articles, single spaces."""
    return without_articles(text.lower().translate(_DELETED))


# Of the rules that count characters, mlqa.v1 and cmrc.v1 do so for Han alone and leave kana and Thai in long runs;
# hsu.v1 may count words on one side; korquad.v1 keeps the marks 、 and 。
V1 = Metric(
    "drcd.v1",
    normalise,
    units=normalise,
    overlap=shared,
    about="DRCD’s rule: as squad.v1, without full-width punctuation; F1 counts characters.",
    source="Shao et al. 2018",
    languages=(UNSPACED,),
    default_for=(UNSPACED,),
)

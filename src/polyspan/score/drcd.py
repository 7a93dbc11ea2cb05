"""`drcd.v1`: how the authors of DRCD (Shao et al. 2018) say they score; they published no script.

From their answer in the data set's issue 6: SQuAD 1.1's script, but punctuation includes eight full-width marks,
and F1 counts the characters of the normalised text, so that a space inside it counts as one.
"""

import string

from polyspan.score.metric import Metric, shared
from polyspan.score.squad import without_articles

_DELETED = str.maketrans("", "", string.punctuation + "《》？，。、；：")


def normalise(text: str) -> str:
    """Lower case, no ASCII and none of the eight full-width marks, no English articles, single spaces."""
    return without_articles(text.lower().translate(_DELETED))


V1 = Metric("drcd.v1", normalise, units=normalise, overlap=shared)

"""`hsu.v1`: the scorer of a co-author of Hsu, Liu & Lee (EMNLP 2019), from his fork of pytorch-transformers.

SQuAD 2.0's script with one change: F1 counts words where a text is pure ASCII, and characters otherwise (of the
normalised text, so that a space inside it counts as one). Which of the two is decided for prediction and gold
apart: "1945" against "1945年" is one word against five characters, and scores 0. Full-width punctuation stays.
As in SQuAD 2.0's script, a question without a prediction leaves the average.
"""

from collections.abc import Sequence

from polyspan.score.metric import Metric, shared_or_both_empty
from polyspan.score.squad import normalise


def words_or_characters(text: str) -> Sequence[str]:
    """Words of the normalised text where the text, before normalising, is ASCII; its characters otherwise."""
    return normalise(text).split() if text.isascii() else list(normalise(text))


V1 = Metric(
    "hsu.v1",
    normalise,
    words_or_characters,
    shared_or_both_empty,
    no_answer=True,
    about="A scorer by a co-author of Hsu et al. (2019): F1 counts words in ASCII texts, else characters.",
    source="Hsu, Liu & Lee 2019",
)

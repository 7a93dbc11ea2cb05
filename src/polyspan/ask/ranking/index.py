"""Which of many passages are worth reading for a question."""

from collections.abc import Sequence
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from polyspan.ask.ranking.lexical import WordIndex
from polyspan.errors import UsageError, choose

By = Literal["auto", "both", "bm25", "embeddings"]
CLEAR = 0.25
"""`auto` lets words decide alone where a passage holds this share of what the question's terms weigh."""

_WORDS = 0.25  # what a share counts beside a cosine: those of E5 differ by some hundredths
_AT_ONCE = 256  # questions: their scores of all passages are in memory together


class Index:
    """Passages that are ranked for any number of questions.

    `by` says what by: `bm25`, words; `embeddings`, vectors of the bundled encoder, which need no common language;
    `both`, the cosine and a quarter of the share of the question's words (`WordIndex.scores`) added; `auto`, words
    where they are clear (`CLEAR`) and both where not, as for a question in another language. Nothing is computed
    before it is needed; `doing` names the embedding of the passages for the progress. Raises UsageError for
    another `by`.
    """

    def __init__(self, passages: Sequence[str], by: By = "auto", doing: str = "") -> None:
        choose("way of ranking", by, get_args(By))
        self.passages, self.by, self.doing = passages, by, doing

    def best(self, question: str, top: int) -> list[int]:
        """The numbers of the `top` best passages, best first; of equal ones the first comes first.

        All of them in their own order, without ranking, where there are no more.
        """
        return self.best_of_each([question], top)[0]

    def best_of_each(self, questions: Sequence[str], top: int) -> list[list[int]]:
        """`best` for each of many questions, which are embedded together."""
        if top < 1:
            raise UsageError("top must be at least 1", found=str(top))
        if len(self.passages) <= top:
            return [list(range(len(self.passages))) for _ in questions]
        found: list[list[int]] = []
        for first in range(0, len(questions), _AT_ONCE):
            order = np.argsort(-self.scores(questions[first : first + _AT_ONCE]), axis=1, kind="stable")
            found += order[:, :top].tolist()
        return found

    def scores(self, questions: Sequence[str]) -> NDArray[np.float32]:
        """How well each passage fits, (questions, passages): the higher the better, for one question."""
        if self.by == "embeddings":
            return self._cosines(questions)
        found = np.stack([self._words.scores(question) for question in questions])
        if self.by != "bm25":
            unclear = found.max(axis=1) < (CLEAR if self.by == "auto" else np.inf)
            if unclear.any():
                asked = [question for question, one in zip(questions, unclear, strict=True) if one]
                found[unclear] = self._cosines(asked) + _WORDS * found[unclear]
        return found

    def _cosines(self, questions: Sequence[str]) -> NDArray[np.float32]:
        from polyspan.ask.ranking.embeddings import embed  # with torch, only where it is needed

        found: NDArray[np.float32] = embed(questions, "query") @ self._vectors.T
        found[:, [not passage.strip() for passage in self.passages]] = -1.0  # that of nothing is near all
        return found

    @cached_property
    def _words(self) -> WordIndex:
        return WordIndex(self.passages)

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        from polyspan.ask.ranking.embeddings import embed

        return embed(self.passages, "passage", self.doing)

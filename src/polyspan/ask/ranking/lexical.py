"""Passages ranked by the words that they share with a question: BM25 (Robertson et al. 1994) in Lucene's form."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from polyspan.ask.ranking.terms import terms


class WordIndex:
    """The terms of passages, counted once for any number of questions."""

    def __init__(self, passages: Sequence[str]) -> None:
        import bm25s  # with scipy, which takes longer to import than a few passages to rank

        numbers: dict[str, int] = {}
        found = [[numbers.setdefault(term, len(numbers)) for term in terms(passage)] for passage in passages]
        self._size, self._numbers = len(passages), dict(numbers)  # bm25s adds "" to its own
        self._holding = Counter(number for one in found for number in set(one))
        self._index = bm25s.BM25(method="lucene")
        if numbers:
            self._index.index((found, numbers), show_progress=False)

    def scores(self, question: str) -> NDArray[np.float32]:
        """For each passage, from 0 below 1: its BM25 as a share of what all terms of the question weigh together.

        A term weighs the more the fewer passages hold it, and most where none does.
        """
        asked = terms(question)
        if not asked or not self._numbers:
            return np.zeros(self._size, np.float32)
        weight = sum(self._weight(term) for term in asked)
        found: NDArray[np.float32] = self._index.get_scores(asked)
        return found / np.float32(weight)

    def _weight(self, term: str) -> float:
        number = self._numbers.get(term)
        holding = 0 if number is None else self._holding[number]
        return math.log(1 + (self._size - holding + 0.5) / (holding + 0.5))

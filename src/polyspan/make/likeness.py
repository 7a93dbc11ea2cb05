"""Which texts are most like a text in words: Okapi BM25 (Robertson et al., TREC-3, 1995), for any script."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from polyspan.make.recover import fold
from polyspan.text import stands_alone, units

_K1, _B = 1.2, 0.75  # the usual ones: how soon a repeated term counts no more, and how much length counts


def terms(text: str) -> list[str]:
    """What a text is compared by: its words without case, and in scripts that put no spaces between words, and in
    Korean, whose particles stick to them, each two characters that follow one another."""
    folded, runs, last = fold(text), list[list[str]](), -1
    for start, end in units(folded):
        word = folded[start:end]
        if stands_alone(word):
            if start == last:
                runs[-1].append(word)
            else:
                runs.append([word])
            last = end
        else:
            runs.append(list(word) if "가" <= word[0] <= "힣" else [word])
    return [term for run in runs for term in (map("".join, pairwise(run)) if len(run) > 1 else run)]


class Likeness:
    """An index of texts, to be asked how much each is like another text."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(terms(text)) for text in texts]
        self.terms: list[frozenset[str]] = [frozenset(count) for count in counts]
        lengths = np.array([count.total() for count in counts], dtype=float)
        length = _K1 * (1 - _B + _B * lengths / max(lengths.mean(), 1.0))
        found: dict[str, tuple[list[int], list[int]]] = {}
        for place, count in enumerate(counts):
            for term, often in count.items():
                places, number = found.setdefault(term, ([], []))
                places.append(place)
                number.append(often)
        self._size = len(texts)
        self._postings: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        for term, (places, number) in found.items():
            at, times = np.array(places), np.array(number, dtype=float)
            self._postings[term] = at, self._weight(len(at)) * times * (_K1 + 1) / (times + length[at])

    def _weight(self, texts: int) -> float:
        return math.log(1 + (self._size - texts + 0.5) / (texts + 0.5))

    def weight(self, term: str) -> float:
        """How telling a term is: the more, the fewer texts have it."""
        return self._weight(len(self._postings[term][0]) if term in self._postings else 0)

    def scores(self, text: str) -> NDArray[np.float64]:
        """How much each of the texts is like this one, of shape (texts,); 0 without a common term."""
        scores = np.zeros(self._size)
        for term in terms(text):
            if term in self._postings:
                at, score = self._postings[term]
                scores[at] += score
        return scores

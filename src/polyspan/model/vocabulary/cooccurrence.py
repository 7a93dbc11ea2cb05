"""Word vectors from the texts of corpora alone: counts of neighbours, factorised.

Positive pointwise mutual information of words and their neighbours, with smoothed contexts, then a truncated SVD
weighted by the square root of the singular values (Levy, Goldberg & Dagan 2015, TACL 3, §2.2, §3.3).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.vocabulary.pieces import texts_of
from polyspan.model.vocabulary.splitting import counted, split_texts
from polyspan.model.vocabulary.word_vectors import WordVectors
from polyspan.progress import progress

_SMOOTHING = 0.75  # of the neighbours' counts


def corpus_vectors(
    corpora: Sequence[Corpus],
    unit: str = "word",
    width: int = 300,
    window: int = 5,
    *,
    fewest: int = 2,
    seed: int = 0,
    doing: str = "",
) -> WordVectors:
    """Vectors of the `unit`s ("word" or "character") that occur `fewest` times in the corpora, the frequent first.

    Neighbours are the units within `window` to the left and right, in one text. Contexts and questions are texts,
    each once. The mean squared norm is 1. Raises PolyspanError where there are not more units than `width`.
    """
    if min(width, window, fewest) < 1:
        raise UsageError("width, window and fewest must be at least 1", found=f"{width}, {window}, {fewest}")
    lines = split_texts(texts_of(corpora), unit)
    words = counted(lines, fewest)
    if len(words) <= width:
        raise PolyspanError(
            f"too little text for vectors of {width} numbers",
            found=f"{len(words)} {unit}s that occur {fewest} times or more",
            expected=f"more than {width}",
            fix="give more --data, or a smaller --width",
        )
    numbers = {word: number for number, word in enumerate(words)}
    texts = [np.array([numbers[word] for word in line if word in numbers], np.int32) for line in lines]
    with progress(doing, window + 1, "passes") as advance:
        counts = None
        for distance in range(1, window + 1):
            counts = _neighbours(texts, distance, len(words), counts)
            advance(1, "")
        matrix = _factorised(_informative(counts), width, seed)
        advance(1, "")
    return WordVectors(tuple(words), matrix, source=", ".join(corpus.name for corpus in corpora))


def _neighbours(texts: Sequence[NDArray[np.int32]], distance: int, size: int, counts: Any) -> Any:
    """`counts` with the pairs at one distance added, both ways: a sparse matrix (size, size) of float64."""
    from scipy.sparse import coo_array

    left = np.concatenate([text[:-distance] for text in texts])
    right = np.concatenate([text[distance:] for text in texts])
    pairs = coo_array((np.ones(len(left)), (left, right)), shape=(size, size)).tocsr()
    both = pairs + pairs.T
    return both if counts is None else counts + both


def _informative(counts: Any) -> Any:
    """max(0, log p(w, c) / (p(w) p(c))) where the pair was seen, p(c) of counts raised to 0.75."""
    counts = counts.tocoo()
    of_word = np.asarray(counts.sum(1)).ravel()
    smoothed = of_word**_SMOOTHING
    information = np.log(counts.data * smoothed.sum() / (of_word[counts.row] * smoothed[counts.col]))
    counts.data = np.maximum(information, 0)
    return counts.tocsr()


def _factorised(information: Any, width: int, seed: int) -> NDArray[np.float32]:
    """U·√Σ of the `width` largest singular values, largest first; each column's largest number is positive."""
    from scipy.sparse.linalg import svds

    start = np.random.default_rng(seed).normal(size=information.shape[0])
    left, values, _ = svds(information, k=width, v0=start)
    order = np.argsort(-values, kind="stable")
    matrix = left[:, order] * np.sqrt(values[order])
    matrix *= np.sign(matrix[np.abs(matrix).argmax(0), np.arange(width)])
    scaled: NDArray[np.float32] = (matrix / np.sqrt((matrix**2).sum(1).mean())).astype(np.float32)
    return scaled

"""Which sentences of a translation stand for which of its source, by their lengths alone (Gale & Church 1993).

Long sentences become long ones: of all ways through both texts, the likeliest, where the length of a translation
is normally distributed around its source's. Their priors and variance; the ratio of lengths is that of the texts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from polyspan.make.sentences import sentences

_VARIANCE = 6.8  # of a translation's length, for each character of the source
_PRIORS = {(1, 1): 0.89, (1, 0): 0.0099, (0, 1): 0.0099, (2, 1): 0.089, (1, 2): 0.089, (2, 2): 0.011}


@dataclass(frozen=True, slots=True)
class SentencePair:
    """`source[a:b]` and `target[a:b]` for each other; one of them may be empty."""

    source: tuple[int, int]
    target: tuple[int, int]


def sentence_pairs(source: str, target: str) -> list[SentencePair]:
    """Both texts, whole and in order, as stretches of none, one or two sentences that stand for each other."""
    a, b = _places(source), _places(target)
    ratio = len(target) / len(source) if source else 1.0
    best = {(0, 0): (0.0, (0, 0))}
    for i in range(len(a)):
        for j in range(len(b)):
            ways = (
                (best[before][0] + _cost(a[i] - a[before[0]], b[j] - b[before[1]], ratio, step), step)
                for step in _PRIORS
                if (before := (i - step[0], j - step[1])) in best
            )
            if i or j:
                best[i, j] = min(ways)
    pairs, at = [], (len(a) - 1, len(b) - 1)
    while at != (0, 0):
        step = best[at][1]
        before = at[0] - step[0], at[1] - step[1]
        pairs.append(SentencePair((a[before[0]], a[at[0]]), (b[before[1]], b[at[1]])))
        at = before
    return pairs[::-1]


def _places(text: str) -> Sequence[int]:
    """Where sentences begin, and where the last one ends."""
    places = [0]
    for sentence in sentences(text):
        places.append(places[-1] + len(sentence))
    return places


def _cost(source: int, target: int, ratio: float, step: tuple[int, int]) -> float:
    """−log of how likely it is that so many characters stand for so many."""
    expected = ratio * source
    length = max((expected + target) / 2, 1.0)
    deviation = abs(target - expected) / math.sqrt(length * _VARIANCE)
    return -math.log(_PRIORS[step]) - math.log(max(math.erfc(deviation / math.sqrt(2)), 1e-300))

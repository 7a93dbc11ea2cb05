"""What a metric is: how a text is normalised, which units of it are counted, and how units overlap."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Overlap = Callable[[Sequence[str], Sequence[str]], float]


@dataclass(frozen=True)
class Metric:
    """One official rule. A name (`squad.v1`) never changes its meaning; a correction gets a new name."""

    name: str
    normalise: Callable[[str], str]
    """Text to what exact match compares."""
    units: Callable[[str], Sequence[str]]
    """Text (not yet normalised) to the words or characters that F1 counts."""
    overlap: Overlap
    """F1 of the prediction's units against a gold answer's units, from 0 to 1."""
    no_answer: bool = False
    """Whether questions may be unanswerable, as in SQuAD 2.0: their gold is "", and a question without a
    prediction leaves the average, where the other rules count it as 0."""

    def exact(self, prediction: str, gold: str) -> bool:
        """Whether the two texts are the same after normalising."""
        return self.normalise(prediction) == self.normalise(gold)

    def f1(self, prediction: str, gold: str) -> float:
        """F1 of a prediction against one gold answer, from 0 to 1."""
        return self.overlap(self.units(prediction), self.units(gold))


def shared(prediction: Sequence[str], gold: Sequence[str]) -> float:
    """F1 over the units as multisets, order ignored. Nothing in common is 0, and so are two empty sequences."""
    if prediction == gold:
        return 1.0 if gold else 0.0
    if set(prediction).isdisjoint(gold):
        return 0.0
    return harmonic_mean((Counter(prediction) & Counter(gold)).total(), len(prediction), len(gold))


def shared_or_both_empty(prediction: Sequence[str], gold: Sequence[str]) -> float:
    """`shared`, but two empty sequences are 1, as in SQuAD 2.0's script."""
    if not prediction or not gold:
        return float(not prediction and not gold)
    return shared(prediction, gold)


def harmonic_mean(same: int, predicted: int, gold: int) -> float:
    """F1 from counts of units: those in common (at least 1), in the prediction, in the gold answer."""
    precision, recall = same / predicted, same / gold
    return 2 * precision * recall / (precision + recall)

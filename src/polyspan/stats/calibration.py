"""Temperature and threshold of a reader, fitted to judged evidence: how sure it is, and when it says nothing.

One number divides all logits (Guo et al. 2017, "On Calibration of Modern Neural Networks"), so that probabilities
mean what they say, and which span is best stays. A second one decides when "" is given in its place: by SQuAD
2.0's rule on the null odds (Rajpurkar et al. 2018), or by the probability of the span, for an accuracy to hold or
a coverage to reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from polyspan.errors import PolyspanError, UsageError, choose
from polyspan.stats.confidence import ece
from polyspan.stats.evidence import TEMPERATURES
from polyspan.stats.judged import Judged

Measure = Literal["null_odds", "probability"]
NULL_ODDS: Measure = "null_odds"
PROBABILITY: Measure = "probability"
GOALS: dict[str, Measure] = {"f1": NULL_ODDS, "accuracy": PROBABILITY, "coverage": PROBABILITY}
"""What a threshold may be fitted for, and the measure that it is a threshold of."""

_UNIT = 1e6  # thresholds have six decimals: they mean the same in a file
_LEAST = 1e-9  # of a probability: what was thought impossible costs much, not all
_SLACK = 1e-9  # sums in another order differ in their last bits

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Goal:
    """What a threshold is for: the best `f1`, an `accuracy` to hold, or a `coverage` to reach (shares)."""

    name: str = "f1"
    share: float | None = None

    def __post_init__(self) -> None:
        choose("goal", self.name, GOALS)
        if (self.share is None) != (self.name == "f1"):
            raise UsageError(f"the goal {self.name} takes {'no share' if self.name == 'f1' else 'a share'}")
        if self.share is not None and not 0 < self.share <= 1:
            fix = f"{self.share / 100:g}" if 1 < self.share <= 100 else ""
            expected = "a share above 0, at most 1"
            raise UsageError(f"an impossible {self.name}", found=f"{self.share:g}", expected=expected, fix=fix)

    def __str__(self) -> str:
        return self.name if self.share is None else f"{self.name} {self.share:g}"


@dataclass(frozen=True, slots=True)
class Fitted:
    """A temperature, and the threshold of a measure beyond which the best span is given up for "".

    Of `null_odds` it is the most that is answered, of `probability` the least. None: it never is.
    """

    temperature: float = 1.0
    threshold: float | None = None
    measure: Measure = NULL_ODDS

    def answers(self, judged: Judged) -> "Given":
        """What a reader fitted like this gives, and with which probability."""
        evidence, column = judged.evidence, judged.evidence.at(self.temperature)
        best, null = np.exp(evidence.best[:, column]), np.exp(evidence.null[:, column])
        answered = np.array([text != "" for text in evidence.texts], bool)
        if self.threshold is not None:
            low = self.measure == NULL_ODDS
            answered &= evidence.null_odds <= self.threshold if low else best >= self.threshold
        right = np.where(answered, judged.right, judged.impossible)
        f1 = np.where(answered, judged.f1, judged.impossible)
        return Given(answered, np.where(answered, best, null), right, f1)


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """The answers given to n questions, arrays of shape (n,): whether it is a span rather than "", the answer's
    probability, whether it is right, and its F1."""

    answered: NDArray[np.bool_]
    probability: Floats
    right: NDArray[np.bool_]
    f1: Floats


def answers_ece(answers: Sequence[Given]) -> float:
    """How far the probabilities of answers are from how often these are right, over several sets together."""
    p, right = ([getattr(one, name) for one in answers] for name in ("probability", "right"))
    return ece(np.concatenate(p), np.concatenate(right))


def fit(judged: Sequence[Judged], goal: Goal = Goal()) -> Fitted:
    """The temperature that suits some judged sets together, and at it the threshold for a goal."""
    temperature = fit_temperature(judged)
    return Fitted(temperature, fit_threshold(judged, temperature, goal), GOALS[goal.name])


def fit_temperature(judged: Sequence[Judged]) -> float:
    """The one of `TEMPERATURES` under which what was observed is likeliest; of equal ones that nearest to 1.

    Observed is one of three: the best span is right, there is no answer, or another span would be right.
    """
    loss = sum((_loss(one) for one in judged), np.zeros(len(TEMPERATURES)))
    order = np.argsort(np.abs(np.log(TEMPERATURES)), kind="stable")
    return round(float(TEMPERATURES[order[np.argmin(loss[order])]]), 6)


def _loss(judged: Judged) -> Floats:
    """Minus the log-likelihood of what was observed, at every temperature."""
    best, null = np.exp(judged.evidence.best), np.exp(judged.evidence.null)
    other = 1 - best - null
    observed = np.where(judged.right[:, None], best, np.where(judged.impossible[:, None], null, other))
    loss: Floats = -np.log(np.clip(observed, _LEAST, 1)).sum(axis=0)
    return loss


def fit_threshold(judged: Sequence[Judged], temperature: float = 1.0, goal: Goal = Goal()) -> float | None:
    """The threshold for a goal; None where the goal is met by always answering.

    `f1`: the highest total F1, of equal ones with the fewest answers; None where no question is unanswerable.
    `accuracy`: the most answers of which that share is right. `coverage`: the fewest answers that are that share
    of all questions. Questions of one value are answered together or not at all, and the threshold lies in the
    middle between the last value that is answered and the next. Raises PolyspanError where no number of answers
    holds the accuracy.
    """
    if goal.name == "f1":
        if not any(one.impossible.any() for one in judged):
            return None
        values = np.concatenate([one.evidence.null_odds for one in judged])
        empty = np.concatenate([[text == "" for text in one.evidence.texts] for one in judged])
        gain = np.concatenate([one.f1 - one.impossible for one in judged])[~empty]
        place = _Places.of(values[~empty])
        total = np.concatenate([[0.0], np.cumsum(gain[place.order])[place.last]])
        return place.between(int(np.argmax(np.round(total, 9))))
    columns = [one.evidence.best[:, one.evidence.at(temperature)] for one in judged]
    place = _Places.of(-np.exp(np.concatenate(columns)))
    answered = place.last + 1
    share = goal.share or 1.0
    if goal.name == "coverage":
        groups = 1 + int(np.argmax(answered >= share * len(place.order) - _SLACK))
    else:
        accuracy = np.cumsum(np.concatenate([one.right for one in judged])[place.order])[place.last] / answered
        if not (held := np.flatnonzero(accuracy >= share - _SLACK)).size:
            found = f"{accuracy.max():.3f} at most, of the surest {answered[accuracy.argmax()]}"
            fix = "a lower accuracy, or more questions"
            raise PolyspanError(f"no threshold holds an accuracy of {share:g}", found=found, fix=fix)
        groups = 1 + int(held[-1])
    threshold = place.between(groups)
    return None if threshold is None else -threshold


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """Questions in the order in which they are answered, in groups of one value (in millionths)."""

    order: NDArray[np.intp]
    values: NDArray[np.int64]
    """Of the groups, ascending."""
    last: NDArray[np.intp]
    """The place in the order of each group's last question."""

    @classmethod
    def of(cls, values: Floats) -> "_Places":
        """By values of which the lowest are answered first."""
        whole = np.ceil(np.round(np.clip(values, -1e9, 1e9) * _UNIT, 3)).astype(np.int64)
        order = np.argsort(whole, kind="stable")
        last = np.flatnonzero(np.diff(whole[order], append=np.iinfo(np.int64).max))
        return cls(order, whole[order][last], last)

    def between(self, groups: int) -> float | None:
        """The middle between the last of some first groups and the next one; None where there is no next one."""
        if groups == len(self.values):
            return None
        if groups == 0:
            return float(self.values[0] - 1) / _UNIT
        return float((self.values[groups - 1] + self.values[groups]) // 2) / _UNIT

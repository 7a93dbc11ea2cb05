"""Temperature, null bias and threshold of a reader, fitted to judged evidence: how sure it is, and when it says
nothing.

One number divides all logits (Guo et al. 2017, "On Calibration of Modern Neural Networks"), so that probabilities
mean what they say, and which span is best stays. A second one is added to the null score alone: it is one weight
against thousands of spans, and no temperature can put that right (a bias as in vector scaling, ibid.). A third one
decides when "" is given in place of the best span: by SQuAD 2.0's rule on the null odds (Rajpurkar et al. 2018),
or by the probability of the span, for an accuracy to hold or a coverage to reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from polyspan.errors import PolyspanError, UsageError, choose
from polyspan.stats.confidence import ece
from polyspan.stats.evidence import TEMPERATURES, Evidence
from polyspan.stats.judged import Judged

Measure = Literal["null_odds", "probability"]
NULL_ODDS: Measure = "null_odds"
PROBABILITY: Measure = "probability"
GOALS: dict[str, Measure] = {"f1": NULL_ODDS, "accuracy": PROBABILITY, "coverage": PROBABILITY}
"""What a threshold may be fitted for, and the measure that it is a threshold of."""

FEW = 10
"""Questions of a kind, with an answer or without, below which a threshold is luck."""

_UNIT = 1e6  # thresholds have six decimals: they mean the same in a file
_LEAST = 1e-9  # of a probability: what was thought impossible costs much, not all
_SLACK = 1e-9  # sums in another order differ in their last bits
_FURTHEST = 200.0  # a null bias, either way
_HALVINGS = 50

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
    """A temperature, a null bias, and the threshold of a measure beyond which the best span is given up for "".

    Of `null_odds` it is the most that is answered, of `probability` the least. None: it never is.
    """

    temperature: float = 1.0
    null_bias: float = 0.0
    threshold: float | None = None
    measure: Measure = NULL_ODDS

    def probabilities(self, evidence: Evidence) -> tuple[Floats, Floats]:
        """Of each question's best span and of "", (questions,) each."""
        column = evidence.at(self.temperature)
        best, null = evidence.best[:, column], evidence.null[:, column]
        total = log_total(null, self.null_bias)
        return np.exp(best - total), np.exp(null + self.null_bias - total)

    def answers(self, judged: Judged) -> "AnswersGiven":
        """What a reader fitted like this gives, and with which probability."""
        evidence = judged.evidence
        best, null = self.probabilities(evidence)
        answered = np.array([text != "" for text in evidence.texts], bool)
        if self.threshold is not None:
            low = self.measure == NULL_ODDS
            answered &= evidence.null_odds <= self.threshold if low else best >= self.threshold
        right = np.where(answered, judged.right, judged.impossible)
        f1 = np.where(answered, judged.f1, judged.impossible)
        return AnswersGiven(answered, np.where(answered, best, null), right, f1)


@dataclass(frozen=True, slots=True, eq=False)
class AnswersGiven:
    """The answers given to n questions, arrays of shape (n,): whether it is a span rather than "", the answer's
    probability, whether it is right, and its F1."""

    answered: NDArray[np.bool_]
    probability: Floats
    right: NDArray[np.bool_]
    f1: Floats


def together(answers: Sequence[AnswersGiven]) -> tuple[Floats, NDArray[np.bool_]]:
    """The probabilities of several sets' answers, one after the other, and which are right."""
    return np.concatenate([one.probability for one in answers]), np.concatenate([one.right for one in answers])


def answers_ece(answers: Sequence[AnswersGiven]) -> float:
    """How far the probabilities of answers are from how often these are right, over several sets together."""
    return ece(*together(answers))


def log_total(log_null: NDArray[Any], null_bias: float | Floats) -> Floats:
    """log of the sum of all probabilities once the one of "" has been given exp(`null_bias`) times its weight."""
    with np.errstate(divide="ignore"):
        total: Floats = np.logaddexp(np.log1p(-np.exp(np.minimum(log_null, 0))), log_null + null_bias)
    return total


def fit(judged: Sequence[Judged], goal: Goal = Goal()) -> Fitted:
    """The temperature and the null bias that suit some judged sets together, and then the threshold for a goal."""
    fitted = fit_probabilities(judged)
    return replace(fitted, threshold=fit_threshold(judged, fitted, goal), measure=GOALS[goal.name])


def fit_probabilities(judged: Sequence[Judged]) -> Fitted:
    """The one of `TEMPERATURES`, with its null bias, under which what was observed is likeliest; of equal ones
    that nearest to 1.

    Observed is one of three: the best span is right, there is no answer, or another span would be right. The bias
    is 0 where all questions have an answer, or none has.
    """
    names = ("best", "null")
    best, null = (np.concatenate([getattr(one.evidence, name) for one in judged]) for name in names)
    right, impossible = (
        np.concatenate([getattr(one, name) for one in judged]) for name in ("right", "impossible")
    )
    bias = _null_bias(null, float(impossible.mean()))
    total = log_total(null, bias)
    p_best, p_null = np.exp(best - total), np.exp(null + bias - total)
    observed = np.where(right[:, None], p_best, np.where(impossible[:, None], p_null, 1 - p_best - p_null))
    loss = -np.log(np.clip(observed, _LEAST, 1)).sum(axis=0)
    order = np.argsort(np.abs(np.log(TEMPERATURES)), kind="stable")
    place = order[np.argmin(loss[order])]
    return Fitted(round(float(TEMPERATURES[place]), 6), round(float(bias[place]), 6))


def _null_bias(log_null: Floats, share: float) -> Floats:
    """For each temperature the bias at which "" is as probable on average as questions have no answer.

    That is where the likelihood is highest: its slope is the difference of the two, and falls.
    """
    low, high = np.full((2, log_null.shape[1]), _FURTHEST)
    low = -low
    if not 0 < share < 1:
        return np.zeros(len(low))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        too_few = np.exp(log_null + middle - log_total(log_null, middle)).mean(axis=0) < share
        low, high = np.where(too_few, middle, low), np.where(too_few, high, middle)
    bias: Floats = (low + high) / 2
    return bias


def fit_threshold(judged: Sequence[Judged], fitted: Fitted = Fitted(), goal: Goal = Goal()) -> float | None:
    """The threshold for a goal at fitted probabilities; None where the goal is met by always answering.

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
    place = _Places.of(-np.concatenate([fitted.probabilities(one.evidence)[0] for one in judged]))
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

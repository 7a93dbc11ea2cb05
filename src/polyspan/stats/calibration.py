"""How sure a reader is and when it says nothing, fitted to judged evidence.

Whether there is an answer: the log odds of "" against all spans together are scaled and shifted (Platt 1999,
"Probabilistic Outputs for Support Vector Machines"); "" is one weight against thousands, and no temperature puts
that right. Which span it is, if there is one: one number divides the logits (Guo et al. 2017, "On Calibration of
Modern Neural Networks"), so that the order stays. A threshold decides when "" is given in place of the best span:
by SQuAD 2.0's rule on the null odds (Rajpurkar et al. 2018), or by the probability of the span, for an accuracy to
hold or a coverage to reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

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
_FURTHEST = 700.0  # of log odds: exp of it is finite
_ALMOST = -1e-307  # the log of a probability next to 1
_STEPS = 100
_ONE = int(np.flatnonzero(TEMPERATURES == 1)[0])

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
    """A temperature for spans, scale and bias for the log odds of "", and the threshold of a measure beyond which
    the best span is given up for "".

    Of `null_odds` it is the most that is answered, of `probability` the least. None: it never is.
    """

    temperature: float = 1.0
    null_scale: float = 1.0
    null_bias: float = 0.0
    threshold: float | None = None
    measure: Measure = NULL_ODDS

    def probabilities(self, evidence: Evidence) -> tuple[Floats, Floats]:
        """Of each question's best span and of "", (questions,) each."""
        column = evidence.at(self.temperature)
        null, shift = self.null_and_shift(evidence.null[:, _ONE], evidence.null[:, column])
        return np.exp(evidence.best[:, column] + shift), np.exp(null)

    def null_and_shift(self, at_one: Floats, at_own: Floats) -> tuple[Floats, Floats]:
        """The fitted log probability of "" for each question, and what is added to that of its spans, which then
        sum to the rest.

        From the log probability of "" at temperature 1 and at the fitted one. Where it is 0, "" stays certain.
        """
        odds = self.null_scale * _log_odds(at_one) + self.null_bias
        null = np.where(at_one < 0, -np.logaddexp(0.0, -odds), 0.0)
        return null, _log_complement(null) - _log_complement(at_own)

    def answers(self, judged: Judged) -> "AnswersGiven":
        """What a reader fitted like this gives, and with which probability."""
        evidence = judged.evidence
        best, null = self.probabilities(evidence)
        answered = ~evidence.empty
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


def fit(judged: Sequence[Judged], goal: Goal = Goal()) -> Fitted:
    """The probabilities that suit some judged sets together, and then the threshold for a goal."""
    fitted = fit_probabilities(judged)
    return replace(fitted, threshold=fit_threshold(judged, fitted, goal), measure=GOALS[goal.name])


def fit_probabilities(judged: Sequence[Judged]) -> Fitted:
    """What makes likeliest what was observed: whether there is an answer, and, where there is, whether the best
    span is it.

    The first is a logistic regression on the log odds of "" (Platt 1999); the second one of `TEMPERATURES`, of
    equal ones that nearest to 1.
    """
    best, null = (np.concatenate([getattr(one.evidence, name) for one in judged]) for name in ("best", "null"))
    right, impossible = (
        np.concatenate([getattr(one, name) for one in judged]) for name in ("right", "impossible")
    )
    empty = np.concatenate([one.evidence.empty for one in judged])
    scale, bias = _regression(_log_odds(null[:, _ONE])[~empty], impossible[~empty])
    able = ~impossible & ~empty
    p = np.exp(best[able] - _log_complement(null[able]))
    loss = -np.log(np.clip(np.where(right[able, None], p, 1 - p), _LEAST, 1)).sum(axis=0)
    order = np.argsort(np.abs(np.log(TEMPERATURES)), kind="stable")
    temperature = TEMPERATURES[order[np.argmin(loss[order])]]
    return Fitted(round(float(temperature), 6), round(scale, 6), round(bias, 6))


def _log_complement(log_p: Floats) -> Floats:
    """log(1 − p); finite also where p is 1."""
    return np.log(-np.expm1(np.minimum(log_p, _ALMOST)))


def _log_odds(log_p: Floats) -> Floats:
    """log(p / (1 − p)), at most 700 either way."""
    return np.clip(log_p - _log_complement(log_p), -_FURTHEST, _FURTHEST)


def _regression(odds: Floats, impossible: NDArray[np.bool_]) -> tuple[float, float]:
    """Scale and bias of the log odds under which the flags are likeliest, by Newton's method; 1 and 0 where all
    flags are the same.

    Platt's targets, (n₊ + 1) / (n₊ + 2) and 1 / (n₋ + 2) for 1 and 0, keep both finite where the odds divide the
    flags.
    """
    many, few = int(impossible.sum()), int((~impossible).sum())
    if not many or not few:
        return 1.0, 0.0
    target = np.where(impossible, (many + 1) / (many + 2), 1 / (few + 2))
    inputs = np.stack([odds, np.ones(len(odds))], axis=1)
    weights, damping = np.zeros(2), 1e-9 * len(odds)
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(inputs @ weights, -_FURTHEST, _FURTHEST)))
        curvature = (inputs * (p * (1 - p))[:, None]).T @ inputs + damping * np.eye(2)
        step = np.linalg.solve(curvature, inputs.T @ (target - p))
        weights = weights + step * min(1.0, 2.0 / max(np.abs(step).max(), 1e-12))
    if weights[0] <= 0:  # the odds say nothing: every question has no answer with the same probability
        return 0.0, float(np.log(target.sum() / (len(target) - target.sum())))
    return float(weights[0]), float(weights[1])


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
        empty = np.concatenate([one.evidence.empty for one in judged])
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

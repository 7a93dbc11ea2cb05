"""How far the probability of an answer can be trusted: calibration, and how well it tells right from wrong.

Every measure takes `p`, the probability of each given answer, and `right`, whether it is right. None depends on
the order of the questions: answers of one probability share their rightness evenly.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from polyspan.errors import PolyspanError
from polyspan.stats.resampling import DRAWS, Floats, bootstrap_counts, interval

BINS = 15
"""Bins of the expected calibration error, as in Guo et al. 2017; here each holds as many questions."""

ACCURACIES = (0.8, 0.9)
"""Accuracies whose coverage is told."""

_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Grouped:
    """Answers of equal probability as one, the most probable first: `p`, how many there are, how many are right.

    `asked` and `found` are the sums of `count` and `right` up to each group, itself included.
    """

    p: Floats
    count: Floats
    right: Floats
    asked: Floats
    found: Floats

    @classmethod
    def of(cls, p: Floats, group: npt.NDArray[np.intp], times: Floats, right: Floats) -> "Grouped":
        """From the group of each answer, how often it counts, and how often as right; empty groups fall out."""
        sums = [np.asarray(np.bincount(group, each, len(p)), dtype=float) for each in (times, right)]
        count, found = (each[sums[0] > 0] for each in sums)
        return cls(p[sums[0] > 0], count, found, np.cumsum(count), np.cumsum(found))


def ece(p: npt.ArrayLike, right: npt.ArrayLike, bins: int = BINS) -> float:
    """Expected calibration error, from 0 to 1: the mean of |accuracy − mean probability| over the bins.

    Every bin holds the same number of questions (a question at the border counts in both by its parts), so that
    none is empty. Of few questions much of it is `ece_by_sampling`.
    """
    return _ece(grouped(p, right), bins)


def ece_by_sampling(n: int, bins: int = BINS) -> float:
    """About what `ece` is of n answers of perfect probabilities: sqrt(bins / n) / 3, but no more than 1/2."""
    return min(math.sqrt(bins / n) / 3, 0.5)


def brier(p: npt.ArrayLike, right: npt.ArrayLike) -> float:
    """Mean squared difference of the probability and 1 for a right, 0 for a wrong answer (Brier 1950)."""
    return _brier(grouped(p, right))


def auroc(p: npt.ArrayLike, right: npt.ArrayLike) -> float | None:
    """How often a right answer is more probable than a wrong one, ties counting half; None without either kind."""
    return _auroc(grouped(p, right))


def aurc(p: npt.ArrayLike, right: npt.ArrayLike) -> float:
    """Area under risk over coverage (Geifman & El-Yaniv 2017): the share of wrong answers among the k most
    probable, averaged over k = 1 … n. Among equals the mean over all their orders."""
    return _aurc(grouped(p, right))


def coverage_at(p: npt.ArrayLike, right: npt.ArrayLike, accuracy: float) -> float:
    """The largest share of questions that can be answered, by a threshold on p, with at least this accuracy."""
    return _coverage_at(grouped(p, right), accuracy)


def reliability(p: npt.ArrayLike, right: npt.ArrayLike, bins: int = BINS) -> Floats:
    """Mean probability and accuracy of each bin of `ece`, the most probable first: shape (bins, 2)."""
    return _reliability(grouped(p, right), bins)


def risk_coverage(p: npt.ArrayLike, right: npt.ArrayLike) -> Floats:
    """Coverage and the share of wrong answers at each threshold on p, by rising coverage: (thresholds, 2)."""
    groups = grouped(p, right)
    return np.stack([groups.asked / groups.asked[-1], 1 - groups.found / groups.asked], axis=1)


def confidence(
    p: npt.ArrayLike,
    right: npt.ArrayLike,
    *,
    of: Sequence[str] | None = None,
    draws: int = DRAWS,
    seed: int = 42,
) -> dict[str, Any]:
    """All measures, and under `intervals` the 95 % bootstrap interval of each, as `polyspan score --json` prints.

    `of` gives each question's unit (its paragraph, say), so that questions of one are drawn together; without it
    each is a unit. Drawing again adds to the calibration error what sampling did: its draws are moved so that
    their median is the error itself. A measure that is None has None for an interval.
    """
    p, right = _checked(p, right)
    found = _measures(grouped(p, right))
    unit = np.arange(len(p)) if of is None else np.unique(np.array(of, dtype=object), return_inverse=True)[1]
    order, group = np.unique(-p, return_inverse=True)
    drawn = [
        _measures(Grouped.of(-order, group, times[unit], times[unit] * right)).values()
        for times in bootstrap_counts(int(unit.max()) + 1, draws, seed)
    ]
    bounds = {
        key: _interval(key, value, [one for one in values if one is not None])
        for (key, value), values in zip(found.items(), zip(*drawn, strict=True), strict=True)
    }
    return {**_nested(found), "intervals": _nested(bounds)}


def grouped(p: npt.ArrayLike, right: npt.ArrayLike) -> Grouped:
    """Answers by their probability. Raises PolyspanError for no answers, and for what is no probability."""
    p, right = _checked(p, right)
    order, group = np.unique(-p, return_inverse=True)
    return Grouped.of(-order, group, np.ones(len(group)), right)


def _checked(p: npt.ArrayLike, right: npt.ArrayLike) -> tuple[Floats, Floats]:
    probabilities, hits = np.asarray(p, dtype=float), np.asarray(right, dtype=float)
    if probabilities.ndim != 1 or probabilities.shape != hits.shape or not len(probabilities):
        raise PolyspanError(
            "confidence needs a probability for every answer",
            found=f"{probabilities.shape} probabilities, {hits.shape} answers",
            expected="two lists of the same length, not empty",
        )
    if not (wrong := ~((probabilities >= 0) & (probabilities <= 1))).any():
        return probabilities, hits
    raise PolyspanError(
        f"{wrong.sum()} of {len(wrong)} probabilities are none",
        found=f"{probabilities[wrong][0]:g}",
        expected="numbers from 0 to 1",
    )


def _measures(groups: Grouped) -> dict[str, float | None]:
    found = {"ece": _ece(groups), "brier": _brier(groups), "auroc": _auroc(groups), "aurc": _aurc(groups)}
    return found | {f"coverage_at {accuracy:g}": _coverage_at(groups, accuracy) for accuracy in ACCURACIES}


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    """`{"coverage_at 0.8": …}` as `{"coverage_at": {"0.8": …}}`."""
    nested: dict[str, Any] = {}
    for key, value in values.items():
        outer, _, inner = key.partition(" ")
        if inner:
            nested.setdefault(outer, {})[inner] = value
        else:
            nested[outer] = value
    return nested


def _interval(key: str, value: float | None, drawn: list[float]) -> list[float] | None:
    if value is None or not drawn:
        return None
    values = np.array(drawn)
    if key == "ece":
        values = np.clip(values - np.median(values) + value, 0, 1)
    low, high = interval(values)
    return [min(low, value), max(high, value)]


def _reliability(groups: Grouped, bins: int = BINS) -> Floats:
    borders = np.arange(bins + 1) * (groups.asked[-1] / bins)
    ends, *sums = (
        np.concatenate([[0], each]) for each in (groups.asked, np.cumsum(groups.p * groups.count), groups.found)
    )
    sums = [np.interp(borders, ends, each) for each in sums]
    means: Floats = np.diff(sums, axis=1).T / borders[1]
    return means


def _ece(groups: Grouped, bins: int = BINS) -> float:
    expected, found = _reliability(groups, bins).T
    return float(np.abs(expected - found).mean())


def _brier(groups: Grouped) -> float:
    return float((groups.right @ (1 - 2 * groups.p) + groups.count @ groups.p**2) / groups.asked[-1])


def _auroc(groups: Grouped) -> float | None:
    right, wrong = groups.found[-1], groups.asked[-1] - groups.found[-1]
    if not right * wrong:
        return None
    below = wrong - groups.asked + groups.found  # wrong answers of less probability
    return float(groups.right @ (below + (groups.count - groups.right) / 2) / (right * wrong))


def _aurc(groups: Grouped) -> float:
    # In a group, the j-th answer after k others with w wrong ones brings the risk (w + j · share) / (k + j). Its
    # sum over j, with h = Σ 1 / (k + j), is w · h + share · (count − k · h).
    wrong = groups.count - groups.right
    h = np.diff(_harmonic(int(groups.asked[-1]))[groups.asked.astype(int)], prepend=0)
    before = groups.asked - groups.count
    risks = (groups.asked - groups.found - wrong) * h + wrong / groups.count * (groups.count - before * h)
    return float(risks.sum() / groups.asked[-1])


@lru_cache(maxsize=4)
def _harmonic(last: int) -> Floats:
    """Σ 1 / i for i up to 0, 1, …, last."""
    return np.concatenate([[0], np.cumsum(1 / np.arange(1, last + 1))])


def _coverage_at(groups: Grouped, accuracy: float) -> float:
    held = np.flatnonzero(groups.found >= (accuracy - _SLACK) * groups.asked)
    return float(groups.asked[held[-1]] / groups.asked[-1]) if len(held) else 0.0

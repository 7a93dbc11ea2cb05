"""Two systems on the same questions: how much they differ, and how sure that is.

The paired bootstrap (Koehn 2004, Berg-Kirkpatrick et al. 2012) gives the interval, the sign-flip permutation test
the p. With several runs of a system (seeds), runs are drawn too, and a second p exchanges whole runs: that one
speaks of training again, the first of these very models.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from polyspan.errors import UsageError
from polyspan.score import Scores
from polyspan.stats.anova import permutation_p
from polyspan.stats.resampling import DRAWS, Floats, bootstrap_sums, interval, run_weights, sign_flip_p
from polyspan.stats.units import MEASURES, question_table, unit_sums

_FEW = 30  # units from which on a percentile interval covers nearly as often as it says


@dataclass(frozen=True, slots=True)
class Difference:
    """B minus A in one measure. `a`, `b`, `delta`, `low`, `high` are percentage points.

    `low` and `high` bound the 95 % interval of `delta`. `p` is that of exchanging the systems at random in every
    unit, `p_runs` that of exchanging whole runs (None with fewer than two runs of either). `better`, `worse` and
    `ties` count the questions in which B, averaged over its runs, does better, worse or as well.
    """

    a: float
    b: float
    delta: float
    low: float
    high: float
    p: float
    p_runs: float | None
    better: int
    worse: int
    ties: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems compared on `n` questions in `units` units; `runs` counts the runs of A and of B."""

    metric: str
    exact_match: Difference
    f1: Difference
    n: int
    units: int
    runs: tuple[int, int]
    draws: int
    seed: int

    @property
    def warnings(self) -> list[str]:
        """What the numbers do not say."""
        found = []
        if min(self.runs) == 1:
            found.append(
                "One run of a system: this compares these very models, not what training again would give."
            )
        if self.units < _FEW:
            found.append(f"Only {self.units} units are drawn: the interval is likely too narrow.")
        return found

    def as_json(self) -> dict[str, Any]:
        """As `polyspan stats compare --json` prints it; intervals are [low, high]."""
        em, f1 = self.exact_match, self.f1
        return {
            "metric": self.metric,
            "n": self.n,
            "units": self.units,
            "a": {"exact_match": em.a, "f1": f1.a, "runs": self.runs[0]},
            "b": {"exact_match": em.b, "f1": f1.b, "runs": self.runs[1]},
            "delta": "b - a",
            "delta_f1": f1.delta,
            "ci95": [f1.low, f1.high],
            "p_permutation": f1.p,
            "p_runs": f1.p_runs,
            "delta_exact_match": em.delta,
            "ci95_exact_match": [em.low, em.high],
            "p_permutation_exact_match": em.p,
            "p_runs_exact_match": em.p_runs,
            "questions": {
                name: {key: asdict(one)[key] for key in ("better", "worse", "ties")}
                for name, one in zip(MEASURES, (em, f1), strict=True)
            },
            "draws": self.draws,
            "seed": self.seed,
            "warnings": self.warnings,
        }


def compare(
    a: Scores | Sequence[Scores],
    b: Scores | Sequence[Scores],
    *,
    of: Mapping[str, str] | None = None,
    draws: int = DRAWS,
    seed: int = 42,
) -> Comparison:
    """Compare two systems by the scores of their answers to the same questions; the difference is B minus A.

    A system is one run, or several with different seeds. `of` gives each question's unit (`units(corpus,
    "paragraph")`), so that questions on one context are drawn together; without it each question is a unit.
    Swapping A and B changes signs only; the order of the questions changes nothing. Raises UsageError for scores
    by different metrics or no draws, PolyspanError for different questions or a question without a unit.
    """
    first, second = ([one] if isinstance(one, Scores) else list(one) for one in (a, b))
    _check(first, second, draws)
    runs = (len(first), len(second))
    keys, table = question_table([*first, *second], of)
    sums = unit_sums(keys, np.concatenate([table, np.ones((len(keys), 1, 2))], axis=1))  # (units, runs + 1, 2)
    side = np.concatenate([np.full(runs[0], -1 / runs[0]), np.full(runs[1], 1 / runs[1])])
    per_question = np.einsum("qrm,r->qm", table, side)
    p = sign_flip_p(np.einsum("urm,r->um", sums[:, :-1], side), draws, (seed, 1))
    drawn = _drawn(sums, runs, draws, seed)
    means = 100 * table.mean(axis=0)  # (runs, 2)
    found = []
    for index in range(len(MEASURES)):
        one, other = means[: runs[0], index].mean(), means[runs[0] :, index].mean()
        low, high = interval(100 * drawn[:, index])
        by_run = _run_p(means[: runs[0], index], means[runs[0] :, index], draws, seed)
        signs = np.where(np.abs(per_question[:, index]) < 1e-12, 0.0, per_question[:, index])
        counts = (int((signs > 0).sum()), int((signs < 0).sum()), int((signs == 0).sum()))
        delta = float(other - one)
        found.append(Difference(float(one), float(other), delta, low, high, float(p[index]), by_run, *counts))
    return Comparison(first[0].metric, found[0], found[1], len(keys), len(sums), runs, draws, seed)


def _run_p(first: Floats, second: Floats, draws: int, seed: int) -> float | None:
    """The p of exchanging whole runs, from their means; None with fewer than two runs of either system."""
    if min(len(first), len(second)) < 2:
        return None
    one, other = sorted([first.tolist(), second.tolist()])  # by content: swapped systems draw the same
    return permutation_p(one + other, ["a"] * len(one) + ["b"] * len(other), draws=draws, seed=seed)


def _drawn(sums: Floats, runs: tuple[int, int], draws: int, seed: int) -> Floats:
    """The difference in each draw, of shape (draws, 2), from 0 to 1. The last summed column is the size."""
    wide = sums.reshape(len(sums), -1)[:, :-1]  # the size once is enough
    drawn = bootstrap_sums(wide, draws, (seed, 0))
    means = drawn[:, :-1].reshape(draws, -1, 2) / drawn[:, -1, None, None]
    # Runs of A and B are drawn apart: a seed is no pair. By content, not by side: swapped systems draw the same.
    whole = sums.sum(axis=0).tolist()
    streams = (2, 3) if whole[: runs[0]] <= whole[runs[0] : -1] else (3, 2)
    weights = [run_weights(count, draws, (seed, stream)) for count, stream in zip(runs, streams, strict=True)]
    one = np.einsum("drm,dr->dm", means[:, : runs[0]], weights[0])
    other = np.einsum("drm,dr->dm", means[:, runs[0] :], weights[1])
    difference: Floats = other - one
    return difference


def _check(first: Sequence[Scores], second: Sequence[Scores], draws: int) -> None:
    if not first or not second:
        raise UsageError("a system without a run cannot be compared", expected="at least one run of each")
    if draws < 1:
        raise UsageError("there must be draws", found=str(draws), expected="at least 1, better 1,000")
    if len(metrics := {one.metric for one in [*first, *second]}) > 1:
        raise UsageError("the scores are by different metrics", found=", ".join(sorted(metrics)))

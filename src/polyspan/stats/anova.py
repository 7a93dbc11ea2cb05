"""Analysis of variance: does a factor move the scores of a table more than chance would?

One-way (Fisher), or additive: the factor's part after other factors (blocks, such as the test language or the
seed) have taken theirs. Beside the F distribution's p stands one by permutation, which needs no normal
distribution, and one that exchanges whole training sets, since the cells of one training set share a model and
are not independent.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product
from typing import Any

import numpy as np
import numpy.typing as npt

from polyspan.errors import PolyspanError, UsageError
from polyspan.stats.resampling import DRAWS, Floats

_EXACT = 20_000  # arrangements that are counted one by one; beyond, they are drawn
_SLOW_DRAWS = 2_000  # draws where each needs a design of its own
_TIE = 1e-9
_RANK = 1e-9

Ints = npt.NDArray[np.int64]
Labels = Sequence[str]
Values = Sequence[float] | Floats


@dataclass(frozen=True, slots=True)
class Anova:
    """F of a factor with its degrees of freedom (factor, residual), p of the F distribution, and effect size.

    `eta2` is the share of the variance that the blocks leave (all of it without blocks) which the factor explains.
    `p_permutation` exchanges scores at random within equal blocks; `levels` holds (cells, mean) of each level.
    """

    f: float
    df: tuple[int, int]
    p: float
    eta2: float
    p_permutation: float
    levels: dict[str, tuple[int, float]]

    def as_json(self) -> dict[str, Any]:
        """The numbers under the names that `polyspan stats anova --json` uses."""
        return {
            "F": self.f,
            "df": list(self.df),
            "p": self.p,
            "eta2": self.eta2,
            "p_permutation": self.p_permutation,
        }


def anova(
    values: Values, factor: Labels, blocks: Sequence[Labels] = (), *, draws: int = DRAWS, seed: int = 42
) -> Anova:
    """The F test of a factor, one-way or, with `blocks`, in the additive model.

    All sequences have one entry a cell. The permutation p is exact where there are at most 20,000 ways to arrange
    the levels. Raises UsageError for sequences of unequal length, PolyspanError for no values, one that is not a
    number, a factor with one level, one that the blocks determine, and where no variance or degree of freedom is
    left to test against.
    """
    from scipy.special import fdtrc

    scores = _scores(values, factor, blocks)
    base, part, left = _design(factor, blocks)
    residual = scores - base @ (base.T @ scores)
    within, total = float(np.square(part.T @ residual).sum()), float(residual @ residual)
    if total - within <= _TIE * max(total, _TIE):
        raise PolyspanError("nothing varies within the levels of the factor, so F is not defined")
    df = (part.shape[1], left)
    f = (within / df[0]) / ((total - within) / df[1])
    p = permutation_p(scores, factor, blocks, draws=draws, seed=seed)
    levels = {
        level: (int(chosen.sum()), float(scores[chosen].mean()))
        for level in sorted(set(factor))
        if (chosen := np.array([one == level for one in factor])).any()
    }
    return Anova(f, df, float(fdtrc(*df, f)), within / total, p, levels)


def without(values: Values, block: Labels) -> Floats:
    """The values after each block's mean is removed and the grand mean put back."""
    scores = _scores(values, block, ())
    means = {level: scores[np.array([one == level for one in block])].mean() for level in set(block)}
    left: Floats = scores - np.array([means[level] for level in block]) + scores.mean()
    return left


def f_ratio(values: Floats, factor: Labels, blocks: Sequence[Labels] = ()) -> Floats:
    """F alone, over the last axis of an array (…, cells); infinite or NaN where nothing varies within levels."""
    base, part, left = _design(factor, blocks)
    residual = values - values @ base @ base.T
    within, total = np.square(residual @ part).sum(axis=-1), np.square(residual).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: Floats = (within / part.shape[1]) / ((total - within) / left)
    return ratio


def permutation_p(
    values: Values, factor: Labels, blocks: Sequence[Labels] = (), *, draws: int = DRAWS, seed: int = 42
) -> float:
    """The share of arrangements of the scores, within equal blocks, whose F is no smaller. Never 0."""
    scores = _scores(values, factor, blocks)
    base, part, _ = _design(factor, blocks)
    residual = scores - base @ (base.T @ scores)  # a sum over a block survives any order within it, so this too
    joint = _codes(list(zip(*blocks, strict=True)) if blocks else [()] * len(scores))
    levels = _codes(factor)
    bound = float(np.square(residual @ part).sum()) * (1 - _TIE)

    def extreme(arranged: Floats) -> int:
        return int((np.square(arranged @ part).sum(axis=-1) >= bound).sum())

    if _ways(levels, joint) <= _EXACT:
        orders = _orders(tuple(levels.tolist()), tuple(joint.tolist()))
        return extreme(residual[orders]) / len(orders)
    rng = np.random.default_rng(seed)
    order = np.argsort(joint, kind="stable")
    count, done, step = 0, 0, max(1, 2**18 // len(scores))
    while done < draws:
        many = min(step, draws - done)
        shuffled = np.argsort(rng.random((many, len(scores))) + joint[None, order], axis=1)
        arranged = np.empty((many, len(scores)))
        arranged[:, order] = residual[order][shuffled]
        count, done = count + extreme(arranged), done + many
    return (1 + count) / (1 + draws)


def exchange_p(values: Values, factor: Labels, units: Labels, *, seed: int = 42) -> float | None:
    """The one-way p if the levels are exchanged among whole units (training sets); None where a unit has several.

    Exact where there are at most 20,000 ways, else from 2,000 seeded draws. Raises as `anova` does.
    """
    scores = _scores(values, factor, [units])
    names = sorted(set(units))
    level_of = dict(zip(units, factor, strict=True))
    if any(level_of[unit] != level for unit, level in zip(units, factor, strict=True)):
        return None
    place = {name: index for index, name in enumerate(names)}
    where = np.array([place[unit] for unit in units])
    levels = _codes([level_of[name] for name in names])
    together = np.zeros(len(names), dtype=np.int64)
    exact = _ways(levels, together) <= _EXACT
    rng = np.random.default_rng(seed)
    drawn = _arrangements(levels, together) if exact else (rng.permutation(levels) for _ in range(_SLOW_DRAWS))
    bound = _between(scores, levels[where]) * (1 - _TIE)
    hits = [_between(scores, each[where]) >= bound for each in drawn]
    return sum(hits) / len(hits) if exact else (1 + sum(hits)) / (1 + len(hits))


def _between(scores: Floats, levels: Ints) -> float:
    """The sum of squares between levels, of which a one-way F is an increasing function."""
    centred = scores - scores.mean()
    return float((np.bincount(levels, centred) ** 2 / np.bincount(levels)).sum())


def _scores(values: Values, factor: Labels, blocks: Sequence[Labels]) -> Floats:
    scores = np.asarray(values, dtype=float)
    if scores.ndim != 1 or {len(scores)} != {len(each) for each in (factor, *blocks)}:
        raise UsageError(
            "values and levels do not go together",
            found=", ".join(map(str, [scores.shape, *map(len, (factor, *blocks))])),
            expected="one level of each factor for each value",
        )
    if not len(scores):
        raise PolyspanError("there are no values to analyse")
    if not np.isfinite(scores).all():
        place = int(np.argwhere(~np.isfinite(scores))[0][0])
        raise PolyspanError(f"value {place + 1} is not a number", found=str(scores[place]))
    return scores


def _design(factor: Labels, blocks: Sequence[Labels]) -> tuple[Floats, Floats, int]:
    """Orthonormal columns of the blocks (with the mean), those that the factor adds, and the residual df."""
    if len(set(factor)) < 2:
        raise PolyspanError(
            "a factor needs two levels at least", found=f"every cell has the level {factor[0]!r}" if factor else ""
        )
    base = _basis(np.hstack([np.ones((len(factor), 1)), *map(_dummies, blocks)]))
    own = _dummies(factor)
    part = _basis(own - base @ (base.T @ own))
    if not part.shape[1]:
        raise PolyspanError("the blocks determine the factor, so that its own part cannot be told")
    left = len(factor) - base.shape[1] - part.shape[1]
    if left < 1:
        raise PolyspanError(
            "too few cells for an F test", found=f"{len(factor)} cells", expected="more cells than levels"
        )
    return base, part, left


def _dummies(labels: Labels) -> Floats:
    return np.eye(len(set(labels)))[_codes(labels)]


def _basis(columns: Floats) -> Floats:
    left, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    return left[:, sizes > _RANK * max(1.0, float(np.linalg.norm(columns)))]


def _codes(labels: Sequence[Any]) -> Ints:
    place = {label: index for index, label in enumerate(sorted(set(labels)))}
    return np.array([place[label] for label in labels], dtype=np.int64)


def _ways(levels: Ints, joint: Ints) -> int:
    ways = 1
    for block in np.unique(joint):
        counts = Counter(levels[joint == block].tolist()).values()
        ways *= math.factorial(sum(counts)) // math.prod(map(math.factorial, counts))
    return ways


def _arrangements(levels: Ints, joint: Ints) -> Iterator[Ints]:
    """Every distinct way to put the levels on the cells, within each block."""
    places = [np.flatnonzero(joint == block) for block in np.unique(joint)]
    each = [_multiset(Counter(levels[place].tolist()), len(place)) for place in places]
    for parts in product(*each):
        whole = np.empty_like(levels)
        for place, part in zip(places, parts, strict=True):
            whole[place] = part
        yield whole


@lru_cache(maxsize=16)
def _orders(levels: tuple[int, ...], joint: tuple[int, ...]) -> Ints:
    """For each of `_arrangements`, the place that each cell's score is taken from: (arrangements, cells). Kept, as
    tables are asked for many factors and measures of one design."""
    codes, blocks = np.array(levels), np.array(joint)
    home = np.lexsort((codes, blocks))
    orders = np.empty((_ways(codes, blocks), len(codes)), np.int64)
    for row, each in zip(orders, _arrangements(codes, blocks), strict=True):
        row[home] = np.lexsort((each, blocks))
    return orders


def _multiset(counts: Counter[int], size: int) -> Iterator[Ints]:
    """Every distinct order of a multiset of level codes."""
    (level, number), *rest = counts.items()
    if not rest:
        yield np.full(size, level)
        return
    for chosen in combinations(range(size), number):
        free = np.ones(size, dtype=bool)
        free[list(chosen)] = False
        for order in _multiset(Counter(dict(rest)), size - number):
            whole = np.full(size, level)
            whole[free] = order
            yield whole

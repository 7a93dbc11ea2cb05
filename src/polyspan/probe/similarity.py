"""Cosine similarity of translations, what it is for other texts, and how it goes with scores (Hsu et al., Fig. 2).

An encoder's vectors lie in a narrow cone: any two have a high cosine. So the mean over all wrong pairs stands
beside that over the right ones, and both again with each language's mean taken away.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polyspan.errors import PolyspanError
from polyspan.probe.moments import as_points
from polyspan.stats.ranks import spearman


@dataclass(frozen=True, slots=True)
class Cosine:
    """Mean cosines from −1 to 1: of right pairs and of all wrong ones, as they are and centred by language."""

    mean: float
    baseline: float
    centred: float
    centred_baseline: float
    points: int


@dataclass(frozen=True, slots=True)
class Correlation:
    """Spearman's ρ over `points` points, and the interval that holds 95 % of its bootstrap.

    The interval is None where it cannot be had (fewer than four points).
    """

    rho: float
    interval: tuple[float, float] | None
    points: int


def cosine(x: ArrayLike, y: ArrayLike) -> Cosine:
    """Compare pairs of vectors, both (points, dimensions), row with row.

    The baseline is exact: the mean over all pairs of different rows, which is what shuffling gives on average.
    Raises PolyspanError for other shapes, NaN, infinity, fewer than two points and vectors without a direction.
    """
    sides = [as_points(side, name).astype(np.float64) for side, name in ((x, "x"), (y, "y"))]
    if sides[0].shape != sides[1].shape or len(sides[0]) < 2:
        raise PolyspanError(
            "these are no pairs of vectors",
            found=" and ".join(f"{len(side)} × {side.shape[1]}" for side in sides),
            expected="two arrays of one shape, with at least two points",
        )
    plain = _means(*(_units(side, name) for side, name in zip(sides, "xy", strict=True)))
    centred = (
        _units(side - side.mean(0), f"{name} less its mean") for side, name in zip(sides, "xy", strict=True)
    )
    return Cosine(*plain, *_means(*centred), len(sides[0]))


def rank_correlation(
    values: Sequence[float], scores: Sequence[float], seed: int = 0, samples: int = 2000
) -> Correlation:
    """Spearman's ρ between similarities and scores, one point a pair of corpora, with a bootstrap over points.

    Bootstrap samples without two different values have no ρ and are left out. Raises PolyspanError below three
    points, and where all values or all scores are equal.
    """
    points = np.array([values, scores], np.float64)
    if points.shape[1] < 3 or not np.isfinite(points).all() or (np.ptp(points, 1) == 0).any():
        raise PolyspanError(
            "there is no rank correlation of these points",
            found=", ".join(f"({value:.3g}, {score:.3g})" for value, score in points.T[:5]) or "no points",
            expected="at least three points with different values and scores",
        )
    draws = np.random.default_rng(seed).integers(points.shape[1], size=(samples, points.shape[1]))
    rhos = spearman(*points[:, draws])
    rhos = rhos[np.isfinite(rhos)]
    low, high = np.quantile(rhos, (0.025, 0.975))
    rho = float(spearman(*points))
    return Correlation(rho, (float(low), float(high)) if points.shape[1] > 3 else None, points.shape[1])


def _units(side: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    norms = np.linalg.norm(side, axis=1, keepdims=True)
    wrong = np.flatnonzero(~(np.isfinite(norms) & (norms > 0)))
    if len(wrong):
        raise PolyspanError(
            "a vector has no direction",
            where=f"{name}, point {wrong[0]}",
            found="zeros alone" if norms[wrong[0], 0] == 0 else "a value that is no number, or too large",
        )
    units: NDArray[np.float64] = side / norms
    return units


def _means(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """The mean cosine of equal rows, and of all pairs of different rows."""
    equal = float((x * y).sum())
    every = float(x.sum(0) @ y.sum(0))
    return equal / len(x), (every - equal) / (len(x) * (len(x) - 1))

"""How alike two representations of the same points are: CCA, SVCCA, PWCCA and linear CKA, from covariances.

Each function takes two arrays of shape (points, dimensions), or the joint `Moments` of a pair. Sources: Raghu et
al. 2017 (SVCCA), Morcos, Raghu & Bengio 2018 (PWCCA), Kornblith et al. 2019 (CKA). All are invariant to a shift of
either side; CCA and PWCCA's coefficients to any invertible map, SVCCA and CKA to rotations and one scale.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from polyspan.errors import PolyspanError, UsageError
from polyspan.probe.moments import Floats, Moments

_CONSTANT = 1e-13  # a deviation below this share of the mean is rounding of a constant
_RANK = 1e-12  # an eigenvalue below this share of the largest is rounding of zero
_PREFIX = 0.98


@dataclass(frozen=True, slots=True)
class Cca:
    """Canonical correlations of two sides: `coefficients`, falling, each from 0 to 1.

    `directions` are the directions kept of x and of y; there are as many coefficients as the lesser of the two.
    """

    coefficients: Floats
    directions: tuple[int, int]
    points: int

    @property
    def mean(self) -> float:
        """The plain mean of the coefficients, the usual summary."""
        return float(self.coefficients.mean())

    @property
    def prefix_mean(self) -> float:
        """The mean over the fewest coefficients that add up to 98 % of their sum; 0 where all are 0."""
        sums = np.cumsum(self.coefficients)
        if not sums[-1]:
            return 0.0
        kept = int(np.searchsorted(sums, _PREFIX * sums[-1])) + 1
        return float(self.coefficients[:kept].mean())


def cca(x: ArrayLike | Moments, y: ArrayLike | None = None) -> Cca:
    """Canonical correlations in all directions that vary.

    Constant and dependent dimensions are left out (`Cca.directions` says what is left). Raises PolyspanError where
    a side does not vary at all, for NaN and infinity, and where so few points are left that some correlations
    would be 1 whatever the data (points ≤ directions of x + directions of y).
    """
    moments = joint(x, y)
    return _correlated(moments, whitening(moments.x(), "x"), whitening(moments.y(), "y"))


def svcca(x: ArrayLike | Moments, y: ArrayLike | None = None, variance: float = 0.99, k: int | None = None) -> Cca:
    """CCA between the leading principal directions of either side.

    As many as hold `variance` of the side's variance are kept, or `k` (fewer where fewer vary). Raises as `cca`.
    """
    moments = joint(x, y)
    sides = (leading(moments.x(), variance, k, "x"), leading(moments.y(), variance, k, "y"))
    return _correlated(moments, *sides)


def pwcca(x: ArrayLike | Moments, y: ArrayLike | None = None) -> float:
    """The mean of `cca`'s coefficients, weighted by how much of x each canonical variate of x accounts for.

    The weight of variate h is Σ |⟨h, xⱼ⟩| over x's dimensions j, so that pwcca(x, y) ≠ pwcca(y, x). That is the
    formula of Morcos et al. 2018; the code of google/svcca leaves x's whitening out of h, and gives other values.
    """
    moments = joint(x, y)
    of_x, of_y = whitening(moments.x(), "x"), whitening(moments.y(), "y")
    require_points(moments.points, of_x.shape[1], of_y.shape[1])
    left, coefficients, _ = np.linalg.svd(of_x.T @ _cross(moments) @ of_y, full_matrices=False)
    weights = np.abs((of_x @ left).T @ moments.x().covariance).sum(1)
    return float(np.clip(coefficients, 0, 1) @ weights / weights.sum())


def cka(x: ArrayLike | Moments, y: ArrayLike | None = None) -> float:
    """Linear centred kernel alignment, from 0 to 1: ‖Cov(x, y)‖² / (‖Cov(x)‖ ‖Cov(y)‖) in Frobenius norms."""
    moments = joint(x, y)
    for side, name in ((moments.x(), "x"), (moments.y(), "y")):
        varying(side, name)
    own = np.linalg.norm(moments.x().covariance) * np.linalg.norm(moments.y().covariance)
    return float(np.linalg.norm(_cross(moments)) ** 2 / own)


def joint(x: ArrayLike | Moments, y: ArrayLike | None) -> Moments:
    """The joint moments of two arrays, or those given."""
    if isinstance(x, Moments):
        if y is not None or x.split == len(x.mean):
            raise UsageError("give two arrays, or the joint moments of a pair alone")
        return x
    if y is None:
        raise UsageError("there is nothing to compare x with", fix="give y too, or the joint moments of a pair")
    return Moments.of(x, y)


def varying(side: Moments, name: str) -> Floats:
    """Standard deviations of a side's dimensions, 0 for constant ones. Raises PolyspanError where all are."""
    spread = np.sqrt(side.covariance.diagonal())
    spread = np.where(spread > _CONSTANT * np.abs(side.mean), spread, 0.0)
    if not spread.any():
        raise PolyspanError(
            f"{name} does not vary", found=f"the same vector at all {side.points} points", expected="other points"
        )
    return spread


def whitening(side: Moments, name: str) -> Floats:
    """A map (dimensions, directions) that makes a side's covariance the identity, in all directions that vary."""
    spread = varying(side, name)
    scale = np.divide(1.0, spread, where=spread > 0, out=np.zeros_like(spread))  # evens out what units do
    values, vectors = np.linalg.eigh(side.covariance * np.outer(scale, scale))
    kept = values > _RANK * values[-1]
    white: Floats = scale[:, None] * vectors[:, kept] / np.sqrt(values[kept])
    return white


def leading(side: Moments, variance: float, k: int | None, name: str) -> Floats:
    """A map (dimensions, directions) that makes the leading principal directions of a side white."""
    if not 0 < variance <= 1:
        raise UsageError("the variance to keep is a share", found=str(variance), expected="above 0, at most 1")
    if k is not None and k < 1:
        raise UsageError("at least one direction is kept", found=str(k))
    spread = varying(side, name)
    covariance = np.where(np.outer(spread, spread) > 0, side.covariance, 0.0)
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = values[::-1], vectors[:, ::-1]
    rank = int((values > _RANK * values[0]).sum())
    if k is None:
        sums = np.cumsum(values[:rank])
        k = int(np.searchsorted(sums, variance * sums[-1] * (1 - 1e-12))) + 1  # 1 − ε: all is all
    k = min(k, rank)
    white: Floats = vectors[:, :k] / np.sqrt(values[:k])
    return white


def _correlated(moments: Moments, of_x: Floats, of_y: Floats) -> Cca:
    directions = of_x.shape[1], of_y.shape[1]
    require_points(moments.points, *directions)
    coefficients = np.linalg.svd(of_x.T @ _cross(moments) @ of_y, compute_uv=False)
    return Cca(np.clip(coefficients, 0, 1), directions, moments.points)


def _cross(moments: Moments) -> Floats:
    return moments.covariance[: moments.split, moments.split :]


def require_points(points: int, of_x: int, of_y: int) -> None:
    """Raise PolyspanError where there are no more points than directions of both sides together."""
    if points <= of_x + of_y:
        raise PolyspanError(
            "too few points for so many directions: some correlations would be 1 whatever the data",
            found=f"{points} points; {of_x} directions of x and {of_y} of y",
            expected=f"more than {of_x + of_y} points; five times as many for numbers that mean something",
            fix="give more points, or keep fewer directions: svcca(x, y, k=20)",
        )

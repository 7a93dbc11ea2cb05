"""Measures of likeness that compare many layers with many others: each side is prepared once, then compared."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from polyspan.errors import choose
from polyspan.probe.answer_vectors import Vectors
from polyspan.probe.cca import leading, require_points, varying
from polyspan.probe.moments import Floats, Moments

MEASURES = ("svcca", "cka")


@dataclass(frozen=True, slots=True)
class Measure:
    """`prepare` turns vectors (points, width) into an array of as many points; `compare` gives two such a value.

    The values are those of `polyspan.probe.cca`. Rows of one side in another order give the baseline.
    """

    name: str
    prepare: Callable[[Vectors], Floats]
    compare: Callable[[Floats, Floats], float]


def measure(name: str, variance: float = 0.99, k: int | None = None) -> Measure:
    """`svcca` (the mean coefficient, between directions that hold `variance`, or `k`) or `cka`."""
    choose("measure", name, MEASURES)
    if name == "cka":
        return Measure(name, _scaled, lambda x, y: float(np.linalg.norm(x.T @ y) ** 2))
    return Measure(name, lambda x: _white(x, variance, k), _mean_correlation)


def _white(x: Vectors, variance: float, k: int | None) -> Floats:
    """Orthonormal coordinates in the leading principal directions, (points, directions)."""
    moments = Moments.of(x)
    directions = leading(moments, variance, k, "a layer")
    white: Floats = (x - moments.mean) @ directions / np.sqrt(len(x) - 1)
    return white


def _mean_correlation(x: Floats, y: Floats) -> float:
    require_points(len(x), x.shape[1], y.shape[1])
    return float(np.linalg.svd(x.T @ y, compute_uv=False).clip(0, 1).mean())


def _scaled(x: Vectors) -> Floats:
    """Centred, with a covariance of norm 1."""
    moments = Moments.of(x)
    varying(moments, "a layer")
    scaled: Floats = (x - moments.mean) / np.sqrt(np.linalg.norm(moments.scatter))
    return scaled

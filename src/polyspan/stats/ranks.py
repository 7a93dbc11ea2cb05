"""Ranks, and Spearman's rank correlation, of many rows at once; importing scipy's takes half a second."""

import numpy as np
from numpy.typing import ArrayLike

from polyspan.stats.resampling import Floats


def ranks(values: ArrayLike) -> Floats:
    """Ranks from 1 over the last axis; equal values share the mean of theirs."""
    given = np.asarray(values, np.float64)
    order = np.argsort(given, axis=-1)
    ordered = np.take_along_axis(given, order, -1)
    edges = np.ones((*given.shape[:-1], given.shape[-1] + 1), bool)
    edges[..., 1:-1] = ordered[..., 1:] != ordered[..., :-1]
    place = np.arange(given.shape[-1])
    first = np.maximum.accumulate(np.where(edges[..., :-1], place, 0), axis=-1)
    last = np.minimum.accumulate(np.where(edges[..., 1:], place, place[-1])[..., ::-1], axis=-1)[..., ::-1]
    found = np.empty(given.shape)
    np.put_along_axis(found, order, (first + last) / 2 + 1, -1)
    return found


def spearman(x: ArrayLike, y: ArrayLike) -> Floats:
    """Spearman's ρ over the last axis, of arrays that fit each other; NaN where all values of one are equal."""
    a, b = (one - one.mean(-1, keepdims=True) for one in map(ranks, (x, y)))
    with np.errstate(invalid="ignore", divide="ignore"):
        rho: Floats = (a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1))
    return rho

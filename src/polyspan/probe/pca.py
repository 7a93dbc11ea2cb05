"""Principal axes shared by languages and states of a model.

The paper's Fig. 1 does not say what its axes were fitted on. Here they are of the union of the languages, in one
state of the model or in several (`pooled`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from polyspan.errors import PolyspanError, UsageError
from polyspan.probe.cca import varying
from polyspan.probe.moments import Floats, Moments, as_points


@dataclass(frozen=True, slots=True)
class Axes:
    """Principal axes, the widest first: `directions` is (dimensions, axes), orthonormal, and `mean` (dimensions,).

    `variance` is that along each axis, and `share` its part of all the variance there is.
    """

    mean: Floats
    directions: Floats
    variance: Floats
    share: Floats

    def apply(self, x: ArrayLike) -> Floats:
        """Vectors (points, dimensions) as coordinates (points, axes)."""
        return (as_points(x, "x") - self.mean) @ self.directions

    def share_of(self, x: ArrayLike) -> Floats:
        """The part of other vectors' variance that lies along each axis, from 0 to 1."""
        centred = as_points(x, "x").astype(np.float64)
        centred -= centred.mean(0)
        shares: Floats = np.square(centred @ self.directions).sum(0) / np.square(centred).sum()
        return shares


def axes(*sides: ArrayLike | Moments, count: int = 2) -> Axes:
    """The principal axes of the union of all sides: arrays (points, dimensions) or `Moments`.

    The sign of each axis is fixed: its largest entry is positive. Raises PolyspanError where nothing varies or
    there are fewer points than axes + 1, and UsageError for more axes than dimensions.
    """
    if not sides:
        raise UsageError("nothing is given to find axes of")
    whole: Moments | None = None
    for side in sides:
        moments = side if isinstance(side, Moments) else Moments.of(side)
        if whole is None:
            whole = Moments.empty(len(moments.mean))
        whole.merge(moments)
    assert whole is not None
    if not 1 <= count <= len(whole.mean):
        raise UsageError("there are not so many axes", found=str(count), expected=f"1 to {len(whole.mean)}")
    if whole.points <= count:
        raise PolyspanError("too few points for so many axes", found=f"{whole.points} points, {count} axes")
    varying(whole, "the union of the sides")
    values, vectors = np.linalg.eigh(whole.covariance)
    values, vectors = values[::-1].clip(0), vectors[:, ::-1][:, :count]
    heaviest = np.abs(vectors).argmax(0)
    vectors = vectors * np.sign(vectors[heaviest, np.arange(count)])
    return Axes(whole.mean, vectors, values[:count], values[:count] / values.sum())


def pooled(states: Sequence[Sequence[ArrayLike]]) -> Moments:
    """Moments of several states of a model, each a union of sides, centred and scaled to a total variance of 1.

    Fine-tuning can spread an encoder's vectors a hundred times as wide: without the scale one state alone would
    choose the axes.
    """
    whole: Moments | None = None
    for sides in states:
        moments = Moments.empty(as_points(sides[0], "a side").shape[1])
        for side in sides:
            moments.add(side)
        varying(moments, "a state")
        scaled = moments.scatter * (moments.points / moments.scatter.trace())
        part = Moments(moments.points, np.zeros_like(moments.mean), scaled, moments.split)
        whole = part if whole is None else whole.merge(part)
    if whole is None:
        raise UsageError("nothing is given to find axes of")
    return whole

"""Two sets of vectors made ready for a solver, and the affine map that its linear map stands for.

Every solver compares directions: vectors are centred and scaled to unit length, and a matrix W that carries the
source's units onto the target's is sought. Dividing each vector by its own length commutes with W, so the centred
vectors themselves are carried by the same W; what is left is one factor. It is chosen so that the mapped source
vectors lie about the target's mean, as far from it as the target's own (root mean square): an encoder's upper
layers then see vectors of the size that they are used to. VecMap and DeMa scale to unit length once more before
centring, which no affine map can repeat on raw vectors; that first step is left out here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from polyspan.align.csls import unit
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.device import best_device
from polyspan.model.map import Map

Array = NDArray[Any]
Ranks = tuple[Sequence[int] | Array, Sequence[int] | Array]


@dataclass(frozen=True, slots=True)
class Space:
    """Vectors of one language as they are, in order of frequency, and their mean.

    `raw` has the shape (n, d); `ranks` are frequency ranks from 1, shape (n,), in ascending order.
    """

    raw: Tensor
    ranks: Tensor
    center: Tensor

    @property
    def centred(self) -> Tensor:
        """The vectors about their mean."""
        return self.raw - self.center

    @property
    def units(self) -> Tensor:
        """Their directions from the mean."""
        return unit(self.centred)


@dataclass(frozen=True, slots=True)
class Given:
    """What a solver works on: both spaces, and the rows known to belong together, shape (pairs, 2), if any."""

    x: Space
    y: Space
    pairs: Tensor | None

    def affine(self, matrix: Tensor, record: Mapping[str, Any] = {}) -> Map:
        """The Map on raw vectors of a matrix that carries the source's directions to the target's."""
        centred = self.x.centred.double()
        linear = matrix.double()
        linear = linear * (spread(self.y.centred.double()) / spread(centred @ linear))
        bias = self.y.center.double() - self.x.center.double() @ linear
        return Map(_array(linear), _array(bias), dict(record))

    def uncentred(self) -> "Given":
        """The same with directions from the origin, not from the means."""
        x, y = (replace(side, center=torch.zeros_like(side.center)) for side in (self.x, self.y))
        return Given(x, y, self.pairs)


def given(
    x: Array,
    y: Array,
    pairs: ArrayLike | None = None,
    ranks: Ranks | None = None,
    *,
    few: bool = False,
) -> Given:
    """Check the vectors, order them by frequency and move them to the GPU where one has float64.

    Raises PolyspanError for vectors that a rotation cannot be fitted to: NaN or infinity, unequal widths, fewer
    vectors than dimensions (unless `few`), a dimension that never changes; and UsageError for wrong shapes.
    """
    for side, vectors in (("source", x), ("target", y)):
        _check(side, vectors, few)
    if x.shape[1] != y.shape[1]:
        raise PolyspanError(
            "source and target vectors have unequal widths",
            found=f"{x.shape[1]} and {y.shape[1]} dimensions",
            fix="take both from one layer, or from files of one width",
        )
    known = None if pairs is None else _pairs(pairs, len(x), len(y))
    sides, places = [], []
    for vectors, own in zip((x, y), ranks or (None, None), strict=True):
        order, sorted_ranks = _order(own, len(vectors))
        sides.append(_space(vectors[order], sorted_ranks))
        places.append(np.argsort(order))
    if known is not None:
        known = np.stack([places[side][known[:, side]] for side in (0, 1)], 1)
    return Given(sides[0], sides[1], None if known is None else torch.from_numpy(known).to(sides[0].raw.device))


def orthogonal(x: Tensor, y: Tensor) -> Tensor:
    """The orthogonal matrix W, (d, d), that brings the rows of x @ W nearest to those of y (Schönemann 1966)."""
    left, _, right = torch.linalg.svd(x.double().T @ y.double())
    rotation: Tensor = left @ right
    return rotation.to(x.dtype)


def _check(side: str, vectors: Array, few: bool) -> None:
    if vectors.ndim != 2 or 0 in vectors.shape:
        raise UsageError(
            f"no {side} vectors", found=f"an array of shape {vectors.shape}", expected="(vectors, width)"
        )
    if not np.isfinite(vectors).all():
        row = int(np.argwhere(~np.isfinite(vectors))[0, 0])
        raise PolyspanError(f"the {side} vectors hold NaN or infinity", found=f"first in row {row}")
    if few:
        return
    if len(vectors) < vectors.shape[1]:
        raise PolyspanError(
            f"fewer {side} vectors than dimensions",
            found=f"{len(vectors)} vectors of {vectors.shape[1]} dimensions",
            fix="give more data, or raise --limit",
        )
    if (constant := np.flatnonzero(np.ptp(vectors, axis=0) == 0)).size:
        raise PolyspanError(
            f"a dimension of the {side} vectors never changes",
            found=f"dimension {constant[0]}" + (f" and {constant.size - 1} more" if constant.size > 1 else ""),
            fix="leave it out on both sides, or choose another layer",
        )


def _pairs(pairs: ArrayLike, sources: int, targets: int) -> NDArray[np.int64]:
    known = np.asarray(pairs)
    if known.ndim != 2 or known.shape[1] != 2 or not len(known) or known.dtype.kind not in "iu":
        raise UsageError(
            "no seed pairs", found=f"an array of shape {known.shape}", expected="row numbers, (pairs, 2)"
        )
    if known.min() < 0 or (known >= (sources, targets)).any():
        raise UsageError("a seed pair names a row that is not there", expected=f"below {sources} and {targets}")
    return known.astype(np.int64)


def _order(ranks: Sequence[int] | Array | None, count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    if ranks is None:
        return np.arange(count), np.arange(1, count + 1, dtype=np.float32)
    own = np.asarray(ranks, np.float32)
    if own.shape != (count,) or not np.isfinite(own).all() or own.min() < 1:
        raise UsageError("ranks are one number from 1 for each vector", found=f"an array of shape {own.shape}")
    order = np.argsort(own, kind="stable")
    return order, own[order]


def _space(vectors: Array, ranks: NDArray[np.float32]) -> Space:
    device = best_device(float64=True)
    raw = torch.from_numpy(np.ascontiguousarray(vectors, np.float32)).to(device)
    return Space(raw, torch.from_numpy(ranks).to(device), raw.double().mean(0).float())


def spread(centred: Tensor) -> Tensor:
    """The root mean square length of the rows."""
    return centred.square().sum(1).mean().sqrt()


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().cpu().numpy()

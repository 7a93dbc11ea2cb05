"""First and second moments of vectors, or of pairs of vectors, gathered part by part in double precision.

The update is that of Chan, Golub and LeVeque (1979): each part is centred on its own mean, so that nothing
cancels however large the mean is. What is held is (width, width), whatever the number of points.
"""

import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polyspan.errors import PolyspanError
from polyspan.files import Source, explained, replacing

Floats = NDArray[np.float64]

_PART = 2048  # points centred at a time: large enough for fast products, small enough to stay in the cache


@dataclass(slots=True)
class Moments:
    """Moments of `points` vectors of shape (width,); of pairs (x, y), x has the first `split` dimensions.

    `scatter` is the sum over points of the products of deviations from the mean, (width, width).
    """

    points: int
    mean: Floats
    scatter: Floats
    split: int

    @classmethod
    def empty(cls, x_width: int, y_width: int = 0) -> "Moments":
        """No points yet."""
        width = x_width + y_width
        return cls(0, np.zeros(width), np.zeros((width, width)), x_width)

    @classmethod
    def of(cls, x: ArrayLike, y: ArrayLike | None = None) -> "Moments":
        """Of arrays (points, dimensions); `y` has as many points as `x`."""
        x, y = as_points(x, "x"), None if y is None else as_points(y, "y")
        return cls.empty(x.shape[1], 0 if y is None else y.shape[1]).add(x, y)

    def add(self, x: ArrayLike, y: ArrayLike | None = None) -> "Moments":
        """Take in more points, in place. Raises PolyspanError for NaN, infinity and another shape."""
        parts = [as_points(x, "x"), *([] if y is None else [as_points(y, "y")])]
        widths = [self.split, *([len(self.mean) - self.split] if len(self.mean) > self.split else [])]
        if [part.shape[1] for part in parts] != widths or len({len(part) for part in parts}) > 1:
            raise PolyspanError(
                "the vectors do not fit together",
                found=" and ".join(f"{len(part)} × {part.shape[1]}" for part in parts),
                expected="as many points in x as in y, with dimensions " + " and ".join(map(str, widths)),
            )
        if len(parts[0]):
            self.merge(Moments(len(parts[0]), *_gathered(parts, widths), self.split))
        return self

    def merge(self, other: "Moments") -> "Moments":
        """Take in the points of other moments, in place."""
        if other.mean.shape != self.mean.shape or other.split != self.split:
            raise PolyspanError(
                "moments of other widths cannot be merged",
                found=f"{other.split} + {len(other.mean) - other.split} dimensions",
                expected=f"{self.split} + {len(self.mean) - self.split}",
            )
        if not other.points:
            return self
        both = self.points + other.points
        step = other.mean - self.mean
        self.scatter += other.scatter
        self.scatter += np.outer(step, step * (self.points * other.points / both))
        self.mean = self.mean + step * (other.points / both)
        self.points = both
        return self

    @property
    def covariance(self) -> Floats:
        """(width, width), divided by points − 1. Raises PolyspanError below two points."""
        if self.points < 2:
            raise PolyspanError("a covariance needs at least two points", found=str(self.points))
        return self.scatter / (self.points - 1)

    def x(self) -> "Moments":
        """Of the first of each pair alone."""
        return Moments(self.points, self.mean[: self.split], self.scatter[: self.split, : self.split], self.split)

    def y(self) -> "Moments":
        """Of the second of each pair alone."""
        own = slice(self.split, None)
        return Moments(self.points, self.mean[own], self.scatter[own, own], len(self.mean) - self.split)

    def save(self, path: Source) -> None:
        """Write to an `.npz` file."""
        save_arrays(path, self.arrays())

    @classmethod
    def load(cls, path: Source) -> "Moments":
        """Read what `save` wrote. Raises PolyspanError for any other file."""
        return cls.from_arrays(load_arrays(path), path)

    def arrays(self, prefix: str = "") -> dict[str, Any]:
        """As named arrays, for files that hold more than one."""
        counts = np.array([self.points, self.split])
        return {f"{prefix}counts": counts, f"{prefix}mean": self.mean, f"{prefix}scatter": self.scatter}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], path: Source, prefix: str = "") -> "Moments":
        """The inverse of `arrays`; `path` is named where they are not there."""
        try:
            (points, split), mean = arrays[f"{prefix}counts"].tolist(), arrays[f"{prefix}mean"]
            return cls(points, mean, arrays[f"{prefix}scatter"], split)
        except (KeyError, ValueError) as error:
            raise _no_moments(path, f"no {prefix}counts, mean and scatter") from error


def as_points(values: ArrayLike, name: str) -> NDArray[Any]:
    """Values as an array (points, dimensions) of numbers. Raises PolyspanError for another shape."""
    array = np.asarray(values)
    if array.ndim != 2 or not array.shape[1] or array.dtype.kind not in "fiu":
        raise PolyspanError(
            f"{name} is not an array of vectors",
            found=f"shape {array.shape} of {array.dtype}",
            expected="real numbers of shape (points, dimensions)",
        )
    return array


def save_arrays(path: Source, arrays: dict[str, Any]) -> None:
    """Write named arrays as `.npz`, whole or not at all."""
    with replacing(path) as part, open(part, "wb") as file:
        np.savez(file, **arrays)


def load_arrays(path: Source) -> dict[str, Any]:
    """Named arrays of an `.npz` file; never a pickle."""
    try:
        with explained(path, "read"), np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (ValueError, EOFError, zipfile.BadZipFile, TypeError) as error:
        raise _no_moments(path, str(error)) from error


def _no_moments(path: Source, found: str) -> PolyspanError:
    return PolyspanError(
        "these are no moments", where=str(path), found=found, expected="an .npz file", fix="compute them again"
    )


def _not_finite(parts: list[NDArray[Any]], widths: list[int]) -> PolyspanError:
    for name, part in zip("xy", parts, strict=False):
        wrong = np.argwhere(~np.isfinite(part))
        if len(wrong):
            point, dimension = wrong[0].tolist()
            where, found = f"{name}, point {point}, dimension {dimension}", str(part[point, dimension])
            return PolyspanError("a vector has a value that is no number", where=where, found=found)
    return PolyspanError("the vectors' values are too large to be added up", found=f"{sum(widths)} dimensions")


def _gathered(parts: list[NDArray[Any]], widths: list[int]) -> tuple[Floats, Floats]:
    """Mean and scatter of points whose sides are `parts`; each stretch is centred on its own mean."""
    from scipy.linalg.blas import dsyrk

    width, total = sum(widths), len(parts[0])
    space = np.empty((min(_PART, total), width))  # one for all: fresh memory costs time
    half = np.zeros((width, width), order="F")  # the upper triangle, summed in place
    means, sizes = [], []
    for first in range(0, total, _PART):
        chosen = [part[first : first + _PART] for part in parts]
        rows = np.concatenate(chosen, 1, out=space[: len(chosen[0])])
        mean = rows.mean(0)
        if not np.isfinite(mean).all():
            raise _not_finite(parts, widths)
        rows -= mean
        half = dsyrk(1.0, rows.T, 1.0, half, overwrite_c=True)
        means.append(mean)
        sizes.append(len(rows))
    middle: Floats = np.average(means, 0, sizes)
    apart = (np.stack(means) - middle) * np.sqrt(sizes)[:, None]
    with np.errstate(over="ignore"):
        scatter: Floats = half + np.triu(half, 1).T + apart.T @ apart
    if not np.isfinite(scatter).all():
        raise PolyspanError("the vectors' values are too large to be squared", where="x or y")
    return middle, scatter

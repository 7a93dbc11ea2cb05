"""A Map: the affine transformation that carries vectors of one space into another."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyspan.errors import PolyspanError, UsageError
from polyspan.files import Source, explained, replacing

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Map:
    """x @ matrix + bias, for row vectors x of the source space; the result lies in the target space as it is.

    `matrix` has the shape (source dimensions, target dimensions), `bias` (target dimensions,); both are float32
    and finite. `record` says how the map came about (method, options, model, layer, seed, source and target,
    scores); it holds nothing that JSON cannot. Raises UsageError for other shapes and for NaN or infinity.
    """

    matrix: Floats
    bias: Floats
    record: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("matrix", "bias"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), np.float32))
        if self.matrix.ndim != 2 or self.bias.shape != self.matrix.shape[1:] or 0 in self.matrix.shape:
            raise UsageError(
                "these arrays are no map",
                found=f"a matrix of shape {self.matrix.shape} and a bias of shape {self.bias.shape}",
                expected="(source dimensions, target dimensions) and (target dimensions,)",
            )
        if not (np.isfinite(self.matrix).all() and np.isfinite(self.bias).all()):
            raise UsageError("a map must not hold NaN or infinity", fix="look for them in the vectors")

    def apply(self, x: NDArray[Any]) -> NDArray[Any]:
        """Map vectors of shape (…, source dimensions) to (…, target dimensions). UsageError for another width."""
        if x.ndim == 0 or x.shape[-1] != self.matrix.shape[0]:
            raise UsageError(
                "the map does not fit these vectors",
                found=f"vectors of shape {x.shape}",
                expected=f"(…, {self.matrix.shape[0]})",
            )
        mapped: NDArray[Any] = x @ self.matrix + self.bias
        return mapped

    def save(self, path: Source) -> None:
        """Write one safetensors file: the tensors `matrix` and `bias`, the record as JSON in its metadata."""
        from safetensors.numpy import save_file

        record = json.dumps(self.record, ensure_ascii=False, allow_nan=False)
        with replacing(path) as part:
            save_file({"matrix": self.matrix, "bias": self.bias}, part, metadata={"polyspan.map": record})

    @classmethod
    def load(cls, path: Source) -> "Map":
        """Read a saved map. Raises PolyspanError for a file that is none, or one with NaN in it."""
        from safetensors import SafetensorError, safe_open

        with explained(path, "read"), open(path, "rb"):
            pass
        try:
            with safe_open(Path(path), "numpy") as file:
                record = dict(json.loads(file.metadata()["polyspan.map"]))
                return cls(file.get_tensor("matrix"), file.get_tensor("bias"), record)
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise _no_map(path, "another kind of file, or a damaged one") from error
        except UsageError as error:
            raise _no_map(path, error.found or error.message) from error


def _no_map(path: Source, found: str) -> PolyspanError:
    return PolyspanError(
        "this is not a map",
        where=str(path),
        found=found,
        expected="a file that `polyspan align fit` wrote",
        fix="fit the map again",
    )

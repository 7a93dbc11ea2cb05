"""SVCCA of translated answers (Raghu et al. 2017; Hsu et al., Fig. 3)."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from polyspan.errors import UsageError
from polyspan.probe.cca import leading, require_points
from polyspan.probe.moments import Moments
from polyspan.probe.study import AnswerStudy, Points


@dataclass(frozen=True)
class AnswerSvcca(AnswerStudy):
    """The mean canonical correlation between the leading principal directions of either side."""

    name: ClassVar[str] = "svcca"
    title: ClassVar[str] = "SVCCA of answers by layer"
    likeness: ClassVar[str] = "SVCCA"

    k: int | None = None
    """Principal directions kept of either side, whatever they hold."""
    variance: float = 0.99
    """Without `k`: as many are kept as hold this share of the side's variance."""

    def __post_init__(self) -> None:
        if self.k is not None and self.k < 1:
            raise UsageError("at least one direction is kept", found=str(self.k))
        if not 0 < self.variance <= 1:
            raise UsageError(
                "the variance to keep is a share", found=str(self.variance), expected="above 0, at most 1"
            )

    def settings(self) -> dict[str, Any]:
        """The one of the two that counts."""
        return {"k": self.k} if self.k else {"variance": self.variance}

    def prepare(self, x: Points) -> Points:
        """Orthonormal coordinates in the leading principal directions, (points, directions)."""
        moments = Moments.of(x)
        directions = leading(moments, self.variance, self.k, "a layer")
        white: Points = (x - moments.mean) @ directions / np.sqrt(len(x) - 1)
        return white

    def compare(self, x: Points, y: Points) -> float:
        """As `polyspan.probe.cca.svcca`."""
        require_points(len(x), x.shape[1], y.shape[1])
        return float(np.linalg.svd(x.T @ y, compute_uv=False).clip(0, 1).mean())

    def row(self, x: Points, y: Points, other: NDArray[np.int64]) -> dict[str, Any]:
        """Also how many directions are kept of either side."""
        a, b = self.prepare(x), self.prepare(y)
        row: dict[str, Any] = {"value": self.compare(a, b), "baseline": self.compare(a, b[other])}
        return row | {"directions": [a.shape[1], b.shape[1]]}

"""Cosine of translated answers, layer by layer (Hsu et al., Fig. 2)."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from polyspan.probe.similarity import cosine
from polyspan.probe.study import AnswerStudy, Points


@dataclass(frozen=True)
class AnswerCosine(AnswerStudy):
    """The mean cosine of right pairs, beside that of all wrong ones; both again centred by language."""

    name: ClassVar[str] = "cosine"
    title: ClassVar[str] = "Cosine of answers by layer"
    likeness: ClassVar[str] = "cosine similarity"
    centred: ClassVar[str] = "cosine similarity, centred"
    maps: ClassVar[bool] = False

    def prepare(self, x: Points) -> Points:
        """As they are."""
        return x

    def compare(self, x: Points, y: Points) -> float:
        """The mean cosine of equal rows."""
        return cosine(x, y).mean

    def row(self, x: Points, y: Points, other: NDArray[np.int64]) -> dict[str, Any]:
        """The baseline is exact: all wrong pairs, whatever the `other` order."""
        found = cosine(x, y)
        row = {"value": found.mean, "baseline": found.baseline}
        return row | {"centred": found.centred, "centred_baseline": found.centred_baseline}

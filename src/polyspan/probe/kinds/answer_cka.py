"""Linear CKA of translated answers (Kornblith et al. 2019; after Hsu et al., Fig. 3)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from polyspan.probe.cca import varying
from polyspan.probe.moments import Moments
from polyspan.probe.study import AnswerStudy, Points


@dataclass(frozen=True)
class AnswerCka(AnswerStudy):
    """Linear centred kernel alignment, which needs no directions to be chosen."""

    name: ClassVar[str] = "cka"
    title: ClassVar[str] = "Linear CKA of answers by layer"
    likeness: ClassVar[str] = "linear CKA"

    def prepare(self, x: Points) -> Points:
        """Centred, with a covariance of norm 1."""
        moments = Moments.of(x)
        varying(moments, "a layer")
        scaled: Points = (x - moments.mean) / np.sqrt(np.linalg.norm(moments.scatter))
        return scaled

    def compare(self, x: Points, y: Points) -> float:
        """As `polyspan.probe.cca.cka`."""
        return float(np.linalg.norm(x.T @ y) ** 2)

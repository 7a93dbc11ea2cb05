"""Several runs of one system with different seeds: mean, spread, and what the mean is worth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polyspan.errors import PolyspanError


@dataclass(frozen=True, slots=True)
class SeedSpread:
    """Mean and sample standard deviation (n - 1) over `n` seeds; `low` and `high` bound the mean's t-interval."""

    mean: float
    sd: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.1f} ± {self.sd:.1f} ({self.n} seeds, 95 % interval {self.low:.1f} to {self.high:.1f})"


def over_seeds(values: Sequence[float], confidence: float = 0.95) -> SeedSpread:
    """Summarise one score over several seeds, with Student's t-interval of the mean.

    Raises PolyspanError for fewer than two values or one that is not a number.
    """
    from scipy.special import stdtrit

    scores = np.asarray(values, dtype=float)
    if scores.size < 2:
        raise PolyspanError(
            "the spread over seeds needs two runs at least",
            found=f"{scores.size} run" + ("" if scores.size == 1 else "s"),
            fix="train again with other seeds; five are usual",
        )
    if not np.isfinite(scores).all():
        place = int(np.argwhere(~np.isfinite(scores))[0][0])
        raise PolyspanError(f"the score of run {place + 1} is not a number", found=str(values[place]))
    mean, sd = float(scores.mean()), float(scores.std(ddof=1))
    half = float(stdtrit(scores.size - 1, (1 + confidence) / 2)) * sd / math.sqrt(scores.size)
    return SeedSpread(mean, sd, mean - half, mean + half, scores.size)

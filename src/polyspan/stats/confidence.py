"""How well probabilities keep their word."""

import numpy as np
import numpy.typing as npt


def ece(p: npt.ArrayLike, right: npt.ArrayLike, bins: int = 15) -> float:
    """Expected calibration error: probabilities against the share that is right, in bins of equally many."""
    p, right = np.asarray(p, float), np.asarray(right, float)
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return float(sum(abs(p[part].mean() - right[part].mean()) * len(part) for part in parts) / len(p))

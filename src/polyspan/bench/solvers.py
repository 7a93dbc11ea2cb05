"""Turns of the alignment solvers: dictionary induction by CSLS beside straightforward numpy."""

import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from polyspan.align.csls import NEIGHBOURS, dictionary

Floats = NDArray[np.float32]

_WIDTH = 300
_ROWS = 1000  # of the similarities that numpy computes at a time: all of them would take 10 GB
WORDS = {"quick": 10_000, "full": 50_000}
"""Words on either side."""


def csls(turn: int, words: int) -> dict[str, Any]:
    """Words a second of a forward dictionary for as many words on both sides, on the same vectors by both sides.

    `different` counts the words for which the two do not find the same translation.
    """
    generator = np.random.default_rng(turn)
    x = generator.normal(size=(words, _WIDTH)).astype(np.float32)
    y = x[generator.permutation(words)] + generator.normal(size=x.shape).astype(np.float32)
    x, y = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (x, y))
    began = time.perf_counter()
    ours = dictionary(torch.from_numpy(x), torch.from_numpy(y))[:, 1].numpy()
    middle = time.perf_counter()
    theirs = _plain(x, y)
    ended = time.perf_counter()
    speeds = words / (middle - began), words / (ended - middle)
    return {"ours": speeds[0], "peer": speeds[1], "different": int((ours != theirs).sum())}


def _plain(x: Floats, y: Floats) -> NDArray[np.int64]:
    """CSLS as it is written: both mean similarities, then the best of 2 cos − r(x) − r(y)."""
    r_x, r_y = _mean_similarity(x, y), _mean_similarity(y, x)
    best = [
        (2 * (x[at : at + _ROWS] @ y.T) - r_x[at : at + _ROWS, None] - r_y).argmax(1)
        for at in range(0, len(x), _ROWS)
    ]
    return np.concatenate(best)


def _mean_similarity(x: Floats, y: Floats) -> Floats:
    parts = [
        np.partition(x[at : at + _ROWS] @ y.T, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS:].mean(1)
        for at in range(0, len(x), _ROWS)
    ]
    return np.concatenate(parts)

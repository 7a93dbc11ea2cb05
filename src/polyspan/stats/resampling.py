"""The two ways of drawing again: the bootstrap (Efron & Tibshirani 1993) and the sign-flip permutation test.

Both work on units, rows that are drawn or flipped whole: questions, or all questions of a paragraph together.
Memory is flat: draws are made in blocks of some hundred thousand numbers, and small ones kept.
"""

import functools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DRAWS = 10_000
"""Draws where nothing else is said: a p of .05 is then certain to within ± .004."""

_BLOCK = 2**17  # numbers in a block: a megabyte stays in the cache of a core
_KEPT = 2**23  # numbers of draws that are kept: 16 megabytes
_TIE = 1e-9  # sums in another order differ in their last bits: relative slack of "as extreme as"


def bootstrap_sums(columns: Floats, draws: int, seed: int | tuple[int, ...]) -> Floats:
    """Column sums over units drawn with replacement, as many as there are.

    `columns` has shape (units, columns); the result has shape (draws, columns). All columns see the same draws, so
    that two systems stay paired.
    """
    count, width = columns.shape
    sums = np.empty((draws, width))
    sums[:] = count * columns[0]
    varying = [index for index in range(width) if np.ptp(columns[:, index]) > 0]
    each = [np.ascontiguousarray(columns[:, index]) for index in varying]
    few = draws * count <= _KEPT
    start = 0
    for counts in _kept_counts(count, draws, seed) if few else _drawn_counts(count, draws, seed):
        weights = counts.astype(np.float64)
        for index, column in zip(varying, each, strict=True):  # one by one: a sum is the same in any place
            sums[start : start + len(counts), index] = weights @ column
        start += len(counts)
    return sums


@functools.lru_cache(maxsize=4)
def _kept_counts(count: int, draws: int, seed: int | tuple[int, ...]) -> list[npt.NDArray[np.uint16]]:
    """The draws of a test's units, which all comparisons on that test share."""
    return list(_drawn_counts(count, draws, seed))


def _drawn_counts(count: int, draws: int, seed: int | tuple[int, ...]) -> Iterator[npt.NDArray[np.uint16]]:
    """How often each unit is drawn in each draw, (some draws, units) at a time."""
    rng = np.random.default_rng(seed)
    step = max(1, _BLOCK // count)
    for start in range(0, draws, step):
        rows = min(step, draws - start)
        drawn = rng.integers(0, count, (rows, count), dtype=np.int32).astype(np.int64)
        drawn += count * np.arange(rows)[:, None]  # each draw has a stretch of its own
        found = np.bincount(drawn.ravel(), minlength=rows * count)
        yield found.reshape(rows, count).astype(np.uint16)


def bootstrap_counts(units: int, draws: int, seed: int | tuple[int, ...]) -> Iterator[Floats]:
    """How often each unit is drawn, with replacement and as many as there are, in each of the draws."""
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        yield np.bincount(rng.integers(0, units, units), minlength=units).astype(float)


def run_weights(runs: int, draws: int, seed: int | tuple[int, ...]) -> Floats:
    """How much each of several runs counts in each draw, of shape (draws, runs): runs drawn with replacement."""
    return np.random.default_rng(seed).multinomial(runs, np.full(runs, 1 / runs), size=draws) / runs


def interval(values: Floats, confidence: float = 0.95) -> tuple[float, float]:
    """The percentile interval of draws."""
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def sign_flip_p(differences: Floats, draws: int, seed: int | tuple[int, ...]) -> Floats:
    """Two-sided p of each column's sum if the two systems were exchanged at random in every unit.

    `differences` has shape (units, columns). Exact, over all 2^units ways, where these are no more than `draws`;
    else from seeded draws, with the observed way counted among them. Never 0; 1 where nothing differs.
    """
    differences = differences[np.any(differences != 0, axis=1)]
    count = len(differences)
    observed = np.abs(differences.sum(axis=0))
    bound = observed - _TIE * np.abs(differences).sum(axis=0)
    if 2**count <= draws:
        ways = np.arange(2**count)[:, None] >> np.arange(count)[None, :] & 1
        sums = (2.0 * ways - 1.0) @ differences
        exact: Floats = (np.abs(sums) >= bound).mean(axis=0)
        return exact
    rng = np.random.default_rng(seed)
    extreme = np.zeros(differences.shape[1])
    step = max(1, _BLOCK // count)
    for start in range(0, draws, step):
        rows = min(step, draws - start)
        bits = rng.integers(0, 256, (rows, -(-count // 8)), dtype=np.uint8)
        kept = np.unpackbits(bits, axis=1, count=count).astype(np.float64)
        sums = 2 * (kept @ differences) - differences.sum(axis=0)
        extreme += (np.abs(sums) >= bound).sum(axis=0)
    share: Floats = (1 + extreme) / (1 + draws)
    return share

"""Weights of four bits each, in blocks with one scale in half precision: value = (nibble − 8)·scale.

In a block of 2·m weights byte i has weight i in its low nibble and weight m + i in the high one, as in the format
Q4_0, whose blocks have 32.
"""

import numpy as np
from numpy.typing import NDArray

_SPANS = (-8.5, -8.0, -7.25, -6.5, -5.75, -5.0, 5.0, 5.75, 6.5, 7.25)
"""What the weight of a block that is farthest from zero may be in scales; it is cut to −8 … 7 then."""


def unpacked(nibbles: NDArray[np.uint8], scales: NDArray[np.float16]) -> NDArray[np.float32]:
    """The values (blocks, 2·m), of nibbles (blocks, m) and scales (blocks,)."""
    half = nibbles.shape[1]
    values = np.empty((len(nibbles), 2 * half), np.float32)
    np.bitwise_and(nibbles, 15, out=values[:, :half], casting="unsafe")
    np.right_shift(nibbles, 4, out=values[:, half:], casting="unsafe")
    values -= 8
    values *= scales.astype(np.float32)[:, None]
    return values


def packed(values: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """Nibbles (blocks, m) and scales (blocks,) for values (blocks, 2·m) within ±65,504.

    For each block several scales are tried, each of them fitted once more by least squares to the values as it
    rounds them; the one with the smallest squared error is kept.
    """
    farthest = np.take_along_axis(values, np.abs(values).argmax(1)[:, None], 1)
    best = np.full((len(values), 1), np.inf, np.float32)
    chosen, scales = np.zeros(values.shape, np.float32), np.zeros((len(values), 1), np.float16)
    for span in _SPANS:
        tried = (farthest / np.float32(span)).astype(np.float16)
        for _ in range(2):
            rounded = _rounded(values, tried)
            error = np.square(rounded * tried.astype(np.float32) - values).sum(1, keepdims=True)
            better = error < best
            best, scales = np.where(better, error, best), np.where(better, tried, scales)
            chosen = np.where(better, rounded, chosen)
            weight = np.square(rounded).sum(1, keepdims=True)
            tried = ((rounded * values).sum(1, keepdims=True) / np.maximum(weight, 1)).astype(np.float16)
    nibbles = (chosen + 8).astype(np.uint8)
    half = values.shape[1] // 2
    return nibbles[:, :half] + np.uint8(16) * nibbles[:, half:], scales[:, 0]


def _rounded(values: NDArray[np.float32], scales: NDArray[np.float16]) -> NDArray[np.float32]:
    """Values in scales, as whole numbers from −8 to 7; 0 where the scale is."""
    wide = scales.astype(np.float32)
    whole = np.divide(values, wide, out=np.zeros_like(values), where=wide != 0)
    return np.clip(np.rint(whole), -8, 7)

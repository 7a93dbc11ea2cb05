"""The best answer spans of a window, exactly: no pair of start and end within the length bound is overlooked."""

from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

_NEVER = np.float32("-inf")
_AT_ONCE = 128  # windows: what is computed of them stays in the processor's cache

Floats = NDArray[np.float32]


class Spans(NamedTuple):
    """The k best spans of each window, best first: positions (`end` inclusive) and start + end logits.

    Where a window has fewer than k spans the rest score −inf.
    """

    start: Any
    end: Any
    score: Any


def best_spans(start_logits: Any, end_logits: Any, max_answer_length: int = 30, k: int = 20) -> Spans:
    """The k spans with the highest start + end logit, start ≤ end < start + max_answer_length.

    Takes and gives numpy arrays or tensors of shape (windows, positions), or (positions,) for one window;
    forbidden positions are to hold −inf. For each start the best end within reach comes from a running maximum;
    the k best spans lie among the k best starts, so only k·max_answer_length sums are ever compared.
    """
    if not isinstance(start_logits, np.ndarray):
        import torch

        start, end = (torch.as_tensor(logits).detach().cpu().numpy() for logits in (start_logits, end_logits))
        found = best_spans(start, end, max_answer_length, k)
        return Spans(*(torch.from_numpy(part).to(start_logits.device) for part in found))
    start, end = np.asarray(start_logits, np.float32), np.asarray(end_logits, np.float32)
    if start.ndim == 1:
        return Spans(*(part[0] for part in best_spans(start[None], end[None], max_answer_length, k)))
    parts = [
        _best_spans(start[first : first + _AT_ONCE], end[first : first + _AT_ONCE], max_answer_length, k)
        for first in range(0, max(len(start), 1), _AT_ONCE)
    ]
    return Spans(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _best_spans(start: Floats, end: Floats, reach: int, k: int) -> Spans:
    windows, positions = start.shape
    reach = min(reach, positions)
    starts = _largest(start + _running_maximum(end, reach), min(k, positions))
    padded = np.full((windows, positions + reach - 1), _NEVER)
    padded[:, :positions] = end
    rows = np.arange(windows)[:, None]
    sums = start[rows, starts][:, :, None] + sliding_window_view(padded, reach, axis=1)[rows, starts]
    sums = sums.reshape(windows, -1)
    chosen = _largest(sums, min(k, sums.shape[1]))
    chosen = chosen[rows, np.argsort(-sums[rows, chosen], axis=1, kind="stable")]
    first = starts[rows, chosen // reach]
    return Spans(first, first + chosen % reach, sums[rows, chosen])


def _running_maximum(values: Floats, reach: int) -> Floats:
    """The maximum of each position and the `reach` − 1 behind it, by maxima of 1, 2, 4, 8, … positions."""
    width = 1
    while width < reach:
        step = min(width, reach - width)
        wider = values.copy()
        np.maximum(wider[:, :-step], values[:, step:], out=wider[:, :-step])
        values, width = wider, width + step
    return values


def _largest(values: Floats, k: int) -> NDArray[np.int64]:
    """The places of the k largest values of each row, in no order."""
    return np.argpartition(values, values.shape[1] - k, axis=1)[:, values.shape[1] - k :]

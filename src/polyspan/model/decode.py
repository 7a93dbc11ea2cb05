"""The best answer spans of a window, exactly: no pair of start and end within the length bound is overlooked."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.functional import max_pool1d, pad

_NEVER = float("-inf")


class Spans(NamedTuple):
    """The k best spans of each window, best first: positions (`end` inclusive) and start + end logits.

    Where a window has fewer than k spans the rest score −inf.
    """

    start: Any
    end: Any
    score: Any


def best_spans(start_logits: Any, end_logits: Any, max_answer_length: int = 30, k: int = 20) -> Spans:
    """The k spans with the highest start + end logit, start ≤ end < start + max_answer_length.

    Takes and gives tensors or numpy arrays of shape (windows, positions), or (positions,) for one window;
    forbidden positions are to hold −inf. For each start the best end within reach comes from a running maximum;
    the k best spans lie among the k best starts, so only k·max_answer_length sums are ever compared.
    """
    if isinstance(start_logits, torch.Tensor):
        return _best_spans(start_logits, torch.as_tensor(end_logits), max_answer_length, k)
    start, end = (torch.from_numpy(np.array(logits, np.float32)) for logits in (start_logits, end_logits))
    return Spans(*(part.numpy() for part in _best_spans(start, end, max_answer_length, k)))


def _best_spans(start: torch.Tensor, end: torch.Tensor, reach: int, k: int) -> Spans:
    if start.ndim == 1:
        return Spans(*(part[0] for part in _best_spans(start[None], end[None], reach, k)))
    positions = start.shape[1]
    reach = min(reach, positions)
    ends = pad(end, (0, reach - 1), value=_NEVER)
    best_of_start = start + max_pool1d(ends[:, None], reach, stride=1)[:, 0]
    starts = best_of_start.topk(min(k, positions), dim=1).indices  # (windows, k)
    reachable = ends.unfold(1, reach, 1).gather(1, starts[:, :, None].expand(-1, -1, reach))
    sums = (start.gather(1, starts)[:, :, None] + reachable).flatten(1)
    score, index = sums.topk(min(k, sums.shape[1]), dim=1)
    first = starts.gather(1, index // reach)
    return Spans(first, first + index % reach, score)

"""How sure an answer is: one distribution a question over everything that could be answered, at any temperature.

What could be answered is every pair of pieces that decoding allows (`start ≤ end < start + max_answer_length`) in
every window, and "no answer". At a temperature T a pair counts exp((start + end) / T) and no answer
exp(null / T); divided by the sum of all, Z(T), these are probabilities. Pairs that stand for the same characters,
in one window or in several, are one answer. All sums are exact and in logarithms: nothing is cut off, and no
range of logits overflows. Needs no torch.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyspan.model.windows.windows import Windows

Floats = NDArray[np.float64]
Places = NDArray[np.integer[Any]]


def log_totals(start: NDArray[Any], end: NDArray[Any], reach: int, temperatures: Floats) -> Floats:
    """log Σ exp((start + end) / T) over all pairs start ≤ end < start + reach, of shape (windows, temperatures).

    `start` and `end` are logits of shape (windows, positions), −inf where nothing may start or end.
    """
    totals, start, end = [], start.astype(np.float64), end.astype(np.float64)
    for temperature in temperatures:
        sums = start / temperature + _log_sums(end / temperature, min(reach, end.shape[1]))
        top = np.maximum(sums.max(1, initial=-np.inf), np.finfo(float).min)  # finite, where nothing is allowed
        with np.errstate(divide="ignore"):
            totals.append(top + np.log(np.exp(sums - top[:, None]).sum(1)))
    return np.stack(totals, 1)


def _log_sums(values: Floats, reach: int) -> Floats:
    """log Σ exp over each position and the `reach` − 1 behind it, by sums over 1, 2, 4, 8, … positions."""
    result, power = np.full_like(values, -np.inf), values
    done, width = 0, 1  # positions that `result` and `power` sum over
    while True:
        if reach & width:
            head = result[:, : result.shape[1] - done]
            np.logaddexp(head, power[:, done:], out=head)
            done += width
        if done == reach:
            return result
        wider = power.copy()
        np.logaddexp(wider[:, :-width], power[:, width:], out=wider[:, :-width])
        power, width = wider, 2 * width


@dataclass(slots=True)
class WindowLogits:
    """The start and end logits of the pieces of all windows, flat float32 arrays; −inf where none is allowed."""

    windows: Windows
    reach: int
    start: NDArray[np.float32] = field(init=False)
    end: NDArray[np.float32] = field(init=False)
    pointers: NDArray[np.int64] = field(init=False)
    """Where the pieces of each window begin."""

    def __post_init__(self) -> None:
        self.pointers = np.concatenate([[0], np.cumsum(self.windows.length, dtype=np.int64)])
        self.start, self.end = np.full((2, self.pointers[-1]), -np.inf, np.float32)

    def put(
        self, rows: Places, pieces: Places, inside: NDArray[np.bool_], start: NDArray[Any], end: NDArray[Any]
    ) -> None:
        """Keep the logits (rows, positions) of those positions that are `inside`, whose pieces are given."""
        windows = self.windows
        begin = windows.contexts.pointers[windows.paragraph[rows]] + windows.first[rows]
        places = (pieces + (self.pointers[rows] - begin)[:, None])[inside]
        self.start[places], self.end[places] = start[inside], end[inside]

    def log_masses(self, question: Places, first: Places, last: Places, temperatures: Floats) -> Floats:
        """log Σ exp((start + end) / T) over all pairs, in all windows of the question, that are those characters.

        Spans `first` to `last` of the context of each question; of shape (spans, temperatures).
        """
        span, one, other = self._pairs(question, first, last)
        pair, row = self._windows_with(question[span], one, other)
        begin = self.pointers[row] - self.windows.first[row]
        logits = self.start[begin + one[pair]].astype(np.float64) + self.end[begin + other[pair]]
        masses = np.full((len(question), len(temperatures)), -np.inf)
        np.logaddexp.at(masses, span[pair], logits[:, None] / temperatures)
        return masses

    def _pairs(self, question: Places, first: Places, last: Places) -> tuple[Places, Places, Places]:
        """The pairs of pieces that are those characters: number of the span, pieces counted from the context's."""
        contexts = self.windows.contexts
        of_question = np.zeros(len(self.windows.questions.pointers) - 1, np.int64)
        of_question[self.windows.question] = self.windows.paragraph
        paragraph = of_question[question]
        of_piece = np.repeat(np.arange(len(contexts.pointers) - 1), np.diff(contexts.pointers))
        chosen = []
        for places, wanted in ((contexts.starts, first), (contexts.ends, last)):
            keys, sought = (of_piece << 32) + places, (paragraph << 32) + wanted
            order = np.argsort(keys, kind="stable")
            low, high = (np.searchsorted(keys, sought, side, sorter=order) for side in ("left", "right"))
            chosen.append((order, low, high - low))
        (starts, at, many), (ends, to, others) = chosen
        span, nth = _spread(many * others)
        one = starts[at[span] + nth // others[span]] - contexts.pointers[paragraph[span]]
        other = ends[to[span] + nth % others[span]] - contexts.pointers[paragraph[span]]
        fits = (one <= other) & (other < one + self.reach)
        return span[fits], one[fits], other[fits]

    def _windows_with(self, question: Places, one: Places, other: Places) -> tuple[Places, Places]:
        """The windows that hold both pieces: number of the pair, row. Windows stand in order of their question."""
        windows, key = self.windows, question.astype(np.int64) << 32
        of_row = windows.question.astype(np.int64) << 32
        low = np.searchsorted(of_row + windows.first + windows.length, key + other, "right")
        high = np.searchsorted(of_row + windows.first, key + one, "right")
        pair, nth = _spread(np.maximum(high - low, 0))
        return pair, low[pair] + nth


def _spread(counts: Places) -> tuple[Places, Places]:
    """Each number as often as counted, and how many of it came before: [2, 0, 1] gives [0, 0, 2] and [0, 1, 0]."""
    numbers = np.repeat(np.arange(len(counts)), counts)
    return numbers, np.arange(len(numbers)) - np.repeat(np.cumsum(counts) - counts, counts)

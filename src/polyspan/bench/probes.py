"""Turns of the probes: SVCCA beside SVDs of the tall matrices, all layers beside a plain forward pass."""

import functools
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from polyspan.bench.material import questions
from polyspan.model.batch import by_tokens, collate, input_lengths
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import make_windows
from polyspan.probe.cca import svcca as from_covariances
from polyspan.probe.hidden import depth, stream_windows

_POINTS, _WIDTH = 100_000, 384
_VARIANCE = 0.99
_BUDGET = 2048  # padded pieces in a batch, on both sides
_WINDOWS = 24


def svcca(turn: int) -> dict[str, Any]:
    """SVCCA of 100,000 pairs of vectors with 384 dimensions: seconds of both sides.

    `apart` is the greatest difference between their coefficients, `directions` those kept of x and y.
    """
    x, y = _pairs()
    began = time.perf_counter()
    ours = from_covariances(x, y, _VARIANCE)
    middle = time.perf_counter()
    theirs = _of_tall_matrices(x, y)
    ended = time.perf_counter()
    apart = float(np.abs(ours.coefficients - theirs).max())
    times = {"ours": middle - began, "peer": ended - middle}
    return times | {"apart": apart, "directions": ours.directions, "turn": turn}


def _of_tall_matrices(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float64]:
    """SVCCA as its authors' code has it (Raghu et al. 2017): SVD, leading directions, CCA by covariance."""
    sides = []
    for side in (x, y):
        centred = side.astype(np.float64) - side.mean(0, dtype=np.float64)
        left, values, _ = np.linalg.svd(centred, full_matrices=False)
        shares = np.cumsum(values**2) / (values**2).sum()
        kept = int(np.searchsorted(shares, _VARIANCE)) + 1
        sides.append(left[:, :kept] * values[:kept])
    joint = np.cov(np.concatenate(sides, 1), rowvar=False)
    split = sides[0].shape[1]
    roots = []
    for block in (joint[:split, :split], joint[split:, split:]):
        values, vectors = np.linalg.eigh(block)
        roots.append((vectors / np.sqrt(values)) @ vectors.T)
    found: NDArray[np.float64] = np.linalg.svd(roots[0] @ joint[:split, split:] @ roots[1], compute_uv=False)
    return found


@functools.cache
def _pairs() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors like hidden states: far from zero, a few directions wide, most narrow, partly shared."""
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(_WIDTH, _WIDTH)) * np.exp(-np.arange(_WIDTH) / 60)[:, None]
    x = generator.normal(size=(_POINTS, _WIDTH))
    y = x + generator.normal(size=x.shape)
    return (x @ mixing + 3).astype(np.float32), (y @ mixing[:, ::-1] - 1).astype(np.float32)


@functools.cache
def _reader(model: str) -> Reader:
    return Reader.load(model)


def probe_overhead(turn: int, model: str = "bundled:e5-small") -> dict[str, Any]:
    """Seconds of one pass that gives all layers, and of the plain forward pass over the same batches."""
    reader = _reader(model)
    windows = make_windows(questions("xquad:en", 200, turn), reader.tokenizer, reader.options)
    rows = np.arange(min(_WINDOWS, len(windows)), dtype=np.int32)
    layers = range(depth(reader) + 1)
    if not turn:  # once unmeasured: fresh memory, thread pools
        _forward(reader, windows, rows)
    began = time.perf_counter()
    taken = sum(len(part.states) for part in stream_windows(reader, windows, layers, rows, token_budget=_BUDGET))
    middle = time.perf_counter()
    batches = _forward(reader, windows, rows)
    ended = time.perf_counter()
    assert taken == batches * len(layers)
    return {"all_layers": middle - began, "plain": ended - middle, "windows": len(rows)}


def _forward(reader: Reader, windows: Any, rows: Any) -> int:
    """The forward pass of a prediction; returns how many batches there were."""
    batches = by_tokens(input_lengths(windows, reader.layout)[rows], _BUDGET)
    with torch.inference_mode():
        for part in batches:
            batch = collate(windows, reader.layout, rows[part]).to(reader.device)
            reader.logits(batch, pack=reader.packs)
    return len(batches)

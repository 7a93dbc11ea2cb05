"""How fast the machine multiplies matrices of the encoder's shapes, and copies memory."""

import time

import torch

_SHAPES = ((384, 384, 4), (384, 1536, 1), (1536, 384, 1))  # inputs, outputs, how many in a layer of e5-small
_TOKENS = 1448  # 8 windows of 181 pieces: the mean of SQuAD


def sgemm(seconds: float = 0.5) -> float:
    """GFLOP/s of float32 products at the shapes of an encoder layer, in their mix."""
    operands = [
        (torch.randn(_TOKENS, inputs), torch.randn(inputs, outputs), times) for inputs, outputs, times in _SHAPES
    ]
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        for left, right, times in operands:
            for _ in range(times):
                left @ right
        done += 1
    spent = time.perf_counter() - began
    return done * sum(2 * _TOKENS * i * o * times for i, o, times in _SHAPES) / spent / 1e9


def copy_rate(seconds: float = 0.2) -> float:
    """GB/s of memory read and written by a copy."""
    source = torch.randn(2**24)
    target, done, began = torch.empty_like(source), 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        target.copy_(source)
        done += 1
    return 2 * source.nbytes * done / (time.perf_counter() - began) / 1e9

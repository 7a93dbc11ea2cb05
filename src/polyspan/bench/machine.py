"""The machine: what it is, and how fast it multiplies matrices of the encoder's shapes."""

import os
import platform
import time
from typing import Any

import torch

from polyspan.lab.engine.execution import processor
from polyspan.model.encoders.encoder import versions

_SHAPES = ((384, 384, 4), (384, 1536, 1), (1536, 384, 1))  # inputs, outputs, how many in a layer of e5-small
_TOKENS = 1448  # 8 windows of 181 pieces: the mean of SQuAD


def describe() -> dict[str, Any]:
    """Processor, cores, threads, memory and versions."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gb": round(pages / 1e9, 1),
        "system": platform.platform(),
        "versions": versions(),
    }


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

"""Dropout at the price of a few random bytes: on a CPU PyTorch draws each element with its own Bernoulli trial."""

import math
from collections.abc import Sequence
from typing import Any

import torch

_LEVELS = 2**16  # probabilities are multiples of 1/65,536: 0.1 becomes 0.100006


def draw(shape: Sequence[int], dropout: float) -> torch.Tensor:
    """Independent draws of that shape, float32, below 0 with the probability `dropout` and above it otherwise.

    They come from torch's own generator of the CPU; one draw of 64 bits decides four elements.
    """
    size = math.prod(shape)
    drawn = torch.empty(-(-size // 4), dtype=torch.int64).random_(-(2**63), None)
    lowest_kept = round(dropout * _LEVELS) - _LEVELS // 2
    return drawn.view(torch.int16)[:size].view(*shape).to(torch.float32).add_(0.5 - lowest_kept)


class Dropout(torch.nn.Dropout):
    """`torch.nn.Dropout`, but on a CPU by `draw`."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if not self.training or not self.p or input.device.type != "cpu":
            return super().forward(input)
        drawn = draw(input.shape, self.p)
        kept = torch.gt(drawn, 0, out=drawn).mul_(1 / (1 - self.p))
        return input * kept.to(input.dtype)


def use_dropout(model: Any) -> None:
    """Put `Dropout` in the place of every `torch.nn.Dropout` of a model, with its probability."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child) is torch.nn.Dropout:
                setattr(module, name, Dropout(child.p).train(child.training))

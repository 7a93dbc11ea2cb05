"""Linear layers that answer faster on a CPU: oneDNN with weights laid out for it once.

PyTorch multiplies float32 matrices with MKL, which lays the weights out anew in every call, and takes slower
kernels on processors that are not Intel's. There, and in half precision everywhere, this is faster at an encoder's
shapes; results differ by rounding alone. On Intel's MKL is as fast, and faster with one window alone.
"""

import platform
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import linear


def can_pack() -> bool:
    """Whether this PyTorch has oneDNN and the two operations that are needed."""
    names = ("_reorder_linear_weight", "_linear_pointwise")
    available: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return available and all(hasattr(torch.ops.mkldnn, name) for name in names)


@cache
def has_fast_mkl() -> bool:
    """Whether float32 is multiplied by MKL on a processor of the make it was written for."""
    info = Path("/proc/cpuinfo")
    maker = info.read_text("utf-8", "replace") if info.exists() else platform.processor()
    return torch.backends.mkl.is_available() and "GenuineIntel" in maker  # type: ignore[no-untyped-call]


class Linear(torch.nn.Linear):
    """`torch.nn.Linear` that packs its weight when it first answers; while it learns it is the same as that.

    Under autocast the packed weight is in autocast's type, and so is the result, as PyTorch has it.
    """

    _packed: tuple[Any, torch.Tensor, torch.Tensor | None] | None = None

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        device = input.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else torch.float32
        known = (torch.float32,) if dtype == torch.float32 else (torch.float32, dtype)
        plain = self.training or torch.is_grad_enabled() or (dtype == torch.float32 and has_fast_mkl())
        if plain or device != "cpu" or input.dtype not in known:
            self._packed = None  # fused optimisers change weights without a trace
            return linear(input, self.weight, self.bias)
        state = (dtype, _state(self.weight), _state(self.bias))
        if self._packed is None or self._packed[0] != state:
            rows = input.numel() // input.shape[-1]
            packed = torch.ops.mkldnn._reorder_linear_weight(self.weight.detach().to(dtype), rows)
            self._packed = state, packed, None if self.bias is None else self.bias.detach().to(dtype)
        _, packed, bias = self._packed
        mixed: torch.Tensor = torch.ops.mkldnn._linear_pointwise(input.to(dtype), packed, bias, "none", [], "")
        return mixed

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_packed"}  # type: ignore


def _state(weight: torch.Tensor | None) -> Any:
    """Changes whenever the weight does."""
    if weight is None:
        return None
    return weight.data_ptr(), weight.shape, None if weight.is_inference() else weight._version


class SpanHead(Linear):
    """The layer that gives start and end logits: in float32 always, so that half precision makes no ties."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.float())


def use_linear(model: torch.nn.Module) -> None:
    """Make every plain linear layer of a model a `Linear` and the span head a `SpanHead`, in place."""
    faster = can_pack()
    for module in model.modules():
        if type(module) is torch.nn.Linear:
            if module.out_features == 2:
                module.__class__ = SpanHead
            elif faster:
                module.__class__ = Linear

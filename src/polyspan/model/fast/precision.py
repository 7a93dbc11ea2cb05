"""Number formats that answers can be computed in, and where each of them pays."""

import torch

from polyspan.errors import PolyspanError, UsageError, choose
from polyspan.model.device import gpu, gpu_has_bf16

DTYPES = ("fp32", "bf16")


def require_dtype(dtype: str) -> None:
    """Refuse a format that this machine computes no faster than float32, and int8, which loses answers.

    docs/benchmarks.md has the measurements. Raises UsageError for an unknown name, PolyspanError for the machine.
    """
    if dtype == "int8":
        raise UsageError(
            "answers are not computed in int8",
            found="it loses more answers than bf16 does and is no faster here (docs/benchmarks.md)",
            expected=" or ".join(DTYPES),
        )
    choose("dtype", dtype, DTYPES)
    if dtype == "bf16" and not has_bf16():
        raise PolyspanError(
            "bf16 would be slower than fp32 here",
            found="no instructions for it",
            expected="a processor with AVX512-BF16 or AMX, or a GPU with bf16",
            fix="--dtype fp32",
        )


def has_bf16() -> bool:
    """Whether the machine multiplies bf16 matrices faster than float32 ones."""
    if gpu() is not None:
        return gpu_has_bf16()
    known: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(known.get(name) for name in ("avx512_bf16", "amx_bf16"))

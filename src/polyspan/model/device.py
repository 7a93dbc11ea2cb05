"""Where models compute: on a GPU – NVIDIA's, AMD's, Intel's or Apple's, whatever torch calls its accelerator – or
on the processor."""

import torch


def gpu() -> torch.device | None:
    """The kind of GPU that this machine has; None where it has none."""
    return torch.accelerator.current_accelerator(check_available=True)


def best_device(*, float64: bool = False) -> torch.device:
    """The GPU where there is one, else the processor; with `float64` one that has such numbers."""
    found = gpu() or torch.device("cpu")
    return with_float64(found) if float64 else found


def with_float64(device: torch.device) -> torch.device:
    """The device where it has numbers of 64 bits, else the processor: Apple's GPUs have none."""
    return torch.device("cpu") if device.type == "mps" else device


def gpu_has_bf16() -> bool:
    """Whether there is a GPU that says that it computes in bf16; Apple's do not say."""
    found = gpu()
    asked = found and getattr(torch.get_device_module(found), "is_bf16_supported", None)
    return bool(asked and asked())


def gpu_name() -> str | None:
    """What the GPU is called, its kind where it has no name; None where there is none."""
    if (found := gpu()) is None:
        return None
    asked = getattr(torch.get_device_module(found), "get_device_name", None)
    return found.type if asked is None else str(asked())


def free_gpu() -> None:
    """Give memory of the GPU in which nothing lies back to it."""
    if (found := gpu()) is not None:
        torch.get_device_module(found).empty_cache()

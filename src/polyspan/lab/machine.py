"""The machine that this process runs on, told without loading torch: for records, estimates and the benchmark."""

import os
import platform
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a plan's estimates are for."""

    cores: int
    gpu: bool

    def __str__(self) -> str:
        return f"{self.cores} cores, " + ("a GPU" if self.gpu else "no GPU")


@cache
def hardware() -> Hardware:
    """This machine, as far as it can be told without loading torch."""
    shown = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
    return Hardware(usable_cores(), Path("/dev/nvidia0").exists() and shown not in ("", "-1"))


def usable_cores() -> int:
    """The processor's cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> dict[str, Any]:
    """Host, processor, cores, memory, GPU and system, for records. Work that never loaded torch used no GPU."""
    gpu = None
    if sys.modules.get("torch") is not None:
        from polyspan.model.device import gpu_name

        gpu = gpu_name()
    return {"host": platform.node(), "cores": os.cpu_count(), "gpu": gpu} | _fixed()


@cache
def _fixed() -> dict[str, Any]:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8", "replace").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
    return {
        "cpu": names[0] if names else platform.processor() or platform.machine(),
        "memory_gb": round(memory / 1e9, 1) or None,
        "system": f"{platform.system()} {platform.machine()}",
    }

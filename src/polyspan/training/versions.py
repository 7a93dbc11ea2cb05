"""The versions of the libraries that decide the numbers: those here, and those that made what is kept."""

import platform
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from typing import Any

COUNTED = ("torch", "transformers", "tokenizers")
"""Those with which a stage counts as made again under the policy `versions`."""


@cache
def versions(lora: bool = False) -> dict[str, str]:
    """What is installed here, by package, for run records; `lora` is whether adapters were trained."""
    packages = ("polyspan", *COUNTED, "numpy", *(["peft"] if lora else []))
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in packages}


def others(record: Mapping[str, Any]) -> str:
    """The counted versions that made a stage and are not those here, in words; "" where all are the same."""
    made, here = record.get("versions") or {}, versions()
    return ", ".join(f"{name} {made[name]}" for name in COUNTED if made.get(name, here[name]) != here[name])

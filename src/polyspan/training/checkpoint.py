"""Where a killed training run goes on from: weights, optimiser and averages, as safetensors."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from polyspan.errors import PolyspanError
from polyspan.files import replacing_folder, write_json

_NUMBERS = ("step", "losses", "seconds", "snapshots", "scaler")
_PARTS = ("weights", "optimizer", "average", "ema")
KEPT = "kept"
"""The folder beside the steps with the Readers that the run has been on its way."""


@dataclass
class Progress:
    """How far a run has come. Nothing random is kept: every draw follows from the seed and the step."""

    step: int = 0
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    snapshots: int = 0
    scaler: dict[str, Any] = field(default_factory=dict)
    """State of fp16's loss scaling, where there is one."""
    average: dict[str, torch.Tensor] = field(default_factory=dict)
    """Running mean of the trained weights over the snapshots taken so far, on the CPU."""
    ema: dict[str, torch.Tensor] = field(default_factory=dict)
    """Exponential moving average of the trained weights, where they are."""


def save_checkpoint(folder: Path, run: str, state: Progress, model: Any, optimizer: torch.optim.Optimizer) -> None:
    """Write `folder/STEP` for the run with the fingerprint `run`; older steps go once it is whole."""
    with replacing_folder(folder / str(state.step)) as part:
        trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        weights = {name: weight.detach().contiguous() for name, weight in trained.items()}
        moments = {
            f"{index}/{name}": value.contiguous()
            for index, values in optimizer.state_dict()["state"].items()
            for name, value in values.items()
        }
        save_file(weights, part / "weights.safetensors")
        save_file(moments, part / "optimizer.safetensors")
        save_file(state.average, part / "average.safetensors")
        save_file(state.ema, part / "ema.safetensors")
        numbers = {key: getattr(state, key) for key in _NUMBERS}
        write_json(part / "state.json", {"run": run, **numbers}, indent=None)
    for old in folder.iterdir():
        if old.name not in (str(state.step), KEPT):
            shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(folder: Path, run: str, model: Any, optimizer: torch.optim.Optimizer) -> Progress:
    """Put the last checkpoint's weights and moments in place; a fresh Progress where there is none.

    Raises PolyspanError where the checkpoint belongs to a run with other data, settings or seed, or is damaged.
    """
    steps = [int(path.name) for path in folder.iterdir() if path.name.isdigit()] if folder.is_dir() else []
    if not steps:
        return Progress()
    last = folder / str(max(steps))
    try:
        numbers = json.loads((last / "state.json").read_text("utf-8"))
        parts = [load_file(last / f"{name}.safetensors") for name in _PARTS]
    except (OSError, ValueError, SafetensorError) as error:
        raise PolyspanError(
            f"the checkpoint at {last} cannot be read", found=str(error), fix="remove it and start the run again"
        ) from error
    if numbers.pop("run", None) != run:
        raise PolyspanError(
            f"the checkpoint at {last} belongs to another run",
            expected="the same data, encoder, settings, seed and versions",
            fix="resume with the options the run was started with, or remove the folder and start again",
        )
    weights, moments, average, ema = parts
    model.load_state_dict(weights, strict=False)
    saved = optimizer.state_dict()
    saved["state"] = {}
    for key, value in moments.items():
        index, name = key.split("/")
        saved["state"].setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(saved)
    device = next(model.parameters()).device
    return Progress(**numbers, average=average, ema={name: mean.to(device) for name, mean in ema.items()})

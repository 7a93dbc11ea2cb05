"""Where a killed training run goes on from: weights, optimiser and averaged snapshots, as safetensors."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from polyspan.errors import PolyspanError
from polyspan.files import replacing_folder, write_json


@dataclass
class Progress:
    """How far a run has come. Nothing random is kept: every draw follows from the seed and the step."""

    step: int = 0
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    snapshots: int = 0
    average: dict[str, torch.Tensor] = field(default_factory=dict)
    """Running mean of the trained weights over the snapshots taken so far."""


def save_checkpoint(folder: Path, run: str, state: Progress, model: Any, optimizer: torch.optim.Optimizer) -> None:
    """Write a checkpoint of the run with the fingerprint `run`, whole or not at all."""
    with replacing_folder(folder) as part:
        trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        save_file(
            {name: weight.detach().contiguous() for name, weight in trained.items()}, part / "weights.safetensors"
        )
        moments = {
            f"{index}/{name}": value.contiguous()
            for index, values in optimizer.state_dict()["state"].items()
            for name, value in values.items()
        }
        save_file(moments, part / "optimizer.safetensors")
        save_file(state.average, part / "average.safetensors")
        numbers = {key: getattr(state, key) for key in ("step", "losses", "seconds", "snapshots")}
        write_json(part / "state.json", {"run": run, **numbers}, indent=None)


def load_checkpoint(folder: Path, run: str, model: Any, optimizer: torch.optim.Optimizer) -> Progress:
    """Put a checkpoint's weights and moments in place; a fresh Progress where there is no checkpoint.

    Raises PolyspanError where the checkpoint belongs to a run with other data, settings or seed, or is damaged.
    """
    if not folder.is_dir():
        return Progress()
    try:
        numbers = json.loads((folder / "state.json").read_text("utf-8"))
        weights = load_file(folder / "weights.safetensors")
        moments = load_file(folder / "optimizer.safetensors")
        average = load_file(folder / "average.safetensors")
    except (OSError, ValueError, SafetensorError) as error:
        raise PolyspanError(
            f"the checkpoint at {folder} cannot be read", found=str(error), fix="remove it and start the run again"
        ) from error
    if numbers.pop("run") != run:
        raise PolyspanError(
            f"the checkpoint at {folder} belongs to another run",
            expected="the same data, encoder, settings, seed and versions",
            fix="resume with the options the run was started with, or remove the folder and start again",
        )
    model.load_state_dict(weights, strict=False)
    saved = optimizer.state_dict()
    saved["state"] = {}
    for key, value in moments.items():
        index, name = key.split("/")
        saved["state"].setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(saved)
    return Progress(**numbers, average=average)

"""Weights as they were on the way through a training: kept as Readers, or averaged in the end."""

import contextlib
import copy
import os
import shutil
from pathlib import Path
from typing import Any

import torch

from polyspan.checkpoint import Progress
from polyspan.files import replacing_folder
from polyspan.model.reader import Reader
from polyspan.model.rows import restore_rows

CHECKPOINTS = "checkpoints"
"""The folder in a Reader's with the Readers that it was on the way: 1, 2, …"""
KEPT = "kept"
"""Where they are until the training ends, beside what a killed run goes on from."""


def keep_reader(reader: Reader, whole: torch.nn.Embedding | None, decay: float, out: Path) -> None:
    """Write a Reader that is still being trained to the folder `out`; it is then as it was before.

    `whole` are the embeddings in whose place `UsedRows` are, their unused rows multiplied by `decay`.
    """
    model = reader.model
    rows, beside = model.get_input_embeddings(), model._modules.pop("confusion", None)
    if whole is not None:
        restore_rows(model, copy.deepcopy(whole), decay)
    with replacing_folder(out) as folder:
        reader.save(folder)
    model.set_input_embeddings(rows)
    if beside is not None:
        model.confusion = beside


def linked(source: str, target: str) -> str:
    """Give a file a second name, or copy it where the disk knows no such thing."""
    with contextlib.suppress(OSError):
        os.link(source, target)
        return target
    return str(shutil.copy2(source, target))


def add_snapshot(state: Progress, model: Any) -> None:
    """Take the trained weights into their mean over snapshots."""
    state.snapshots += 1
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            now = weight.detach().float().cpu()
            mean = state.average.setdefault(name, torch.zeros_like(now))
            mean += (now - mean) / state.snapshots


def move_average(state: Progress, model: Any, decay: float) -> None:
    """Move the exponential mean of the trained weights towards what they are now."""
    trained = {name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad}
    if not state.ema:
        state.ema = {name: weight.float().clone() for name, weight in trained.items()}
    means = [state.ema[name] for name in trained]
    torch._foreach_lerp_(means, [weight.float() for weight in trained.values()], 1 - decay)

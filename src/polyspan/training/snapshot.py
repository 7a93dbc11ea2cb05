"""Weights as they were on the way through a training: kept as Readers, or averaged in the end."""

import contextlib
import copy
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from polyspan.files import replacing_folder
from polyspan.model.fast.used_rows import restore_rows
from polyspan.model.reader import Reader
from polyspan.training.checkpoint import KEPT, Progress
from polyspan.training.optimizer import ema_decay, idle_decay
from polyspan.training.settings import TrainSettings

CHECKPOINTS = "checkpoints"
"""The folder in a Reader's with the Readers that it was on the way: 1, 2, …"""


@dataclass(frozen=True, slots=True)
class Snapshots:
    """What is taken of the weights in a training of `total` steps; `folder` is what a killed run goes on from, and
    `merge` whether adapters are kept as whole Readers."""

    settings: TrainSettings
    total: int
    checkpoints: int
    folder: Path
    merge: bool = False

    @property
    def averaged(self) -> set[int]:
        """The steps whose weights make up the average; the last is one of them."""
        return {
            round(self.total * number / self.settings.average) for number in range(1, self.settings.average + 1)
        }

    @property
    def kept(self) -> dict[int, int]:
        """The steps whose weights are kept as a Reader, and its number; the last is not among them."""
        return {round(self.total * number / self.checkpoints): number for number in range(1, self.checkpoints)}

    def begin(self, state: Progress) -> None:
        """Forget what another run left, where this one starts anew."""
        if not state.step:
            shutil.rmtree(self.folder / KEPT, ignore_errors=True)

    def take(self, state: Progress, reader: Reader, whole: torch.nn.Embedding | None, writes: bool) -> None:
        """Take what is to be taken after the state's step; `writes` is whether this process keeps Readers."""
        if self.settings.average > 1 and state.step in self.averaged:
            _add_snapshot(state, reader.model)
        if self.settings.ema:
            _move_average(state, reader.model, ema_decay(state.step, self.settings))
        if writes and (number := self.kept.get(state.step)):
            decay = idle_decay([state.step], self.total, self.settings)
            with _with_mean(reader.model, state.ema):
                _keep(reader, whole, decay, self.folder / KEPT / str(number), self.merge)

    def publish(self, out: Path) -> None:
        """Give a finished Reader's folder those that it was on the way."""
        for number in self.kept.values():
            target = out / CHECKPOINTS / str(number)
            shutil.copytree(self.folder / KEPT / str(number), target, copy_function=_linked)


@contextlib.contextmanager
def _with_mean(model: Any, mean: dict[str, torch.Tensor]) -> Iterator[None]:
    """The model has the mean of its weights for a while, as it will in the end."""
    trained = {name: weight.detach().clone() for name, weight in model.named_parameters() if name in mean}
    model.load_state_dict(mean, strict=False)
    yield
    model.load_state_dict(trained, strict=False)


def _keep(reader: Reader, whole: torch.nn.Embedding | None, decay: float, out: Path, merge: bool) -> None:
    """Write a Reader that is still being trained to the folder `out`; it is then as it was before.

    `whole` are the embeddings in whose place `UsedRows` are, their unused rows multiplied by `decay`.
    """
    model = reader.model
    rows, beside = model.get_input_embeddings(), model._modules.pop("confusion", None)
    if whole is not None:
        restore_rows(model, copy.deepcopy(whole), decay)
    with replacing_folder(out) as folder:
        reader.save(folder, merge=merge)
    model.set_input_embeddings(rows)
    if beside is not None:
        model.confusion = beside


def _linked(source: str, target: str) -> str:
    """Give a file a second name, or copy it where the disk knows no such thing."""
    with contextlib.suppress(OSError):
        os.link(source, target)
        return target
    return str(shutil.copy2(source, target))


def _add_snapshot(state: Progress, model: Any) -> None:
    """Take the trained weights into their mean over snapshots."""
    state.snapshots += 1
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            now = weight.detach().float().cpu()
            mean = state.average.setdefault(name, torch.zeros_like(now))
            mean += (now - mean) / state.snapshots


def _move_average(state: Progress, model: Any, decay: float) -> None:
    """Move the exponential mean of the trained weights towards what they are now."""
    trained = {name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad}
    if not state.ema:
        state.ema = {name: weight.float().clone() for name, weight in trained.items()}
    means = [state.ema[name] for name in trained]
    torch._foreach_lerp_(means, [weight.float() for weight in trained.values()], 1 - decay)

"""A training before its first step: reader, windows, batches, what tells it from others, where it is kept."""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from polyspan.model.abilities import can
from polyspan.model.device import gpu
from polyspan.model.encoders.encoder import weights_sha256
from polyspan.model.fast.precision import has_bf16
from polyspan.model.layers import mapped, passing
from polyspan.model.map import Map
from polyspan.model.reader import Reader
from polyspan.model.windows.tokens import Ints
from polyspan.model.windows.windows import Layout, Windows
from polyspan.training.adversary import Confusion
from polyspan.training.masked_words import MaskedWords
from polyspan.training.settings import TrainSettings
from polyspan.training.snapshot import Snapshots
from polyspan.training.versions import versions

CHECKPOINT_SECONDS = 120.0
_WIDE = 256  # a processor gains nothing from bf16 in narrower layers


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """All that a training run needs.

    `plan` holds the rows of every batch; `every` is the seconds between two checkpoints; `merge` is whether an
    adapter is written as a whole Reader; with `words` masked ones are learnt, and no spans; `record` is what the
    caller chose and what followed from it.
    """

    reader: Reader
    windows: Windows
    lengths: Ints
    plan: list[Ints]
    settings: TrainSettings
    seed: int
    accelerator: Accelerator
    checkpoint: Path
    every: float = CHECKPOINT_SECONDS
    checkpoints: int = 1
    align: Map | None = None
    confusion: Confusion | None = None
    words: MaskedWords | None = None
    merge: bool = False
    record: dict[str, Any] = field(default_factory=dict)

    def found(self) -> dict[str, Any]:
        """What followed from the caller's choices before the first step."""
        windows, processes = self.windows, self.accelerator.num_processes
        found = {
            "windows": len(windows),
            "skipped": windows.skipped,
            "negatives": windows.negatives,
            "steps": len(self.plan),
        }
        found |= {"computed_in": self.precision, "versions": versions(lora=self.settings.lora is not None)}
        found |= {"encoder": weights_sha256(self.reader.model)}
        return found | ({"processes": processes} if processes > 1 else {})  # each draws its own dropout

    @property
    def precision(self) -> str:
        """What products of matrices are computed in: what was chosen, or bf16 where the machine gains by it."""
        if self.settings.precision != "auto":
            return self.settings.precision
        model = self.reader.model
        gains = gpu() is not None or getattr(model.config, "hidden_size", 0) >= _WIDE
        return "bf16" if gains and has_bf16() and can("bf16", model) else "fp32"

    def computing(self) -> contextlib.AbstractContextManager[Any]:
        """Within this a batch's loss is computed in the run's precision."""
        if self.precision == "bf16":
            return torch.autocast(self.accelerator.device.type, torch.bfloat16)
        others: contextlib.AbstractContextManager[Any] = self.accelerator.autocast()  # fp16 or nothing
        return others

    @property
    def layout(self) -> Layout:
        """How the pieces of a window are joined."""
        return self.reader.layout if self.words is None else self.words.layout

    @property
    def fingerprint(self) -> str:
        """Tells runs apart; what was stopped before there were layers drawn anew goes on."""
        record = dict(self.record)
        if not self.settings.reinitialize and "settings" in record:
            record["settings"] = {key: value for key, value in record["settings"].items() if key != "reinitialize"}
        return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()

    @property
    def snapshots(self) -> Snapshots:
        """What is taken of the weights on the way."""
        return Snapshots(self.settings, len(self.plan), self.checkpoints, self.checkpoint, self.merge)

    @contextlib.contextmanager
    def changed_states(self) -> Iterator[None]:
        """Within it, states pass through the map or the transform at their layer."""
        model = self.reader.model
        with contextlib.ExitStack() as stack:
            if self.align is not None:
                stack.enter_context(mapped(model, self.align))
            if self.confusion is not None:
                stack.enter_context(passing(model, self.confusion.layer, self.confusion.change))
            yield

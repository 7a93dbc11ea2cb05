"""Making a layer's states of two languages alike while a Reader is trained (Hsu et al. 2019, A.2.2).

A transform is put behind a layer; source text passes through it, and a discriminator tells its states from those
of unlabelled target text, which do not. Its gradient reaches the transform and the layers below reversed (Ganin
et al. 2016): they learn the task and to be mistaken for the target. The paper leaves the networks, the weight
and the schedule open: the transform is linear and starts as the identity, the discriminator is MUSE's (two hidden
layers, smoothed labels), piece by piece.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from polyspan.data.schema import Corpus
from polyspan.errors import UsageError
from polyspan.model.abilities import encoder_layers, require
from polyspan.model.batch import Batch, collate
from polyspan.model.reader import Reader
from polyspan.model.torch_runtime import span_logits
from polyspan.model.windows.windows import Windows, concatenate, make_windows

_HIDDEN = 512
_SMOOTHING = 0.1
_PIECES = 1024  # of each language in a step: enough to tell languages apart


@dataclass(frozen=True, slots=True)
class Adversary:
    """The layer whose states are confused, and the unlabelled target text; its answers are never read.

    The paper takes the text of the test set itself, which makes its results transductive; the run record names
    the corpora and their hashes, so that this can be seen.
    """

    layer: int
    corpora: Sequence[Corpus] = field(repr=False)
    weight: float = 0.1
    """Of the discriminator's loss beside the task's."""

    def __post_init__(self) -> None:
        if not self.corpora or not any(len(corpus) for corpus in self.corpora):
            raise UsageError("adversarial training needs target text", fix="--adversarial-data DATA")
        if not 0 < self.weight < float("inf"):
            raise UsageError("the adversary's weight must be above 0", found=str(self.weight))

    def as_json(self) -> dict[str, Any]:
        """For the run record."""
        data = [{"name": one.name, "language": one.language, "sha256": one.fingerprint()} for one in self.corpora]
        return {"layer": self.layer, "weight": self.weight, "data": data}


class Confusion(torch.nn.Module):
    """The transform and the discriminator of one training; `change` goes where the states of the layer pass."""

    def __init__(self, adversary: Adversary, reader: Reader, seed: int) -> None:
        super().__init__()
        require("layers", reader.model)
        last = len(encoder_layers(reader.model))
        if not 0 <= adversary.layer <= last:
            raise UsageError(f"the encoder has no layer {adversary.layer}", expected=f"0 to {last}")
        self.layer, self.weight = adversary.layer, adversary.weight
        self.windows: Windows = concatenate(
            [make_windows(corpus, reader.tokenizer, reader.options) for corpus in adversary.corpora]
        )
        width, self.seed = reader.model.config.hidden_size, seed
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.transform = torch.nn.Linear(width, width)
            torch.nn.init.eye_(self.transform.weight)
            torch.nn.init.zeros_(self.transform.bias)
            self.discriminator = torch.nn.Sequential(
                torch.nn.Dropout(0.1),
                torch.nn.Linear(width, _HIDDEN),
                torch.nn.LeakyReLU(0.2),
                torch.nn.Linear(_HIDDEN, _HIDDEN),
                torch.nn.LeakyReLU(0.2),
                torch.nn.Linear(_HIDDEN, 1),
            )
        self.passing: Literal["source", "target"] = "source"
        self.seen: dict[str, torch.Tensor] = {}

    def change(self, states: torch.Tensor) -> torch.Tensor:
        """Source states transformed, target states as they are; both are remembered for the loss."""
        if self.passing == "source":
            states = self.transform(states)
        self.seen[self.passing] = states
        return states

    def loss(self, model: Any, reader: Reader, source: Batch, step: Sequence[int], *, pack: bool) -> torch.Tensor:
        """The discriminator's loss on the source batch just computed and as many windows of target text."""
        drawn = np.random.default_rng([self.seed, *step]).integers(0, len(self.windows), len(source.rows))
        target = collate(self.windows, reader.layout, drawn.astype(np.int32)).to(source.input_ids.device)
        self.passing = "target"
        try:
            with torch.no_grad():
                span_logits(model, target, pack=pack)
        finally:
            self.passing = "source"
        ours, theirs = (
            _pieces(self.seen.pop(name), batch) for name, batch in (("source", source), ("target", target))
        )
        guesses = self.discriminator(torch.cat([_Reversed.apply(ours), theirs]).float())[:, 0]  # type: ignore
        truth = torch.full_like(guesses, _SMOOTHING)
        truth[: len(ours)] = 1 - _SMOOTHING
        weights = torch.cat([part.new_full((len(part),), 0.5 / len(part)) for part in (ours, theirs)])
        return self.weight * binary_cross_entropy_with_logits(guesses, truth, weights.float(), reduction="sum")


def _pieces(states: torch.Tensor, batch: Batch) -> torch.Tensor:
    """States without padding, some of them: drawn by the step's own random numbers."""
    flat = states.flatten(0, 1)
    if len(flat) == batch.input_ids.numel() and batch.attention_mask is not None:
        flat = flat[batch.attention_mask.flatten().bool()]
    return flat[torch.randperm(len(flat), device=flat.device)[:_PIECES]]


class _Reversed(torch.autograd.Function):
    """The same forwards, the opposite gradient backwards."""

    @staticmethod
    def forward(ctx: Any, states: torch.Tensor) -> torch.Tensor:
        return states.view_as(states)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return -gradients[0]

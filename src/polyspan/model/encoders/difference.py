"""Differences: what a trained model is beside its base, in four bits a weight; the whole of it in megabytes.

Training moves weights by little, so a coarse difference is finer than coarse weights would be. Weights that were
not trained take no room; vectors, and what stands above the encoder, are kept as they are. The folder of a
difference has `difference.safetensors`, and `base.json` that names the base and the SHA-256 of its files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from polyspan.errors import PolyspanError
from polyspan.files import Source
from polyspan.model.encoders.base import Base, fitting, readable
from polyspan.model.encoders.four_bits import packed, unpacked
from polyspan.model.encoders.model_name import DIFFERENCE

_BLOCK = 64  # weights with one scale: 4.25 bits a weight in all
_NIBBLES, _SCALES = ".nibbles", ".scales"
_LARGEST = float(np.finfo(np.float16).max)


@dataclass(frozen=True, slots=True)
class WeightDifference:
    """What is to be added to a base's matrices, and what takes the place of its other weights."""

    base: Base
    weights: Mapping[str, torch.Tensor] = field(default_factory=dict, repr=False)
    """`NAME.nibbles` (blocks, block / 2) and `NAME.scales` (blocks,) for a matrix; others as `NAME`, in full."""

    @classmethod
    def between(cls, base: Base, before: Any, weights: Mapping[str, torch.Tensor]) -> "WeightDifference":
        """What is different in `weights`, those of a whole model, from the model `before`, which is `base`.

        A head that `before` has at random is kept in any case. Raises PolyspanError for weights of other names or
        shapes than the base's, as a model with a trimmed vocabulary has them.
        """
        known = before.state_dict()
        for name in sorted({*known, *weights}):
            sides = [f"{name} {_shape(side.get(name))}" for side in (weights, known)]
            if sides[0] != sides[1]:
                fix = "name the base that it was trained from, neither trimmed nor grafted, or save it whole"
                raise PolyspanError(
                    f"the model has other layers than {base.name}", found=sides[0], expected=sides[1], fix=fix
                )
        made: dict[str, torch.Tensor] = {}
        inside = f"{before.base_model_prefix}."
        for name, value in weights.items():
            ours, theirs = value.detach().cpu(), known[name].detach().cpu()
            fresh = before.fresh_head and not name.startswith(inside)
            if not fresh and torch.equal(ours, theirs):
                continue
            if ours.ndim == 2 and name.startswith(inside) and (ours - theirs).abs().max() <= _LARGEST:
                nibbles, scales = packed(_blocks((ours - theirs).float()))
                made |= {name + _NIBBLES: torch.from_numpy(nibbles), name + _SCALES: torch.from_numpy(scales)}
            else:
                made[name] = ours
        return cls(base, made)

    @classmethod
    def load(cls, folder: Source) -> "WeightDifference":
        """A difference's folder. Raises PolyspanError for one that cannot be read."""
        folder = Path(folder)
        with readable("difference", folder):
            return cls(Base.load(folder), load_file(folder / DIFFERENCE))

    def save(self, folder: Source) -> None:
        """Write it into an existing folder, as `load` reads it."""
        folder = Path(folder)
        weights = {name: value.contiguous() for name, value in self.weights.items()}
        save_file(weights, folder / DIFFERENCE, {"format": "pt"})
        self.base.save(folder)

    def changed(self, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Those of the base's `weights` that are others with the difference, on the CPU, alike on every machine.

        Raises KeyError for a base without such weights, RuntimeError for one of another size.
        """
        made = {}
        for name, value in self.weights.items():
            if name.endswith(_NIBBLES):
                target = name.removesuffix(_NIBBLES)
                before = weights[target].detach().cpu()
                values = unpacked(value.numpy(), self.weights[target + _SCALES].numpy()).reshape(-1)
                learnt = torch.from_numpy(values[: before.numel()]).reshape(before.shape)
                made[target] = before + learnt.to(before.dtype)
            elif not name.endswith(_SCALES):
                made[name] = value
        return made

    def merge(self, model: Any) -> None:
        """Change the weights of a base, in place: from now on it is the trained model. PolyspanError where it does
        not fit."""
        with fitting("difference", self.base):
            found = model.load_state_dict(self.changed(model.state_dict()), strict=False)
            if found.unexpected_keys:
                raise KeyError(found.unexpected_keys[0])
        model.fresh_head = False


def _blocks(values: torch.Tensor) -> Any:
    """Values (blocks, block), of zeros where the last block is not full."""
    flat = values.reshape(-1)
    return torch.nn.functional.pad(flat, (0, -len(flat) % _BLOCK)).reshape(-1, _BLOCK).numpy()


def _shape(weight: torch.Tensor | None) -> str:
    return "that is not there" if weight is None else f"of {' × '.join(map(str, weight.shape))}"

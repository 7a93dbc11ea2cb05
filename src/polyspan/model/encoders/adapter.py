"""Adapters: low-rank matrices beside the linear layers of a base model, and the head that learnt with them.

LoRA (Hu et al. 2022): a layer's weight W becomes W + α/r·B·A, with r rows in A. The folder of an adapter is one of
peft's (`adapter_config.json`, `adapter_model.safetensors`), which reads it too; `base.json` beside these names the
model that it belongs to and the SHA-256 of its files, and the language of an adapter that was learnt from plain
text and has no head. Layers for learning are peft's own; merging is done here, so that loading does not wait for
peft.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from polyspan.errors import PolyspanError, UsageError
from polyspan.files import Source, write_json
from polyspan.model.encoders.base import BASE_FILE, Base, base_of, fitting, readable
from polyspan.model.encoders.model_name import ADAPTER, fetched, folder_with
from polyspan.model.fast.dropout import use_dropout

_WEIGHTS = "adapter_model.safetensors"
_WRAPPED = "base_model.model."  # before every name in peft's files
_PLAIN: dict[str, tuple[object, ...]] = {
    "peft_type": ("LORA",),
    "use_dora": (False, None),
    "use_rslora": (False, None),
    "fan_in_fan_out": (False, None),
    "bias": ("none", None),
    "rank_pattern": ({}, None),
    "alpha_pattern": ({}, None),
}
"""Fields of peft's configuration, and the only values of them that `Adapter.changed` computes."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """What was learnt beside a base. `targets` are the layers with low-rank matrices, `heads` the modules that are
    kept whole, all by their names in the model."""

    base: Base
    rank: int
    alpha: float
    targets: tuple[str, ...]
    heads: tuple[str, ...]
    dropout: float = 0.0
    weights: Mapping[str, torch.Tensor] = field(default_factory=dict, repr=False)
    """`TARGET.lora_A.weight` (rank, inputs), `TARGET.lora_B.weight` (outputs, rank), and those of the heads."""
    language: str | None = None
    """Of the text that it was learnt from (BCP 47), where that is all it knows: it has no head."""

    @property
    def heads_begin(self) -> tuple[str, ...]:
        """What the names of the heads' weights begin with."""
        return tuple(f"{head}." for head in self.heads)

    @property
    def bare(self) -> "Adapter":
        """The same without weights, for a model that has them."""
        return replace(self, weights={})

    @classmethod
    def load(cls, folder: Source) -> "Adapter":
        """An adapter's folder. Raises PolyspanError for one that cannot be read or was not written by polyspan."""
        folder = Path(folder)
        with readable("adapter", folder):
            config = json.loads((folder / ADAPTER).read_text("utf-8"))
            if strange := [key for key, plain in _PLAIN.items() if config.get(key) not in plain]:
                raise ValueError(f"{strange[0]} {config.get(strange[0])!r}, which polyspan does not write")
            language = json.loads((folder / BASE_FILE).read_text("utf-8")).get("language")
            weights = {key.removeprefix(_WRAPPED): value for key, value in load_file(folder / _WEIGHTS).items()}
            targets, heads = (tuple(config[key] or ()) for key in ("target_modules", "modules_to_save"))
            sizes = int(config["r"]), float(config["lora_alpha"]), targets, heads, float(config["lora_dropout"])
            return cls(Base.load(folder), *sizes, weights, language)

    def save(self, folder: Source) -> None:
        """Write it into an existing folder, as peft and `load` read it."""
        folder = Path(folder)
        weights = {_WRAPPED + name: value.detach().cpu().contiguous() for name, value in self.weights.items()}
        save_file(weights, folder / _WEIGHTS, {"format": "pt"})
        named = {"base_model_name_or_path": self.base.model, "revision": self.base.revision}
        sizes = {"r": self.rank, "lora_alpha": self.alpha, "lora_dropout": self.dropout, "bias": "none"}
        parts = {"target_modules": list(self.targets), "modules_to_save": list(self.heads) or None}
        task = "FEATURE_EXTRACTION" if self.language else "QUESTION_ANS"
        kind = {"peft_type": "LORA", "task_type": task, "inference_mode": True}
        write_json(folder / ADAPTER, kind | named | sizes | parts)
        self.base.save(folder, **({"language": self.language} if self.language else {}))

    def moved_to(self, folder: Source, where: Source) -> "Adapter":
        """The same on another language's adapter, in the place of the one that it was trained on.

        Raises UsageError where there is no such adapter below it or in the folder, and PolyspanError where the two
        do not belong to the same base.
        """
        below = folder_with(ADAPTER, fetched(self.base.name))
        source = None if below is None else Adapter.load(below)
        if source is None or source.language is None:
            raise UsageError(
                "this adapter was not trained on a language's adapter, which could be replaced",
                where=str(where),
                found=f"its base is {self.base.name}",
                fix="train it with --model LANGUAGE_ADAPTER --lora RANK",
            )
        self.base.require("adapter", where)
        given = folder_with(ADAPTER, fetched(str(folder)))
        target = None if given is None else Adapter.load(given)
        if target is None or target.language is None:
            expected = "a folder that `polyspan adapt` wrote"
            raise UsageError("this is no language's adapter", where=str(folder), expected=expected)
        if not target.base.same_as(source.base):
            raise PolyspanError(
                "the adapters of the two languages belong to different bases",
                where=str(folder),
                found=target.base.name,
                expected=f"{source.base.name}, as that of {source.language}",
                fix=f"polyspan adapt --language {target.language} --model {source.base.name}",
            )
        return replace(self, base=base_of(str(folder)))

    def changed(self, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Those of the base's `weights` that are others with the adapter, in float32 on the CPU.

        Sums are made in double precision, so that they are the same on every machine. Raises KeyError for a base
        without such layers, RuntimeError for one of another size.
        """
        ours = {name: value.detach().cpu() for name, value in self.weights.items()}
        made = {name: value for name, value in ours.items() if ".lora_" not in name}
        for target in self.targets:
            before = weights[f"{target}.weight"].detach().cpu()
            a, b = (ours[f"{target}.lora_{side}.weight"].double() for side in "AB")
            made[f"{target}.weight"] = (before + b @ a * (self.alpha / self.rank)).to(before.dtype)
        return made

    def merge(self, model: Any) -> None:
        """Change the weights of a base, in place: from now on it is a whole model. PolyspanError where it does
        not fit."""
        with fitting("adapter", self.base):
            self._put(model, self.changed(model.state_dict()))

    def _put(self, model: Any, weights: Mapping[str, torch.Tensor]) -> None:
        """Give a model these weights; KeyError where one is missing or too many."""
        found = model.load_state_dict(weights, strict=False)
        missing = [name for name in found.missing_keys if ".lora_" in name or name.startswith(self.heads_begin)]
        if strange := [*missing, *found.unexpected_keys]:
            raise KeyError(strange[0])
        model.fresh_head = model.fresh_head and not self.heads
        model.adapted_to = self.language or getattr(model, "adapted_to", None)

    def attach(self, model: Any, seed: int = 0) -> None:
        """Put layers of peft's around the targets of a base, in place: matrices of the adapter's weights, or fresh
        ones from `seed`. They alone are trained then, and the heads as far as these were before."""
        try:
            from peft import LoraConfig, inject_adapter_in_model
        except ModuleNotFoundError as error:
            missing = f"training an adapter needs {error.name}, which is not installed"
            raise PolyspanError(missing, fix="pip install 'polyspan[lora]'") from error
        with fitting("adapter", self.base):
            for part in (*self.targets, *self.heads):
                model.get_submodule(part)
        heads = [part for head in self.heads for part in model.get_submodule(head).parameters()]
        trained = [part.requires_grad for part in heads]
        sizes: dict[str, Any] = {"r": self.rank, "lora_alpha": self.alpha, "lora_dropout": self.dropout}
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            inject_adapter_in_model(LoraConfig(**sizes, target_modules=list(self.targets)), model)
        for part, learns in zip(heads, trained, strict=True):
            part.requires_grad_(learns)
        use_dropout(model)
        if self.weights:
            with fitting("adapter", self.base):
                self._put(model, {_attached(name): value for name, value in self.weights.items()})

    def taken(self, model: Any) -> "Adapter":
        """The adapter with the weights that a model with its layers has now."""
        state = model.state_dict().items()
        kept = {name: value for name, value in state if ".lora_" in name or name.startswith(self.heads_begin)}
        return replace(self, weights={name.replace(".default.", "."): value for name, value in kept.items()})

    def whole(self, model: Any) -> dict[str, torch.Tensor]:
        """The weights of a model with its layers, as they are when merged; under the names of the base."""
        state = model.state_dict().items()
        bare = {name.replace(".base_layer.", "."): value for name, value in state if ".lora_" not in name}
        return bare | self.taken(model).changed(bare)

    def settle(self, model: Any) -> None:
        """Take the layers out of a model again, in place, and merge what they learnt."""
        learnt = self.taken(model)
        for target in self.targets:
            model.set_submodule(target, model.get_submodule(target).base_layer)
        learnt.merge(model)


def _attached(name: str) -> str:
    """What a weight of an adapter is called in a model with its layers."""
    return name.replace(".lora_A.", ".lora_A.default.").replace(".lora_B.", ".lora_B.default.")

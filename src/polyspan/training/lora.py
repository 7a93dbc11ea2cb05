"""Where LoRA stands in a model: which layers get an adapter, and what is trained whole beside it."""

from typing import Any

import torch

from polyspan.errors import UsageError, nearest
from polyspan.model.abilities import encoder_layers
from polyspan.model.encoders.adapter import Adapter
from polyspan.model.encoders.base import Base
from polyspan.training.settings import TrainSettings


def add_adapter(
    model: Any, settings: TrainSettings, base: Base, seed: int, language: str | None = None
) -> Adapter:
    """Put fresh adapters, drawn from `seed`, beside the layers that are not frozen; the rest of the base stays.

    What is not the encoder (the span head, of whatever layers it consists) is trained whole, but for the adapter
    of a language, which has none. Raises UsageError where the model has no layers for it, or none of the names in
    `lora_target`.
    """
    assert settings.lora is not None
    encoder = model.base_model
    if encoder is model:
        raise UsageError(f"a {type(model).__name__} has no encoder for an adapter", fix="leave --lora away")
    targets = _targets(model, settings.lora_target)
    heads = tuple(
        name
        for name, part in model.named_children()
        if language is None and part is not encoder and any(True for _ in part.parameters())
    )
    alpha = 2.0 * settings.lora if settings.lora_alpha is None else settings.lora_alpha
    adapter = Adapter(base, settings.lora, alpha, targets, heads, settings.lora_dropout, language=language)
    adapter.attach(model, seed)
    return adapter


def _targets(model: Any, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The linear layers of the encoder that are not frozen: all of its stack, or those with a wanted name."""
    stack = {id(part) for layer in encoder_layers(model) for part in layer.modules()}
    inside = f"{model.base_model_prefix}."
    linear = {
        name: part
        for name, part in model.named_modules()
        if isinstance(part, torch.nn.Linear) and name.startswith(inside)
    }
    for target in wanted:
        if not any(_is_called(name, target) for name in linear):
            ends = sorted({name.rpartition(".")[2] for name in linear})
            raise UsageError(
                f"no linear layer is called {target!r}", expected=", ".join(ends), fix=nearest(target, ends)
            )
    chosen = tuple(
        name
        for name, part in linear.items()
        if part.weight.requires_grad
        and (any(_is_called(name, target) for target in wanted) if wanted else not stack or id(part) in stack)
    )
    if not chosen:
        raise UsageError("every layer for an adapter is frozen", fix="freeze less")
    return chosen


def _is_called(name: str, target: str) -> bool:
    return f".{name}".endswith(f".{target}")

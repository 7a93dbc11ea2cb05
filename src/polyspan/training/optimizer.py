"""What is trained, and by which steps: dropout, frozen weights, AdamW and its learning rate."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from polyspan.errors import UsageError
from polyspan.model.abilities import embeddings, encoder_layers
from polyspan.training.settings import TrainSettings


def prepare(model: Any, settings: TrainSettings, seed: int = 0) -> None:
    """Set dropout, draw layers anew and freeze what stays.

    Raises UsageError where a name fits nothing, where the encoder has fewer layers, and where nothing is left to
    train.
    """
    _draw_anew(model, settings.reinitialize, seed)
    for module in model.modules():
        if settings.dropout is None:
            break
        if isinstance(module, torch.nn.Dropout):
            module.p = settings.dropout
        elif hasattr(module, "attention_dropout") and isinstance(module.attention_dropout, float):
            module.attention_dropout = settings.dropout
    frozen = [name for part in settings.freeze for name in _named(model, part)]
    for name, weight in model.named_parameters():
        weight.requires_grad_(name not in frozen)
    for layer in _lowest_layers(model, settings.freeze_layers):
        layer.requires_grad_(False)
    if not any(weight.requires_grad for weight in model.parameters()):
        raise UsageError("everything is frozen: nothing is left to train", fix="freeze less")


def _draw_anew(model: Any, count: int, seed: int) -> None:
    """Give the `count` uppermost layers the weights that a model has before its pre-training."""
    layers = encoder_layers(model) if count else []
    if count > len(layers):
        raise UsageError(f"{count} layers cannot be drawn anew", found=f"an encoder with {len(layers)}")
    torch.manual_seed(seed)
    for layer in layers[len(layers) - count :]:
        for module in layer.modules():
            own: Iterable[Any] = module.parameters(recurse=False)
            for weight in own:
                weight._is_hf_initialized = False
            model._init_weights(module)


def _named(model: Any, part: str) -> list[str]:
    """Parameters with `part` in their name; `embeddings` are those of any model, whatever it calls them."""
    names = [name for name, _ in model.named_parameters()]
    found = [name for name in names if part in name] or (embeddings(model) if part == "embeddings" else [])
    if not found:
        raise UsageError(f"no parameter has {part!r} in its name", expected=f"such as {names[0]}")
    return found


def _lowest_layers(model: Any, wanted: float) -> list[torch.nn.Module]:
    """The first layers of the encoder: a share of them, rounded, or a number; UsageError where it has fewer."""
    layers = encoder_layers(model)
    count = round(wanted * len(layers)) if wanted < 1 else int(wanted)
    if count > len(layers):
        raise UsageError(f"{count} layers cannot be frozen", found=f"an encoder with {len(layers)}")
    return layers[:count]


def make_optimizer(model: Any, settings: TrainSettings) -> torch.optim.AdamW:
    """AdamW over the weights that are not frozen; biases and layer norms do not decay."""
    trained = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    plain = [weight for name, weight in trained if weight.ndim < 2]
    embeddings = {id(part.weight) for part in model.modules() if isinstance(part, torch.nn.Embedding)}
    tables = [weight for name, weight in trained if weight.ndim >= 2 and id(weight) in embeddings]
    decayed = [weight for name, weight in trained if weight.ndim >= 2 and id(weight) not in embeddings]
    groups = [
        {"params": decayed, "decay": settings.weight_decay, "l2": settings.l2},
        {"params": tables, "decay": settings.weight_decay, "l2": 0.0},
        {"params": plain, "decay": 0.0, "l2": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    rest: dict[str, Any] = {"betas": settings.betas, "eps": settings.epsilon, "fused": True}
    return torch.optim.AdamW(groups, lr=settings.learning_rate, **rest)


def penalise(optimizer: Any) -> None:
    """Add the gradient of the L2 penalty to those of the weights that have one."""
    for group in optimizer.param_groups:
        if group["l2"] and (weights := [weight for weight in group["params"] if weight.grad is not None]):
            with torch.no_grad():
                torch._foreach_add_([weight.grad for weight in weights], weights, alpha=group["l2"])


def rate(step: int, total: int, settings: TrainSettings) -> float:
    """The learning rate of a step (from 1), as the schedule has it."""
    warmup = int(settings.warmup * total if settings.warmup < 1 else settings.warmup)
    if settings.schedule == "log":
        return settings.learning_rate * min(1.0, math.log1p(step) / math.log1p(warmup) if warmup else 1.0)
    if step <= warmup:
        return settings.learning_rate * (step - settings.warmup_from_zero) / warmup
    return (
        settings.learning_rate * (total - step + 1) / (total - warmup if settings.decay_from == "peak" else total)
    )


def set_rate(optimizer: Any, step: int, total: int, settings: TrainSettings) -> None:
    """Set the step's learning rate; without bias correction AdamW's own is undone in its numbers."""
    first, second = 1.0, 1.0
    if not settings.bias_correction:
        first, second = 1 - settings.betas[0] ** step, math.sqrt(1 - settings.betas[1] ** step)
    for group in optimizer.param_groups:
        group["lr"] = rate(step, total, settings) * first / second
        group["weight_decay"] = group["decay"] * second / first
        group["eps"] = settings.epsilon / second


def ema_decay(step: int, settings: TrainSettings) -> float:
    """How much of the moving average stays at a step (from 1); it begins with the weights of the first."""
    return min(settings.ema, (1 + step) / (10 + step)) if step > 1 else 0.0


def idle_decay(steps: Iterable[int], total: int, settings: TrainSettings) -> float:
    """What weight decay alone makes of a weight without a gradient: its factor, averaged as the weights are, over
    these steps or up to the last of them."""
    rates = np.array([rate(step, total, settings) for step in range(1, total + 1)])
    factors = np.cumprod(1 - rates * settings.weight_decay)
    chosen = list(steps)
    if not settings.ema:
        return float(np.mean([factors[step - 1] for step in chosen]))
    mean = 1.0
    for step, factor in enumerate(factors[: max(chosen)].tolist(), 1):
        mean += (factor - mean) * (1 - ema_decay(step, settings))
    return mean

"""The layers of an encoder, and what is done to the states that pass from one to the next."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch

from polyspan.errors import UsageError
from polyspan.model.abilities import encoder_layers, require
from polyspan.model.map import Map


@contextmanager
def passing(model: Any, layer: int, change: Callable[[torch.Tensor], torch.Tensor]) -> Iterator[None]:
    """Within it, the states that leave `layer` are those that `change` makes of them; upper layers see these.

    Layer 0 is the embeddings' output, as in `Reader.hidden_states`; states have the shape (…, pieces, width).
    Raises UsageError for a layer that the encoder lacks.
    """
    require("layers", model)
    layers = encoder_layers(model)
    if not 0 <= layer <= len(layers):
        raise UsageError(
            f"the encoder has no layer {layer}", expected=f"0 (the embeddings' output) to {len(layers)}"
        )
    if layer < len(layers):
        hook = layers[layer].register_forward_pre_hook(
            lambda _, given: (change(given[0]), *given[1:])  # the states are a layer's first argument
        )
    else:  # what the span head reads: behind the norm that many models put on their last layer
        hook = model.base_model.register_forward_hook(lambda _, __, out: _with_last(out, change))
    try:
        yield
    finally:
        hook.remove()


def _with_last(output: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """A base model's output with its last states changed."""
    if isinstance(output, tuple):
        return (change(output[0]), *output[1:])
    output.last_hidden_state = change(output.last_hidden_state)
    return output


def mapped(model: Any, a_map: Map) -> AbstractContextManager[None]:
    """`passing` states through a map at the layer that its record names.

    Raises UsageError where the map does not fit the encoder or names no layer.
    """
    width = model.config.hidden_size
    if a_map.matrix.shape != (width, width):
        raise UsageError(
            "the map does not fit the encoder",
            found=f"a map from {a_map.matrix.shape[0]} to {a_map.matrix.shape[1]} dimensions",
            expected=f"{width} to {width}",
            fix="fit it with polyspan align fit --model, at a layer of this encoder",
        )
    if not isinstance(a_map.record.get("layer"), int):
        raise UsageError("the map names no layer", fix="fit it with polyspan align fit --model … --layer …")
    weight = next(model.parameters())
    matrix, bias = (torch.from_numpy(part).to(weight.device) for part in (a_map.matrix, a_map.bias))

    def change(states: torch.Tensor) -> torch.Tensor:
        return states @ matrix.to(states.dtype) + bias.to(states.dtype)

    return passing(model, a_map.record["layer"], change)

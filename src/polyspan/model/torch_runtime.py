"""A model of transformers in torch: what a Reader asks of it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch

from polyspan.errors import UsageError
from polyspan.model.abilities import can, require, sees_ahead, takes
from polyspan.model.batch import Batch
from polyspan.model.device import free_gpu
from polyspan.model.fast.pack import first_position, packed_inputs, unpacked
from polyspan.model.windows.windows import Layout, layout


@dataclass(frozen=True)
class TorchRuntime:
    """A model, and what its answers are computed in: `fp32` or `bf16`."""

    model: Any
    dtype: str = "fp32"

    def layout(self, tokenizer: Any) -> Layout:
        """How questions and contexts are joined; without token types where the model has only one.

        A model whose first piece sees none of the others says "not in this window" at the last one.
        """
        shape = layout(tokenizer)
        known = getattr(self.model.config, "type_vocab_size", 0) if takes(self.model, "token_type_ids") else 0
        if shape.types is not None and max(shape.types) >= known:
            shape = replace(shape, types=None)
        return replace(shape, null="last") if shape.suffix and not sees_ahead(self.model) else shape

    def longest(self, tokenizer: Any) -> int:
        """Pieces in a window at most: the encoder's positions, or fewer where the tokenizer says so.

        RoBERTa's family numbers positions from the padding id + 1.
        """
        known = int(getattr(self.model.config, "max_position_embeddings", None) or 10**9)
        return min(known - first_position(self.model), int(tokenizer.model_max_length))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.model.parameters()).device  # type: ignore[no-any-return]

    @property
    def packs(self) -> bool:
        """Whether predictions are packed unless told otherwise: on a CPU, where it is a fifth faster."""
        return self.device.type == "cpu" and can("pack", self.model)

    def answering(self, *, pack: bool = False) -> AbstractContextManager[Any]:
        """Within this there is no dropout and no gradient. Raises UsageError where windows are to be packed and
        the model cannot."""
        if self.model.training:  # to ask takes less than to go through all modules
            self.model.eval()
        if pack:
            require("pack", self.model)
        return torch.inference_mode()

    def logits(self, batch: Batch, *, pack: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        """Start and end logits, float32 of shape (batch, length); −inf at padding."""
        half = self.dtype == "bf16" and not torch.is_grad_enabled()
        with torch.autocast(self.device.type, torch.bfloat16) if half else nullcontext():
            return span_logits(self.model, batch.to(self.device), pack=pack)

    def hidden_states(self, batch: Batch, layers: Sequence[int]) -> dict[int, torch.Tensor]:
        """Hidden states (batch, length, width) of the layers asked for; 0 is the embeddings' output."""
        require("probe", self.model)
        output = self.model(**batch.to(self.device).inputs(), output_hidden_states=True)
        known = len(output.hidden_states)
        if wrong := [layer for layer in layers if not -known <= layer < known]:
            raise UsageError(f"no layer {wrong[0]}", expected=f"0 (embeddings) to {known - 1}")
        return {layer: output.hidden_states[layer] for layer in layers}

    def free_memory(self) -> None:
        """Give memory of a GPU in which nothing lies back to it."""
        free_gpu()


def span_logits(
    model: Any, batch: Batch, *, pack: bool = False, mask: bool = True
) -> tuple[torch.Tensor, torch.Tensor]:
    """`TorchRuntime.logits` for a bare, perhaps wrapped, model and tensors; with `pack` its rows are one.

    Without `mask` padding keeps the logits that the model gives it.
    """
    output = model(**(packed_inputs(model, batch) if pack else batch.inputs()))
    start, end = output.start_logits.float(), output.end_logits.float()
    if pack:
        return tuple(unpacked(logits[0], batch) for logits in (start, end))  # type: ignore[return-value]
    if batch.attention_mask is None or not mask:
        return start, end
    padding = batch.attention_mask == 0
    return start.masked_fill(padding, float("-inf")), end.masked_fill(padding, float("-inf"))

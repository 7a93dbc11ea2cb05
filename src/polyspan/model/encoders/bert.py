"""BERT as far as answering needs it, in torch alone: importing transformers takes longer than an answer.

It computes what transformers' `BertForQuestionAnswering` computes with polyspan's attention and linear layers, bit
for bit (Devlin et al. 2019; post-layer norm, absolute positions, GELU). It learns nothing: it has no dropout.
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
from torch.nn.functional import gelu, scaled_dot_product_attention

from polyspan.model.fast.attention import NAME, attend_packed
from polyspan.model.fast.linear import Linear, SpanHead, can_pack

Weights = Mapping[str, torch.Tensor]

_LAYER = "bert.encoder.layer."
_INPUTS = ("attention.self.query", "attention.self.key", "attention.self.value")  # of a layer
_OUTPUTS = ("attention.output.dense", "intermediate.dense", "output.dense")
_NORMS = ("attention.output.LayerNorm", "output.LayerNorm")


class SpanLogits(NamedTuple):
    """Start and end logits (batch, length)."""

    start_logits: torch.Tensor
    end_logits: torch.Tensor


class PlainBert(torch.nn.Module):
    """Takes a configuration and weights under the names that transformers gives them; without `qa_outputs` it has
    states alone. Raises KeyError where one is missing, ValueError for a configuration of another kind."""

    fresh_head = False

    def __init__(self, config: Mapping[str, Any], weights: Weights) -> None:
        super().__init__()
        if config.get("hidden_act", "gelu") != "gelu" or config.get("is_decoder"):
            raise ValueError("not a plain BERT")
        self.config = SimpleNamespace(**dict(config) | {"_attn_implementation": NAME, "is_decoder": False})
        below = "bert.embeddings."
        self.words, self.places, self.types = (
            torch.nn.Embedding.from_pretrained(weights[f"{below}{kind}_embeddings.weight"])  # type: ignore
            for kind in ("word", "position", "token_type")
        )
        self.after_embeddings = _norm(weights, f"{below}LayerNorm", config["layer_norm_eps"])
        self.layers = torch.nn.ModuleList(
            _Layer(config, weights, f"{_LAYER}{number}.") for number in range(config["num_hidden_layers"])
        )
        head = "qa_outputs"
        self.head = _filled(SpanHead(1, 1), weights, head) if f"{head}.weight" in weights else None
        self.eval()

    @property
    def base_model(self) -> "PlainBert":
        """As a model of transformers has it."""
        return self

    def states(
        self,
        input_ids: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        cu_seq_lens_q: torch.Tensor | None = None,
        max_length_q: int = 0,
        **_: Any,
    ) -> torch.Tensor:
        """The last hidden states (batch, length, width)."""
        if position_ids is None:
            position_ids = torch.arange(input_ids.shape[1], device=input_ids.device)
        types = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        states: torch.Tensor = self.after_embeddings(
            self.words(input_ids) + self.types(types) + self.places(position_ids)
        )
        mask = None
        if cu_seq_lens_q is None and attention_mask is not None:
            mask = attention_mask.bool()[:, None, None, :].expand(-1, -1, input_ids.shape[1], -1)
        for layer in self.layers:
            states = layer(states, mask, cu_seq_lens_q, max_length_q)
        return states

    def forward(
        self,
        input_ids: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        **packed: Any,
    ) -> SpanLogits:
        """Start and end logits of padded windows, or of those in a packed row (`packed_inputs`)."""
        assert self.head is not None
        states = self.states(input_ids, token_type_ids, attention_mask, position_ids, **packed)
        return SpanLogits(*self.head(states).unbind(-1))


class _Layer(torch.nn.Module):
    def __init__(self, config: Mapping[str, Any], weights: Weights, prefix: str) -> None:
        super().__init__()
        self.heads = config["num_attention_heads"]
        kind = Linear if can_pack() else torch.nn.Linear
        self.query, self.key, self.value = (_filled(kind(1, 1), weights, prefix + part) for part in _INPUTS)
        self.mixed, self.inner, self.outer = (_filled(kind(1, 1), weights, prefix + part) for part in _OUTPUTS)
        self.after_mixed, self.after_outer = (
            _norm(weights, prefix + part, config["layer_norm_eps"]) for part in _NORMS
        )

    def forward(
        self, states: torch.Tensor, mask: torch.Tensor | None, bounds: torch.Tensor | None, longest: int
    ) -> torch.Tensor:
        shape = (*states.shape[:-1], self.heads, states.shape[-1] // self.heads)
        query, key, value = (
            part(states).view(shape).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        scale = shape[-1] ** -0.5
        if bounds is None:
            mixed = scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scale).transpose(1, 2)
        else:
            mixed = attend_packed(query, key, value, None, bounds, longest, scale)
        states = self.after_mixed(self.mixed(mixed.reshape(states.shape)) + states)
        found: torch.Tensor = self.after_outer(self.outer(gelu(self.inner(states))) + states)
        return found


def _norm(weights: Weights, name: str, eps: float) -> torch.nn.Module:
    size = tuple(weights[f"{name}.weight"].shape)
    return _filled(torch.nn.LayerNorm(size, eps=eps, device="meta"), weights, name)


def _filled(part: torch.nn.Module, weights: Weights, name: str) -> torch.nn.Module:
    """A layer with these weights in the place of its own, without a copy."""
    for kind in ("weight", "bias"):
        setattr(part, kind, torch.nn.Parameter(weights[f"{name}.{kind}"], requires_grad=False))
    return part

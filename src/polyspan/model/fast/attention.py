"""Attention within each window of a packed row, and with dropout that a CPU can afford."""

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

from polyspan.model.fast.dropout import draw

NAME = "polyspan"
"""What a model's configuration calls it, where it computes attention here."""


def attend_packed(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    bounds: torch.Tensor,
    longest: int,
    scale: float,
    dropout: float = 0.0,
    causal: bool = False,
) -> torch.Tensor:
    """Attention within each window of one row; takes (1, heads, length, width), gives (1, length, heads, width).

    `bounds`, int32 of shape (windows + 1,), says where the windows end, `longest` how long the longest is; the
    mask is that one's, of which each window's own is a corner.
    """
    if query.is_cuda and query.dtype != torch.float32 and mask is None and not dropout:
        return _varlen(query, key, value, bounds, longest, scale, causal)
    return _packed(query, key, value, mask, dropout, scale, bounds.diff().tolist(), causal)


def attend_rows(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    scale: float,
    dropout: float,
    causal: bool,
) -> torch.Tensor:
    """Attention a row at a time; takes (batch, heads, length, width), gives (batch, length, heads, width)."""
    rows = zip(query.unbind(), key.unbind(), value.unbind(), strict=True)
    mixed = [
        _window(*row, None if mask is None else mask[number], dropout, scale, causal)
        for number, row in enumerate(rows)
    ]
    return torch.stack(mixed).transpose(1, 2)


def _varlen(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    bounds: torch.Tensor,
    longest: int,
    scale: float,
    causal: bool,
) -> torch.Tensor:
    """All windows of a packed row in one kernel of a GPU; it knows no dropout and no float32."""
    from torch.nn.attention.varlen import varlen_attn

    q, k, v = (part[0].transpose(0, 1).contiguous() for part in (query, key, value))
    seen = (-1, 0) if causal else (-1, -1)  # pieces before and after; −1: all
    mixed: torch.Tensor = varlen_attn(q, k, v, bounds, bounds, longest, longest, scale=scale, window_size=seen)  # type: ignore
    return mixed[None]


def _packed(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    dropout: float,
    scale: float,
    lengths: list[int],
    causal: bool,
) -> torch.Tensor:
    """One window after another; the mask is that of the longest one."""
    mixed = []
    queries, keys, values = (torch.split(part[0], lengths, 1) for part in (query, key, value))
    for q, k, v in zip(queries, keys, values, strict=True):
        own = slice(q.shape[1])
        mixed.append(_window(q, k, v, None if mask is None else mask[0, :, own, own], dropout, scale, causal))
    return torch.cat(mixed, 1).transpose(0, 1)[None]


def _window(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    dropout: float,
    scale: float,
    causal: bool = False,
) -> torch.Tensor:
    """Attention within one window: (heads, length, width) each."""
    if dropout and query.device.type == "cpu":
        if causal:
            mask = torch.ones(1, query.shape[1], key.shape[1], dtype=torch.bool).tril()
        mixed: torch.Tensor = _DroppedAttention.apply(query, key, value, mask, dropout, scale)  # type: ignore
        return mixed
    q, k, v = query[None], key[None], value[None]  # the fused kernels want a batch
    return scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=causal, scale=scale)[
        0
    ]


class _DroppedAttention(torch.autograd.Function):
    """Attention with dropout on its weights, a window at a time, so that the weights stay in the CPU's cache.

    PyTorch's fused kernels take no dropout on a CPU; the plain path that it takes instead writes the weights of
    the whole batch to memory six times. Here one array is kept for the backward pass: the weights, negative where
    they were dropped. With D the row sums of dO ∘ O, dS = kept ∘ P ∘ (dO·Vᵀ) − P ∘ D, as in FlashAttention
    (Dao et al. 2022, appendix B).
    """

    @staticmethod
    def forward(
        ctx: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        mask: torch.Tensor | None,
        dropout: float,
        scale: float,
    ) -> torch.Tensor:
        scores = torch.bmm(query * scale, key.transpose(1, 2))
        if mask is not None:
            scores.masked_fill_(~mask, torch.finfo(scores.dtype).min)  # padding may see nothing: no NaN there
        weights = torch.softmax(scores, -1, out=scores)
        signed = torch.copysign(weights, draw(weights.shape, dropout))
        out = torch.bmm(signed.relu(), value).mul_(1 / (1 - dropout))
        ctx.save_for_backward(query, key, value, signed, out)
        ctx.dropout, ctx.scale = dropout, scale
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        query, key, value, signed, out = ctx.saved_tensors
        (of_out,) = gradients
        rows = (of_out * out).sum(-1, keepdim=True)
        of_out = of_out * (1 / (1 - ctx.dropout))
        kept = signed.relu()
        of_value = torch.bmm(kept.transpose(1, 2), of_out)
        of_scores = torch.bmm(of_out, value.transpose(1, 2)).mul_(kept)
        of_scores.addcmul_(signed.abs(), rows, value=-1)
        of_query = torch.bmm(of_scores, key).mul_(ctx.scale)
        of_key = torch.bmm(of_scores.transpose(1, 2), query).mul_(ctx.scale)
        return of_query, of_key, of_value, None, None, None

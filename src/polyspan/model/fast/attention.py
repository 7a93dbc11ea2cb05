"""Attention within each window of a packed row, and with dropout that a CPU can afford.

It is registered with transformers' `AttentionInterface` under one name. Padded batches without dropout take
transformers' own path through PyTorch's fused kernels.
"""

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from polyspan.model.fast.dropout import draw

NAME = "polyspan"


def use_attention(model: Any) -> bool:
    """Let a model compute attention here; returns whether its architecture can (DeBERTa's cannot)."""
    if model.config._attn_implementation == "sdpa" and model._can_set_attn_implementation():
        model.set_attn_implementation(NAME)
    return bool(model.config._attn_implementation == NAME)


def mask_of_windows(
    *, q_length: int, kv_length: int, attention_mask: torch.Tensor | None = None, **others: Any
) -> torch.Tensor | None:
    """Which pieces see which: transformers' mask, or for a packed row the one of its longest window.

    A packed row comes with a mask of padding that is only as long as that window (`packed_inputs`). Windows all
    begin at their first position, so that each one's own mask is a corner of it.
    """
    if kv_length < q_length:
        q_length, attention_mask = kv_length, None
    mask: torch.Tensor | None = sdpa_mask(
        q_length=q_length, kv_length=kv_length, attention_mask=attention_mask, **others
    )
    return mask


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Multi-head attention; takes (batch, heads, length, width), gives (batch, length, heads, width).

    With `cu_seq_lens_q`, int32 of shape (windows + 1,), the batch is one row of windows one after another, and
    each position sees its own window alone: all of it, or, where there is no mask and `is_causal` or the module's
    own word for it says so, what stands before. Several heads of `query` may share one of `key` and `value`.
    """
    slow = query.device.type == "cpu" and query.dtype == torch.bfloat16 and query.requires_grad and not dropout
    if not slow:
        return _attend(module, query, key, value, attention_mask, dropout, **others)
    # On a CPU the fused kernel goes back two to five times as slowly in bf16 as in float32.
    dtype = query.dtype
    query, key, value = query.float(), key.float(), value.float()
    if attention_mask is not None and attention_mask.is_floating_point():
        attention_mask = attention_mask.float()
    with torch.autocast("cpu", enabled=False):
        mixed, _ = _attend(module, query, key, value, attention_mask, **others)
    return mixed.to(dtype), None


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    cu_seq_lens_q: torch.Tensor | None = None,
    max_length_q: int | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    causal = bool(getattr(module, "is_causal", True) if is_causal is None else is_causal)
    plain = not dropout or query.device.type != "cpu" or others.get("position_bias") is not None
    if cu_seq_lens_q is None and plain:
        return sdpa_attention_forward(  # type: ignore[no-any-return]
            module,
            query,
            key,
            value,
            attention_mask,
            dropout=dropout,
            scaling=scaling,
            is_causal=is_causal,
            **others,
        )
    if shared := query.shape[1] // key.shape[1] - 1:
        key, value = (part.repeat_interleave(shared + 1, dim=1) for part in (key, value))
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    causal = causal and attention_mask is None
    if cu_seq_lens_q is not None:
        if query.is_cuda and query.dtype != torch.float32 and attention_mask is None and not dropout:
            longest = int(max_length_q or query.shape[2])
            return _varlen(query, key, value, cu_seq_lens_q, longest, scale, causal), None
        lengths = cu_seq_lens_q.diff().tolist()
        return _packed(query, key, value, attention_mask, dropout, scale, lengths, causal), None
    rows = zip(query.unbind(), key.unbind(), value.unbind(), strict=True)
    mixed = [
        _window(*row, None if attention_mask is None else attention_mask[number], dropout, scale, causal)
        for number, row in enumerate(rows)
    ]
    return torch.stack(mixed).transpose(1, 2), None


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


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, mask_of_windows)

"""Attention of transformers' models, computed by polyspan.

It is registered with their `AttentionInterface` under one name. Padded batches without dropout take transformers'
own path through PyTorch's fused kernels.
"""

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from polyspan.model.fast.attention import NAME, attend_packed, attend_rows


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
    scaling: float | None = None,
    is_causal: bool | None = None,
    cu_seq_lens_q: torch.Tensor | None = None,
    max_length_q: int | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Multi-head attention; takes (batch, heads, length, width), gives (batch, length, heads, width).

    With `cu_seq_lens_q`, int32 of shape (windows + 1,), the batch is one row of windows one after another, and
    each position sees its own window alone: all of it, or, where there is no mask and `is_causal` or the module's
    own word for it says so, what stands before. Several heads of `query` may share one of `key` and `value`.
    """
    if query.device.type == "cpu" and query.dtype == torch.bfloat16 and query.requires_grad and not dropout:
        # On a CPU the fused kernel goes back two to five times as slowly in bf16 as in float32.
        if attention_mask is not None and attention_mask.is_floating_point():
            attention_mask = attention_mask.float()
        states = query.float(), key.float(), value.float(), attention_mask
        given = others | {"scaling": scaling, "is_causal": is_causal}
        given |= {"cu_seq_lens_q": cu_seq_lens_q, "max_length_q": max_length_q}
        with torch.autocast("cpu", enabled=False):
            return attend(module, *states, **given)[0].to(query.dtype), None
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
    parts = query, key, value, attention_mask
    if cu_seq_lens_q is None:
        return attend_rows(*parts, scale, dropout, causal), None
    longest = int(max_length_q or query.shape[2])
    return attend_packed(*parts, cu_seq_lens_q, longest, scale, dropout, causal), None


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, mask_of_windows)

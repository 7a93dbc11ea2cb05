"""The parts of QANet (Yu et al. 2018, §2): highway, encoder block, context–query attention.

Tensors are (batch, length, width). A mask is bool of shape (batch, length), True at real positions; None says that
nothing is padded. No output at a real position depends on what stands at a padded one.
"""

import math
from collections.abc import Iterable

import torch
from torch import nn
from torch.nn.functional import relu, scaled_dot_product_attention

Mask = torch.Tensor | None


class Highway(nn.Module):
    """Two highway layers (Srivastava et al. 2015): x ← g∘relu(Wx + b) + (1 − g)∘x with a learnt gate g."""

    def __init__(self, width: int, layers: int = 2) -> None:
        super().__init__()
        self.transforms = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.gates = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for transform, gate in zip(self.transforms, self.gates, strict=True):
            x = x + torch.sigmoid(gate(x)) * (relu(transform(x)) - x)
        return x


class Convolution(nn.Module):
    """Depthwise-separable convolution along the length, an odd kernel, the length kept.

    The depthwise half is a two-dimensional one of height 1: (batch, length, width) is then already laid out as a
    picture with its channels last, which a CPU convolves many times faster than with its channels first.
    """

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, (1, kernel), padding=(0, kernel // 2), groups=width, bias=False)
        self.pointwise = nn.Linear(width, width)

    def forward(self, x: torch.Tensor, mask: Mask) -> torch.Tensor:
        if mask is not None:
            x = x * mask[..., None]
        mixed = self.depthwise(x.unsqueeze(1).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).squeeze(1)
        return relu(self.pointwise(mixed))


class SelfAttention(nn.Module):
    """Multi-head scaled dot-product attention of a sequence to itself."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.inner = nn.Linear(width, 3 * width)
        self.outer = nn.Linear(width, width)

    def forward(self, x: torch.Tensor, mask: Mask) -> torch.Tensor:
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.inner(x).chunk(3, dim=-1)
        )
        seen = None if mask is None else mask[:, None, None, :]
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=seen)
        result: torch.Tensor = self.outer(mixed.transpose(1, 2).flatten(2))
        return result


class FeedForward(nn.Module):
    """Two layers at each position, of the block's own width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Linear(width, width)
        self.outer = nn.Linear(width, width)

    def forward(self, x: torch.Tensor, mask: Mask) -> torch.Tensor:
        result: torch.Tensor = self.outer(relu(self.inner(x)))
        return result


class Residual(nn.Module):
    """x + dropout(part(norm(x))), the addition left out for some rows while training (stochastic depth).

    A row keeps it with the probability `survival`, and then counts 1 / survival as much (Huang et al. 2016).
    """

    def __init__(self, part: nn.Module, width: int, dropout: float, survival: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.part = part
        self.dropout = nn.Dropout(dropout)
        self.survival = survival

    def forward(self, x: torch.Tensor, mask: Mask) -> torch.Tensor:
        change: torch.Tensor = self.dropout(self.part(self.norm(x), mask))
        if self.training and self.survival < 1:
            kept = torch.rand(len(x), 1, 1, device=x.device) < self.survival
            change = change * (kept / self.survival).to(change.dtype)
        return x + change


class EncoderBlock(nn.Module):
    """Position encoding, convolutions, self-attention, feed-forward; each with a pre-layer-norm residual."""

    def __init__(self, layers: Iterable[Residual]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: torch.Tensor, mask: Mask, positions: torch.Tensor) -> torch.Tensor:
        x = x + positions[: x.shape[1]]
        for layer in self.layers:
            x = layer(x, mask)
        return x


def encoder_blocks(
    count: int, width: int, heads: int, convolutions: int, kernel: int, dropout: float, survival: float
) -> nn.ModuleList:
    """A stack of encoder blocks; layer l of its L survives with the probability 1 − l/L·(1 − survival)."""
    blocks, total = nn.ModuleList(), count * (convolutions + 2)
    for number in range(count):
        convolving = [Convolution(width, kernel) for _ in range(convolutions)]
        parts = [*convolving, SelfAttention(width, heads), FeedForward(width)]
        blocks.append(
            EncoderBlock(
                Residual(part, width, dropout, 1 - place / total * (1 - survival))
                for place, part in enumerate(parts, number * len(parts) + 1)
            )
        )
    return blocks


class ContextQueryAttention(nn.Module):
    """[c, a, c∘a, c∘b] at each position of the context (Yu et al. 2018, §2.2; Seo et al. 2017).

    With S[i, j] = w·[q_j, c_i, q_j∘c_i], S̄ its softmax over the question and S̿ that over the context:
    a = S̄·Q, b = S̄·S̿ᵀ·C. `weight` holds the three parts of w, (3, width).
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(3, width))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, context: torch.Tensor, question: torch.Tensor, context_mask: Mask, question_mask: Mask
    ) -> torch.Tensor:
        c, q = self.dropout(context), self.dropout(question)
        of_question, of_context, of_both = self.weight
        similar = torch.baddbmm((q @ of_question)[:, None, :], c * of_both, q.transpose(1, 2))
        similar = similar + (c @ of_context)[:, :, None]
        over_question = _softmax(similar, question_mask, 2)
        over_context = _softmax(similar, context_mask, 1)
        a = over_question @ question
        b = over_question @ (over_context.transpose(1, 2) @ context)
        return torch.cat([context, a, context * a, context * b], dim=-1)


def _softmax(x: torch.Tensor, mask: Mask, dim: int) -> torch.Tensor:
    if mask is not None:
        x = x.masked_fill(~mask[:, None, :] if dim == 2 else ~mask[:, :, None], float("-inf"))
    return x.softmax(dim)


def positions(length: int, width: int, like: torch.Tensor) -> torch.Tensor:
    """Sinusoids, (length, width): sines, then cosines, of wavelengths from 2π to 20,000π (Vaswani et al. 2017)."""
    half = width // 2
    rates = torch.exp(torch.arange(half, device=like.device) * (-math.log(10_000) / max(half - 1, 1)))
    angles = torch.arange(length, device=like.device)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1).to(like.dtype)

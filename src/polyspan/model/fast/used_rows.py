"""Training only the rows of the word embeddings that the training data uses.

A multilingual encoder has a row for 250,000 pieces, four fifths of its weights; a corpus uses some thousands. The
others get no gradient: AdamW leaves them as they are, but for weight decay, which is the same number for all.
Left out of the model while it trains, they cost neither gradients, moments, clipping nor exchange between
processes, and the result is the same.
"""

from typing import Any

import numpy as np
import torch
from torch.nn.functional import embedding

from polyspan.model.windows.tokens import Ints
from polyspan.model.windows.windows import Layout, Windows


class UsedRows(torch.nn.Embedding):
    """A word embedding that holds the rows of some pieces only; it is called with their old numbers."""

    def __init__(self, whole: torch.nn.Embedding, used: torch.Tensor) -> None:
        used = used.sort().values
        super().__init__(len(used), whole.embedding_dim, device="meta")
        numbers = torch.full((whole.num_embeddings,), -1)
        numbers[used] = torch.arange(len(used))
        trained = whole.weight.requires_grad
        self.register_buffer("numbers", numbers.to(whole.weight.device), persistent=False)
        self.weight = torch.nn.Parameter(whole.weight.detach()[used].clone(), requires_grad=trained)
        padding = whole.padding_idx
        self.padding_idx = None if padding is None or numbers[padding] < 0 else int(numbers[padding])

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return embedding(self.numbers[input], self.weight, self.padding_idx)  # type: ignore[index]


def used_pieces(windows: Windows, layout: Layout) -> Ints:
    """The numbers of all pieces that the encoder sees in some windows, special tokens and padding among them."""
    special = np.array([*layout.prefix, *layout.middle, *layout.suffix, layout.pad], np.int32)
    return np.unique(np.concatenate([windows.contexts.ids, windows.questions.ids, special]))


def keep_used_rows(model: Any, used: Ints) -> torch.nn.Embedding | None:
    """Put `UsedRows` in the place of a model's word embeddings; returns the whole ones.

    None, and no change, where they are frozen or not a plain table.
    """
    whole: torch.nn.Embedding = model.get_input_embeddings()
    if type(whole) is not torch.nn.Embedding or not whole.weight.requires_grad:
        return None
    model.set_input_embeddings(UsedRows(whole, torch.from_numpy(used.astype(np.int64))))
    return whole


def restore_rows(model: Any, whole: torch.nn.Embedding, decay: float = 1.0) -> None:
    """Put the whole embeddings back, with the trained rows; the others are multiplied by `decay`."""
    trained: UsedRows = model.get_input_embeddings()
    whole = whole.to(trained.weight.device)
    with torch.no_grad():
        if decay != 1:
            whole.weight.mul_(decay)
        whole.weight[trained.numbers >= 0] = trained.weight.to(whole.weight.dtype)  # type: ignore[operator]
    model.set_input_embeddings(whole)

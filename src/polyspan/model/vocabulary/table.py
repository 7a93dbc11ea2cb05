"""The table of a model's word embeddings, with other rows."""

from typing import Any

import torch


def replace_rows(model: Any, rows: torch.Tensor, padding: int | None) -> None:
    """Give a model's word embeddings the rows of shape (pieces, width), whatever else their module does with them.

    `padding` is the row of the padding piece.
    """
    table = model.get_input_embeddings()
    table.weight = torch.nn.Parameter(rows.to(table.weight), requires_grad=table.weight.requires_grad)
    table.num_embeddings, table.padding_idx = len(rows), padding
    model.config.vocab_size = len(rows)

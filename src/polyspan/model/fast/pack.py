"""Packing: the windows of a batch one after another in a single row, nothing padded.

What goes wrong in silence when this is done by hand, and is tested here: attention across windows,
positions that do not start again (from the padding id + 1 in RoBERTa's family), lost token types, and a softmax
over the whole row.
"""

from typing import Any

import numpy as np
import torch

from polyspan.model.batch import Batch


def packed_inputs(model: Any, batch: Batch) -> dict[str, Any]:
    """A batch as one row: ids, positions and token types of shape (1, pieces), and where its windows end.

    The mask is as long as the longest window, which tells `mask_of_windows` to make one for that and no more.
    """
    device = batch.input_ids.device
    place = _places(batch)
    bounds = torch.from_numpy(np.cumsum([0, *batch.lengths], dtype=np.int32)).to(device, non_blocking=True)
    longest = int(batch.lengths.max())
    inputs = {
        "input_ids": batch.input_ids.flatten()[place][None],
        "position_ids": _positions(model, batch.input_ids).flatten()[place][None],
        "attention_mask": torch.ones((1, longest), dtype=torch.int64, device=device),
        "cu_seq_lens_q": bounds,
        "cu_seq_lens_k": bounds,
        "max_length_q": longest,
        "max_length_k": longest,
    }
    if batch.token_type_ids is not None:
        inputs["token_type_ids"] = batch.token_type_ids.flatten()[place][None]
    return inputs


def unpacked(logits: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Logits of a packed row, (pieces,), as (windows, width) with −inf at padding: a softmax a window again."""
    rows = torch.full_like(batch.input_ids, float("-inf"), dtype=logits.dtype).flatten()
    return rows.index_copy(0, _places(batch), logits).view_as(batch.input_ids)


def first_position(model: Any) -> int:
    """The number of a window's first position: 0, or the padding id + 1 in RoBERTa's family."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return int(module.padding_idx) + 1
    return 0


def _positions(model: Any, input_ids: torch.Tensor) -> torch.Tensor:
    """The numbers of the positions in each row, as the model counts them itself.

    RoBERTa's family leaves out the padding token wherever it stands, written in a text too, and gives it the
    padding's own position (transformers `create_position_ids_from_input_ids`).
    """
    first = first_position(model)
    if not first:
        return torch.arange(input_ids.shape[1], device=input_ids.device).expand_as(input_ids)
    counted = (input_ids != first - 1).long()
    return counted.cumsum(1) * counted + first - 1


def _places(batch: Batch) -> torch.Tensor:
    """Where the pieces of a padded batch stand in it, row by row; made on the host, so that nothing waits."""
    width = batch.input_ids.shape[1]
    inside = np.arange(width) < batch.lengths[:, None]
    return torch.from_numpy(np.flatnonzero(inside)).to(batch.input_ids.device, non_blocking=True)

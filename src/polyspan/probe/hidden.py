"""The hidden states of an encoder over a corpus, a batch at a time: one pass for all layers, nothing kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from polyspan.data.schema import Corpus
from polyspan.errors import UsageError
from polyspan.model.abilities import require
from polyspan.model.batch import Batch, by_tokens, collate, input_lengths
from polyspan.model.fast.allocator import keep_freed_memory
from polyspan.model.fast.pack import packed_inputs
from polyspan.model.windows.tokens import Ints
from polyspan.model.windows.windows import Windows, make_windows
from polyspan.progress import progress

if TYPE_CHECKING:
    from polyspan.model.reader import Reader

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class States:
    """The states of a batch of windows, their pieces one after another without padding.

    `rows` are the windows of `windows` that the batch holds. Window i of the batch has the pieces
    `bounds[i]:bounds[i + 1]`; those of its context are `context[i, 0]:context[i, 1]`, which is the stretch of
    `windows.length[rows[i]]` pieces from piece `windows.first[rows[i]]` of paragraph `windows.paragraph[rows[i]]`.
    `states` has for each layer a tensor of shape (pieces, width), on the encoder's device and in its precision.
    """

    windows: Windows
    rows: Ints
    bounds: Places
    context: Places
    states: dict[int, torch.Tensor]


def stream(
    reader: "Reader",
    corpus: Corpus,
    layers: Sequence[int],
    *,
    token_budget: int | None = None,
    pack: bool | None = None,
) -> Iterator[States]:
    """The states of all windows of a corpus, each question with its context, as the Reader encodes them.

    Layer 0 is the embeddings' output, the last one the encoder's; negative numbers count from the last.
    `token_budget` is the most padded pieces in a batch; `pack` computes a batch as one row (None: where that is
    faster). Raises UsageError for a layer that the encoder lacks.
    """
    chosen = resolve_layers(reader, layers)
    windows = make_windows(corpus, reader.tokenizer, reader.options)
    return stream_windows(reader, windows, chosen, token_budget=token_budget, pack=pack)


def stream_windows(
    reader: "Reader",
    windows: Windows,
    layers: Sequence[int],
    rows: Ints | None = None,
    *,
    token_budget: int | None = None,
    pack: bool | None = None,
    doing: str = "",
) -> Iterator[States]:
    """`stream` for windows already made; `rows` chooses among them. `doing` names the work for the progress."""
    chosen = resolve_layers(reader, layers)
    reader.model.eval()
    keep_freed_memory()
    pack = reader.packs if pack is None else pack
    if pack:
        require("pack", reader.model)
    rows = np.arange(len(windows), dtype=np.int32) if rows is None else rows
    budget = token_budget or (2048 if reader.device.type == "cpu" else 65536)
    with progress(doing, len(rows), "windows") as advance:
        for part in by_tokens(input_lengths(windows, reader.layout)[rows], budget):
            batch = collate(windows, reader.layout, rows[part])
            bounds = np.cumsum([0, *batch.lengths], dtype=np.int64)
            context = batch.context + bounds[:-1, None]
            states = hidden_states(reader, batch.to(reader.device), chosen, pack=pack)
            yield States(windows, rows[part], bounds, context, states)
            advance(len(part), "")


def hidden_states(reader: "Reader", batch: Batch, layers: Sequence[int], *, pack: bool) -> dict[int, torch.Tensor]:
    """The states of one batch, (pieces, width) for each layer, without padding; the span head is not computed."""
    with torch.inference_mode():
        inputs = packed_inputs(reader.model, batch) if pack else batch.inputs()
        found = reader.model.base_model(**inputs, output_hidden_states=True).hidden_states
        flat = {layer: found[layer].flatten(0, 1) for layer in layers}
        if pack or batch.attention_mask is None:
            return flat
        inside = np.arange(batch.input_ids.shape[1]) < batch.lengths[:, None]
        places = torch.from_numpy(np.flatnonzero(inside)).to(reader.device)
        return {layer: states[places] for layer, states in flat.items()}


def depth(reader: "Reader") -> int:
    """The number of the encoder's last layer. Raises UsageError for a model without any to look into."""
    require("probe", reader.model)
    return int(reader.model.config.num_hidden_layers)


def resolve_layers(reader: "Reader", layers: Sequence[int]) -> tuple[int, ...]:
    """Layers as numbers from 0, each once, in the order given. Raises UsageError for one that is not there."""
    last = depth(reader)
    if wrong := [layer for layer in layers if not -last - 1 <= layer <= last]:
        raise UsageError(
            f"the encoder has no layer {wrong[0]}",
            expected=f"0 (the embeddings' output) to {last}, or -1 (the last) to {-last - 1}",
        )
    if not layers:
        raise UsageError("no layer is named", expected=f"some of 0 (the embeddings' output) to {last}")
    return tuple(dict.fromkeys(layer % (last + 1) for layer in layers))

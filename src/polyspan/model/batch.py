"""Batches of windows of nearly one length, so that almost nothing is padded. Needs no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyspan.model.windows.tokens import Ints
from polyspan.model.windows.windows import Layout, Windows

_POOL = 50  # batches sorted together: enough for even lengths, little enough to stay a random mix


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows as the encoder takes them: (batch, length) int64 arrays, or with `to` the same as tensors.

    `attention_mask` is None where nothing is padded: attention then takes its fast path. `context` holds the
    first and one past the last position of the context in each row; `start` and `end` are the labels as positions
    in the row, `null` where the answer is not in the window: the row's first piece or, as the layout says, its
    last. `rows` and `lengths`, the pieces of each row without padding, are arrays in either case.
    """

    rows: Ints
    lengths: Ints
    input_ids: Any
    token_type_ids: Any | None
    attention_mask: Any | None
    context: Any
    start: Any
    end: Any
    null: Any

    def to(self, device: Any) -> "Batch":
        """The same batch as tensors on a device of torch."""
        import torch

        parts = (self.input_ids, self.token_type_ids, self.attention_mask, self.context)
        moved = (
            None if part is None else torch.as_tensor(part).to(device, non_blocking=True)
            for part in (*parts, self.start, self.end, self.null)
        )
        return Batch(self.rows, self.lengths, *moved)

    def inputs(self) -> dict[str, Any]:
        """What the encoder is called with; nothing that this batch does not have."""
        given = {
            "input_ids": self.input_ids,
            "attention_mask": self.attention_mask,
            "token_type_ids": self.token_type_ids,
        }
        return {name: part for name, part in given.items() if part is not None}


def on_host(logits: Any) -> NDArray[np.float32]:
    """Logits as an array, wherever they were computed."""
    found: NDArray[np.float32] = logits if isinstance(logits, np.ndarray) else logits.detach().cpu().numpy()
    return found


def collate(windows: Windows, layout: Layout, rows: Ints, width: int | None = None) -> Batch:
    """Put windows together: [prefix] question [middle] context [suffix], padded to the longest, or to `width`."""
    questions = windows.question_length()[rows]
    begins = questions + len(layout.prefix) + len(layout.middle)
    ends = begins + windows.length[rows]
    totals = ends + len(layout.suffix)
    width = width or int(totals.max())
    ids = np.full((len(rows), width), layout.pad, np.int64)
    types = None if layout.types is None else np.zeros_like(ids)
    for line, row in enumerate(rows):
        place, question = windows.paragraph[row], questions[line]
        piece = windows.contexts.pointers[place] + windows.first[row]
        a, b, c, d = len(layout.prefix), len(layout.prefix) + question, begins[line], ends[line]
        ids[line, :a] = layout.prefix
        ids[line, a:b] = windows.questions.of(windows.question[row])[:question]
        ids[line, b:c] = layout.middle
        ids[line, c:d] = windows.contexts.ids[piece : piece + windows.length[row]]
        ids[line, d : d + len(layout.suffix)] = layout.suffix
        if types is not None and layout.types is not None:
            for part, kind in zip((slice(a), slice(a, b), slice(b, c), slice(c, d)), layout.types, strict=False):
                types[line, part] = kind
            types[line, d : totals[line]] = layout.types[-1]
    mask = None if int(totals.min()) == width else np.arange(width) < totals[:, None]
    inside = windows.label_start[rows] >= 0
    null = totals - 1 if layout.null == "last" else np.zeros_like(totals)
    return Batch(
        rows=rows,
        lengths=totals.astype(np.int32),
        input_ids=ids,
        token_type_ids=types,
        attention_mask=None if mask is None else mask.astype(np.int64),
        context=np.stack([begins, ends], 1).astype(np.int64),
        start=np.where(inside, begins + windows.label_start[rows], null).astype(np.int64),
        end=np.where(inside, begins + windows.label_end[rows], null).astype(np.int64),
        null=null.astype(np.int64),
    )


def join(batches: Sequence[Batch]) -> Batch:
    """The rows of several batches of one width, all of arrays, one after another as one batch.

    `rows` stay numbers of rows in the windows that each batch is of.
    """
    first, *others = batches
    if not others:
        return first
    masks = [
        np.ones_like(batch.input_ids) if batch.attention_mask is None else batch.attention_mask
        for batch in batches
    ]
    padded = any(batch.attention_mask is not None for batch in batches)
    types = [batch.token_type_ids for batch in batches if batch.token_type_ids is not None]
    columns = {
        name: np.concatenate([getattr(batch, name) for batch in batches])
        for name in ("input_ids", "context", "start", "end", "null")
    }
    return Batch(
        rows=np.concatenate([batch.rows for batch in batches]),
        lengths=np.concatenate([batch.lengths for batch in batches]),
        token_type_ids=np.concatenate(types) if types else None,
        attention_mask=np.concatenate(masks) if padded else None,
        **columns,
    )


def input_lengths(windows: Windows, layout: Layout) -> Ints:
    """Pieces of each window with its question and special tokens."""
    return windows.question_length() + windows.length + layout.special


def bucketed(
    lengths: Ints, batch_size: int, generator: np.random.Generator, order: Ints | None = None
) -> list[Ints]:
    """One epoch of batches: shuffle, sort pools of 50 batches by length, cut, shuffle the batches.

    `order` gives the rows of the epoch where it is not simply all of them (sampling by weight). The last batch
    may be smaller.
    """
    order = generator.permutation(len(lengths)).astype(np.int32) if order is None else order
    batches: list[Ints] = []
    for first in range(0, len(order), batch_size * _POOL):
        pool = order[first : first + batch_size * _POOL]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[at : at + batch_size] for at in range(0, len(pool), batch_size)]
    return [batches[index] for index in generator.permutation(len(batches))]


def by_tokens(lengths: Ints, budget: int) -> list[Ints]:
    """All rows, longest first, in batches of at most `budget` padded pieces (at least one row each)."""
    order = np.argsort(-lengths, kind="stable").astype(np.int32)
    batches, first = [], 0
    while first < len(order):
        size = max(1, budget // int(lengths[order[first]]))
        batches.append(order[first : first + size])
        first += size
    return batches

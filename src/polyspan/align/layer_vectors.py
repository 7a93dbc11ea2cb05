"""The vectors that an encoder's layer has for the pieces of a corpus."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError, UsageError, choose
from polyspan.model.device import with_float64
from polyspan.model.vocabulary.word_vectors import Floats, WordVectors
from polyspan.model.windows.tokens import Ints
from polyspan.model.windows.windows import Windows, make_windows, owned
from polyspan.probe.hidden import Places, resolve_layers, stream_windows
from polyspan.probe.token_vectors import token_vectors

if TYPE_CHECKING:
    from polyspan.model.reader import Reader

KINDS = ("types", "tokens")


def encoder_vectors(
    reader: "Reader",
    corpus: Corpus,
    layer: int,
    kind: str = "types",
    most: int | None = 10_000,
    seed: int = 0,
    *,
    limit: int | None = None,
    doing: str = "",
) -> WordVectors:
    """Pieces of a corpus' contexts, the frequent ones first, with their states at a layer.

    `types`: each piece once, with the mean of all its instances, the `most` frequent. `tokens`: `most` single
    instances drawn by the seed (10,000 unless told), those of frequent pieces first; a piece is there as often as
    it was drawn. Each context is encoded once, with its first question; special tokens and questions give no
    vectors. `limit` encodes only that many paragraphs, drawn by the seed. Layer 0 is the embeddings' output.
    """
    choose("kind of vectors", kind, KINDS)
    for name, value in (("most", most), ("limit", limit)):
        if value is not None and value < 1:
            raise UsageError(f"{name} must be at least 1", found=str(value))
    (layer,) = resolve_layers(reader, [layer])
    part = _drawn(corpus, limit, seed)
    if kind == "tokens":
        sample = token_vectors(reader, part, [layer], most or 10_000, seed, doing=doing)
        pieces, matrix = sample.pieces, sample.vectors[layer]
        _, inverse, counts = np.unique(pieces, return_inverse=True, return_counts=True)
        order = np.lexsort((pieces, -counts[inverse]))
    else:
        pieces, counts, matrix = _means(reader, part, layer, doing)
        order = np.lexsort((pieces, -counts))[:most]
    words = tuple(reader.tokenizer.convert_ids_to_tokens(pieces[order].tolist()))
    return WordVectors(words, matrix[order], source=f"{corpus.name}, layer {layer}, {kind}")


def _drawn(corpus: Corpus, limit: int | None, seed: int) -> Corpus:
    """Paragraphs with their first question, at most `limit` of them, in file order."""
    asked = [replace(part, questions=part.questions[:1]) for part in corpus.paragraphs if part.questions]
    if not any(part.context.strip() for part in asked):
        raise PolyspanError(f"{corpus.name} has no context with a question to look at", where=corpus.source)
    size = min(limit or len(asked), len(asked))
    chosen = np.random.default_rng(seed).choice(len(asked), size, replace=False)
    return replace(corpus, paragraphs=tuple(asked[place] for place in np.sort(chosen)))


def _means(reader: "Reader", corpus: Corpus, layer: int, doing: str) -> tuple[Ints, Places, Floats]:
    """Each piece that occurs, how often, and the mean of its states. Sums are float64, one row a piece."""
    windows = make_windows(corpus, reader.tokenizer, reader.options)
    pieces, inverse, counts = np.unique(windows.contexts.ids, return_inverse=True, return_counts=True)
    device = with_float64(reader.device)
    numbers = torch.from_numpy(inverse).to(device)
    sums: torch.Tensor | None = None
    for states, own in _owned_states(reader, windows, layer, doing):
        if sums is None:
            sums = torch.zeros(len(pieces), states.shape[1], dtype=torch.float64, device=device)
        sums.index_add_(0, numbers[own], states.to(device).double())
    assert sums is not None
    means = (sums.cpu().numpy() / counts[:, None]).astype(np.float32)
    return pieces, counts, means


def _owned_states(
    reader: "Reader", windows: Windows, layer: int, doing: str
) -> Iterator[tuple[torch.Tensor, slice]]:
    """States of a stretch of the contexts' pieces, (pieces, width), and which they are; each piece comes once."""
    first, last = owned(windows)
    begin = windows.contexts.pointers[windows.paragraph] + windows.first
    rows = np.flatnonzero(last > first).astype(np.int32)
    for batch in stream_windows(reader, windows, [layer], rows, doing=doing):
        for line, row in enumerate(batch.rows):
            place = batch.context[line, 0]
            states = batch.states[layer][place + first[row] : place + last[row]]
            yield states, slice(begin[row] + first[row], begin[row] + last[row])
